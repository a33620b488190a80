"""Read what other portals do from their counters, which Prometheus scrapes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

KEPT_FOR = 60  # looks

Counters = Mapping[tuple[str, str], float]


class Share(NamedTuple):
    """The servers that one of several portals prefers, so that they seldom choose the same ones at the same time."""

    rank: int
    portals: int

    def holds(self, server: str) -> bool:
        return _spread(server) % self.portals == self.rank


@lru_cache(maxsize=4096)
def _spread(server: str) -> int:
    """A number that every portal makes alike of a server's name."""
    return int.from_bytes(blake2b(server.encode(), digest_size=4).digest())


WHOLE_FLEET = Share(0, 1)


class Peers:
    """Reads counters of (portal, server) -> rooms given out so far, as one portal among those that have them.

    The mark of a counter that is out of sight (one scrape of its portal failed) is kept for some looks: when it comes
    back, what it counted long ago is not taken for new.
    """

    def __init__(self, own_portal: str) -> None:
        self._own = own_portal
        self._looks = 0
        self._marks: dict[tuple[str, str], tuple[float, int]] = {}
        self.share = WHOLE_FLEET

    def since_last(self, counters: Counters) -> dict[str, float]:
        """Server name -> rooms that portals other than this one gave out. The first look only sets the marks."""
        self._looks += 1
        rooms: dict[str, float] = {}
        for (portal, server), value in counters.items():
            new = value - self._marks.get((portal, server), (0.0, 0))[0]
            if portal != self._own and new > 0 and self._looks > 1:
                rooms[server] = rooms.get(server, 0.0) + new
        self._marks |= {counter: (value, self._looks) for counter, value in counters.items()}
        self._marks = {counter: mark for counter, mark in self._marks.items() if mark[1] > self._looks - KEPT_FOR}
        portals = sorted({self._own} | {portal for portal, _ in counters})
        self.share = Share(portals.index(self._own), len(portals))
        return rooms

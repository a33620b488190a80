"""Choose the server for the next room.

Measurements are seconds old when a choice is made, and rooms fill up slowly, so the least-loaded server of the last
poll would get every room until the next poll. A server's score is therefore its measured load plus the load promised to
it that the measurements cannot show yet: by this portal, and by other portals as far as Prometheus has seen it. What
other portals are promising right now is unknown, so a server in their share counts as if it had one more room. The
choice is made among a few random servers, so that independent portals seldom pick the same one.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Mapping, Sequence

from .fleet import Server
from .peers import WHOLE_FLEET, Share


class Chooser:
    """Chooses the server with the lowest score among `choices` random ones.

    `room_load` is the expected load of a room; `promise_time` is the time in seconds until measurements show all of
    it. A promise fades linearly over that time, up to the time of the measurements, not up to now: none of it can
    become visible between two polls. The random servers are neighbours in an order that is shuffled at each poll.
    """

    def __init__(self, choices: int, room_load: float, promise_time: float, seed: int | None = None) -> None:
        self._choices = choices
        self._room_load = room_load
        self._promise_time = promise_time
        self._random = random.Random(seed)
        self._given: dict[str, float] = {}
        self._promised: deque[tuple[float, dict[str, float]]] = deque()
        self._seen_at: float | None = None
        self._ready: Sequence[Server] = ()
        self._scores: list[float] = []

    def see(
        self,
        ready: Sequence[Server],
        at: float,
        by_peers: Mapping[str, float] | None = None,
        share: Share = WHOLE_FLEET,
    ) -> None:
        """Take in the servers of a poll made `at`, and the rooms that other portals assigned since the last poll.

        Servers without a known load are left out: unknown is not zero.
        """
        since = self._seen_at if self._seen_at is not None else at
        rooms = self._given
        for name, count in (by_peers or {}).items():
            rooms[name] = rooms.get(name, 0.0) + count
        self._promised.append(((since + at) / 2, rooms))
        self._given, self._seen_at = {}, at
        unseen = self._unseen(at)
        known = [server for server in ready if server.load is not None]
        self._ready = self._random.sample(known, len(known))
        scores = [self._score(server, unseen, share) for server in self._ready]
        self._scores = scores + scores[: self._choices - 1]  # the order is circular: the start follows the end

    def choose(self, below: float = math.inf) -> Server | None:
        """Choose the server for a new room and record the promise; return None if no score is lower than `below`."""
        count = len(self._ready)
        if not count:
            return None
        first = int(self._random.random() * count)
        few = self._scores[first : first + self._choices]
        lowest = min(few)
        if lowest >= below:
            return None
        best = (first + few.index(lowest)) % count
        server = self._ready[best]
        for place in range(best, len(self._scores), count):
            self._scores[place] += self._room_load
        self._given[server.name] = self._given.get(server.name, 0.0) + 1.0
        return server

    def _score(self, server: Server, unseen: Mapping[str, float], share: Share) -> float:
        by_others = 0.0 if share.holds(server.name) else self._room_load
        return (server.load or 0.0) + unseen.get(server.name, 0.0) + by_others

    def _unseen(self, at: float) -> dict[str, float]:
        """Return server name -> promised load that measurements made `at` do not show yet."""
        promised = self._promised
        while promised and promised[0][0] <= at - self._promise_time:
            promised.popleft()
        unseen: dict[str, float] = {}
        for promised_at, rooms in promised:
            each = self._room_load * (1.0 - (at - promised_at) / self._promise_time)
            for name, count in rooms.items():
                unseen[name] = unseen.get(name, 0.0) + each * count
        return unseen

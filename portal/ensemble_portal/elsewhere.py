"""What other portals promised: read from their own counters, which Prometheus scrapes like everything else."""

from __future__ import annotations

from collections.abc import Mapping

Counters = Mapping[tuple[str, str], float]


class Elsewhere:
    """Turns counters of (portal, server) -> rooms given out so far into rooms per server since the last look."""

    def __init__(self, own_portal: str) -> None:
        self._own = own_portal
        self._last: dict[tuple[str, str], float] | None = None

    def since_last(self, counters: Counters) -> dict[str, float]:
        """Server name -> rooms that portals other than this one gave out. The first look only sets the marks."""
        rooms: dict[str, float] = {}
        for key, value in counters.items():
            portal, server = key
            if portal == self._own or self._last is None:
                continue
            new = value - self._last.get(key, 0.0)
            if new > 0:
                rooms[server] = rooms.get(server, 0.0) + new
        self._last = dict(counters)
        return rooms

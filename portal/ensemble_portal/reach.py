"""Decide whether the rooms of a server can be reached, by proof over several minutes.

A room that moves splits those who come from those who are inside. So a dead exporter proves nothing, nor does a silent
Prometheus, nor the sudden loss of most servers; and while people are measured inside nothing does.
"""

from __future__ import annotations

from collections.abc import Mapping

from .prometheus import PROBED, Reading

JOBS_OF_PEOPLE = {"participants": "jicofo", "endpoints": "jvb"}


def people(reading: Reading) -> int | None:
    """People inside, by every exporter that answers; None when one of them is missing."""
    counts = [reading.gauges.get(gauge) if reading.up.get(job) else None for gauge, job in JOBS_OF_PEOPLE.items()]
    if any(counts):
        return round(max(count for count in counts if count is not None))
    return None if None in counts else 0


def is_unreachable(reading: Reading) -> bool:
    """Whether this reading proves that nobody can enter a room of the server."""
    if people(reading):
        return False
    if reading.up and not any(reading.up.values()):
        return True
    if reading.gauges.get(PROBED) == 0:
        return True
    signs = {"nginx": "nginx_up", "jvb": "jvb_healthy"}
    return any(reading.up.get(job) and reading.gauges.get(gauge) == 0 for job, gauge in signs.items())


class Reach:
    """Remembers since when there is proof that a server's rooms cannot be reached, without a gap in the watching."""

    def __init__(self, lost_after: float, longest_gap: float) -> None:
        self._lost_after = lost_after
        self._longest_gap = longest_gap
        self._began = self._at = float("-inf")
        self._since: dict[str, float] = {}
        self._known: set[str] = set()
        self._empty: list[str] = []
        self.lost: set[str] = set()
        self.well: set[str] = set()

    def see(self, readings: Mapping[str, Reading], now: float) -> None:
        """Take in an answer of Prometheus to a question asked at `now` (monotonic)."""
        if now - self._at > self._longest_gap:
            self._began, self._since = now, {}
        self._at = now
        absent = self._known - readings.keys()
        proven = {name for name, reading in readings.items() if is_unreachable(reading)}
        if 2 * len(absent) <= len(self._known):
            proven |= absent
        self._since = {name: self._since.get(name, now) for name in proven}
        self._known = (self._known | readings.keys()) - {name for name in absent if self.is_lost(name)}
        self.lost = {name for name in self._since if self.is_lost(name)}
        self.well = readings.keys() - proven
        self._empty = [name for name, reading in readings.items() if people(reading) == 0]

    def is_lost(self, server: str) -> bool:
        """Whether its rooms may move. A server that was never seen is lost once the watch has lasted long enough."""
        since = self._since.get(server, float("inf") if server in self._known else self._began)
        return self._at - since >= self._lost_after

    def is_troubled(self, server: str) -> bool:
        """Whether the last answer proves that its rooms cannot be reached, though perhaps not for long."""
        return server in self._since or self.is_lost(server)

    def empty(self) -> list[str]:
        """Servers on which all exporters that count people answer, and count none."""
        return self._empty

"""Which server gets the next room.

Measures are seconds old when a choice is made, so the least-loaded server of the last poll would get every room until
the next one. The score therefore adds the load that this portal has just promised and that no measure can show yet,
and the choice is made among a random few, so that portals which do not talk to each other seldom agree on one victim.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence

from .fleet import Server


class Promises:
    """Load promised to servers: each room counts fully when it is given out and fades to nothing in `fade` seconds."""

    def __init__(self, room_load: float, fade: float) -> None:
        self._room_load = room_load
        self._fade = fade
        self._given: deque[tuple[float, str]] = deque()
        self._rooms: dict[str, tuple[int, float]] = {}

    def add(self, server: str, now: float) -> None:
        if self._fade <= 0:
            return
        self._given.append((now, server))
        rooms, times = self._rooms.get(server, (0, 0.0))
        self._rooms[server] = (rooms + 1, times + now)

    def load(self, server: str, now: float) -> float:
        """The part of the load promised to `server` that is still expected; call `forget` before."""
        entry = self._rooms.get(server)
        if entry is None:
            return 0.0
        rooms, times = entry
        return self._room_load * max(0.0, rooms - (rooms * now - times) / self._fade)

    def forget(self, now: float) -> None:
        """Drop what has faded."""
        given = self._given
        while given and given[0][0] <= now - self._fade:
            at, server = given.popleft()
            rooms, times = self._rooms[server]
            if rooms == 1:
                del self._rooms[server]
            else:
                self._rooms[server] = (rooms - 1, times - at)


class Chooser:
    """Chooses among `choices` random servers the one with the lowest load, promised load included."""

    def __init__(self, choices: int, room_load: float, promise_time: float, seed: int | None = None) -> None:
        self._choices = choices
        self._random = random.Random(seed)
        self.promises = Promises(room_load, promise_time)

    def choose(self, ready: Sequence[Server], now: float) -> Server | None:
        """The server for one more room, or None when `ready` is empty. The promise is noted."""
        if not ready:
            return None
        self.promises.forget(now)
        best = min(self._few(ready), key=lambda server: (server.load or 0.0) + self.promises.load(server.name, now))
        self.promises.add(best.name, now)
        return best

    def _few(self, ready: Sequence[Server]) -> Sequence[Server]:
        """A random few, in random order so that equals are served evenly."""
        count = len(ready)
        if count <= self._choices * 2:
            return self._random.sample(ready, min(count, self._choices))
        pick = self._random.random
        return [ready[int(pick() * count)] for _ in range(self._choices)]

"""The queue for new rooms while every server is full: first come, first served."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from prometheus_client import Gauge

from .fleet import Server

LONGEST = 1000


class Queue:
    """Holds at most LONGEST for at most `seconds` each."""

    def __init__(self, seconds: float, waiting: Gauge) -> None:
        self._seconds = seconds
        self._waiting = waiting
        self._line: deque[asyncio.Future[Server]] = deque()

    @property
    def is_used(self) -> bool:
        return bool(self._line)

    async def wait(self) -> Server | None:
        """A server when it is one's turn; None when that takes too long or the line is too long."""
        if len(self._line) >= LONGEST:
            return None
        turn: asyncio.Future[Server] = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        self._waiting.set(len(self._line))
        try:
            return await asyncio.wait_for(turn, self._seconds)
        except TimeoutError:
            return None
        finally:
            if turn in self._line:
                self._line.remove(turn)
            self._waiting.set(len(self._line))

    def serve(self, choose: Callable[[], Server | None]) -> None:
        """Give out servers in turn until there is none."""
        while self._line and (server := choose()) is not None:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(server)
        self._waiting.set(len(self._line))

"""A load generator for one core: as fast as possible, or at a steady rate with the latency from the planned moment."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field

HEAD_END = b"\r\n\r\n"
LARGEST_READ = 1024 * 1024


@dataclass(slots=True)
class Result:
    """Requests answered, seconds they took in all, and each latency in seconds."""

    answered: int = 0
    seconds: float = 0.0
    failed: int = 0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.answered / self.seconds

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Connection(asyncio.BufferedProtocol):
    """Sends one request at a time and tells `run` when it is answered. Bodies are counted, not kept."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._missing = 0
        self._head = b""
        self.began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._run.idle(self)

    def send(self, began: float) -> None:
        self.began = began
        self.transport.write(self._run.request)  # type: ignore[attr-defined]

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._run.buffer

    def buffer_updated(self, size: int) -> None:
        if self._missing:
            self._missing -= size
        else:
            self._head += self._run.buffer[:size]
            end = self._head.find(HEAD_END)
            if end < 0:
                return
            self._missing = self._length(self._head[:end].lower()) - (len(self._head) - end - len(HEAD_END))
            self._head = b""
        if self._missing == 0:
            self._run.answered(self)

    def _length(self, head: bytes) -> int:
        """The length of the answer's body; counts an answer that is no success."""
        if head[9:12] not in (b"200", b"201"):
            self._run.result.failed += 1
        at = head.index(b"content-length: ") + len(b"content-length: ")
        return int(head[at:].partition(b"\r")[0])


class Run:
    def __init__(self, request: bytes, seconds: float, rate: float | None) -> None:
        self.request = request
        self.result = Result()
        self.buffer = memoryview(bytearray(LARGEST_READ))
        self._seconds = seconds
        self._rate = rate
        self._free: deque[Connection] = deque()
        self._due: deque[float] = deque()
        self._end = float("inf")

    def idle(self, connection: Connection) -> None:
        self._free.append(connection)

    def answered(self, connection: Connection) -> None:
        now = time.perf_counter()
        self.result.answered += 1
        self.result.latencies.append(now - connection.began)
        if now >= self._end:
            return
        if self._rate is None:
            connection.send(now)
        elif self._due:
            connection.send(self._due.popleft())
        else:
            self._free.append(connection)

    async def go(self, port: int, connections: int) -> Result:
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            await loop.create_connection(lambda: Connection(self), "127.0.0.1", port)
        began = time.perf_counter()
        self._end = began + self._seconds
        if self._rate is None:
            for connection in list(self._free):
                connection.send(began)
            await asyncio.sleep(self._seconds)
        else:
            await self._steadily(began, self._rate)
        self.result.seconds = time.perf_counter() - began
        await asyncio.sleep(0.2)
        return self.result

    async def _steadily(self, began: float, rate: float) -> None:
        planned = 0
        while (now := time.perf_counter()) < self._end:
            desired = int((now - began) * rate)
            for number in range(planned, desired):
                moment = began + (number + 1) / rate
                if self._free:
                    self._free.popleft().send(moment)
                else:
                    self._due.append(moment)
            planned = desired
            await asyncio.sleep(0.0005)


async def load(port: int, request: bytes, seconds: float, connections: int, rate: float | None = None) -> Result:
    """Ask `request` of 127.0.0.1:port over keep-alive connections for `seconds`."""
    return await Run(request, seconds, rate).go(port, connections)

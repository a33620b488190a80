# SPDX-License-Identifier: GPL-3.0-or-later
"""Small HTTP services inside the lab's own process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette

from ensemble_lab.drivers.base import DriverError


class _Quiet(uvicorn.Server):
    """A server that leaves signals to the lab."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Service:
    """One ASGI application on one address.

    `close_first`: every connection is closed by us, in the same packet as the end of the answer. The side that closes
    first keeps the port pair busy for a minute, which clients that must reuse their few ports below 1024 cannot bear.
    """

    def __init__(self, app: Starlette, host: str, port: int, *, close_first: bool = False):
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._listener.bind((host, port))
        except OSError as problem:
            raise DriverError(f"{host}:{port} cannot be used: {problem.strerror}") from problem
        if close_first:
            self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        config = uvicorn.Config(
            app,
            access_log=False,
            log_level="warning",
            lifespan="off",
            proxy_headers=False,
            headers=[("connection", "close")] if close_first else None,
        )
        self._server = _Quiet(config)
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    async def start(self) -> None:
        self._task = asyncio.create_task(self._server.serve(sockets=[self._listener]))
        while not self._server.started and not self._task.done():
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        if self._task:
            self._server.should_exit = self._server.force_exit = True
            await asyncio.wait([self._task], timeout=3)
        self._listener.close()

"""A database that neither answers nor hangs up, as when its machine is gone: nobody waits for it, and it may return."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from ensemble_portal import claims
from ensemble_portal.errors import PortalError

from tests.postgres import Postgres

PATIENCE = 0.5


class Wire:
    """A way to the database that may fall silent: what is sent then arrives nowhere."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.silent = False

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._port)
        await asyncio.gather(self._pass_on(reader, there_writer), self._pass_on(there_reader, writer))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if not self.silent:
                writer.write(data)
        writer.close()


@pytest.fixture
async def wire(postgres: Postgres) -> AsyncIterator[tuple[Wire, str]]:
    """The wire, and the database's address through it."""
    wire = Wire(postgres.port)
    server = await asyncio.start_server(wire.connect, "127.0.0.1", 0)
    address = urlsplit(postgres.address)
    port = server.sockets[0].getsockname()[1]
    yield wire, address._replace(netloc=f"{address.username}@127.0.0.1:{port}").geturl()
    server.close()


@pytest.mark.parametrize("known", [True, False], ids=["in the midst", "from the start"])
async def test_a_silent_database_keeps_nobody_waiting(
    wire: tuple[Wire, str], known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "PATIENCE", PATIENCE)
    line, address = wire
    register = claims.open_store(address)
    if known:
        await register.open()
    line.silent = True
    began = time.monotonic()
    refusals = await asyncio.gather(*(register.find("room") for _ in range(40)), return_exceptions=True)
    assert all(isinstance(refusal, PortalError) and refusal.kind == "store-unavailable" for refusal in refusals)
    assert time.monotonic() - began < 2 * PATIENCE + 2
    line.silent = False
    assert await register.claim("room", "h-1", "h-1.test", None, 60) == ("h-1", "h-1.test")
    await register.close()

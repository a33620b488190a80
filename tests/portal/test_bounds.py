"""What is too large or too slow is refused in time, and nothing of it is kept."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import suppress
from pathlib import Path

import pytest
from ensemble_portal import bounds
from ensemble_portal.bounds import Bounded
from fake_prometheus import FakePrometheus
from portal_support import PortalProcess, StartPortal
from test_fastlane import HEALTH, LIST, POST, Connect, answered, connect, portal_with  # noqa: F401
from uvicorn.server import ServerState

HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"POST /start HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


def fields(count: int, size: int) -> bytes:
    return b"".join(b"x-%d: %b\r\n" % (number, b"v" * size) for number in range(count))


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (HEAD + fields(90, 100) + b"\r\n", b"200"),
        (HEAD + fields(150, 1) + b"\r\n", b"431"),
        (HEAD + fields(10, 2000) + b"\r\n", b"431"),
        (HEAD + b"x: " + b"v" * 200_000, b"431"),
        (b"GET /" + b"u" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"431"),
        (b"GET /" + b"u" * 200_000, b"431"),
        (CHUNKED + b"4\r\nname\r\n0\r\n" + fields(150, 1) + b"\r\n", b"431"),
        (CHUNKED + b"0\r\nx: " + b"v" * 200_000, b"431"),
    ],
    ids=["plain", "fields", "bytes", "one field", "address", "half an address", "trailers", "one trailer"],
)
@pytest.mark.parametrize("piece", [1_000_000, 4096], ids=["at once", "in pieces"])
async def test_heads_are_bounded(connect: Connect, request_: bytes, status: bytes, piece: int) -> None:  # noqa: F811
    protocol, client = connect(portal_with())
    for start in range(0, len(request_), piece):
        if not client.is_closing():
            protocol.data_received(request_[start : start + piece])
    assert await answered(client, 1) == [status]
    assert client.is_closing() is (status != b"200")
    if status == b"431":
        assert b"application/problem+json" in client.received
        assert b"connection: close" in client.received
    protocol.connection_lost(None)


async def test_slow_requests_end_and_quick_ones_do_not(
    connect: Connect,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounds, "PATIENCE", 0.3)
    portal = portal_with()
    silent, half, dripping, quick = (connect(portal) for _ in range(4))
    half[0].data_received(HEAD)
    for number in range(8):
        dripping[0].data_received(HEAD if not number else b"x-%d: y\r\n" % number)
        for request in (HEALTH, LIST, POST):
            quick[0].data_received(request)
            await asyncio.sleep(0)
        await asyncio.sleep(0.1)
    assert (silent[1].received, silent[1].is_closing()) == (b"", True)
    for protocol, client in (half, dripping):
        assert isinstance(protocol, Bounded)
        assert (client.statuses(), client.is_closing()) == ([b"408"], True)
    assert not quick[1].is_closing(), "an idle connection that has been used stays"
    assert len(await answered(quick[1], 24)) == 24


async def test_connections_are_bounded(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(bounds, "MOST_CONNECTIONS", 2)
    state = ServerState()
    first, second, third = (connect(portal_with(), state) for _ in range(3))
    assert [client.is_closing() for _, client in (first, second, third)] == [False, False, True]
    for protocol, _ in (first, third):
        protocol.connection_lost(None)
    assert not connect(portal_with(), state)[1].is_closing()


def most_memory(portal: PortalProcess) -> float:
    """The most that the portal's process has held so far, in MB."""
    status = Path(f"/proc/{portal.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def send_all(portal: PortalProcess, data: bytes) -> None:
    """Send until it is taken, or the portal has had enough."""
    with socket.create_connection(("127.0.0.1", portal.port), timeout=20) as connection, suppress(OSError):
        connection.sendall(data)
        connection.recv(12)


@pytest.mark.parametrize("log_requests", ["no", "yes"])
def test_two_hundred_half_open_requests_cost_nothing_for_long(
    prometheus: FakePrometheus, start_portal: StartPortal, log_requests: str
) -> None:
    portal: PortalProcess = start_portal(prometheus.url, log_requests=log_requests)
    before = most_memory(portal)
    for head in (
        HEAD + fields(5000, 2000),
        HEAD + b"x: " + b"v" * 10_000_000,
        CHUNKED + b"800000\r\n" + bytes(10_000_000),
    ):
        send_all(portal, head)
    began = time.monotonic()
    connections = [socket.create_connection(("127.0.0.1", portal.port), timeout=20) for _ in range(200)]
    for connection in connections:
        connection.sendall(HEAD + b"x: " + b"v" * 10_000)
    assert portal.client.get("/healthz").status_code == 200
    assert {connection.recv(12) for connection in connections} == {b"HTTP/1.1 408"}
    assert time.monotonic() - began < 15
    assert most_memory(portal) - before < 25
    for connection in connections:
        connection.close()

"""The fast lane is the same road: it reads as llhttp reads, answers as the ordinary way answers, and steps aside."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import httptools
import pytest
import uvicorn
from ensemble_portal.app import make_app
from ensemble_portal.fastlane import fast_lane, plain_request
from ensemble_portal.portal import Portal
from ensemble_portal.prometheus import read_result
from fake_prometheus import FakePrometheus, FakeServer, query_result
from hypothesis import example, given
from hypothesis import strategies as st
from portal_support import StartPortal, settings, wait_until
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

POST = b"POST /api/v1/rooms HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
POST_OBJECT = b"POST /api/v1/rooms HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
LIST = b"GET /api/v1/servers HTTP/1.1\r\nHost: x\r\n\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def with_field(request: bytes, field: bytes) -> bytes:
    return request.replace(b"\r\n", b"\r\n" + field + b"\r\n", 1)


class Parsed:
    """What llhttp makes of some bytes."""

    def __init__(self, data: bytes) -> None:
        self.url, self.body, self.complete = b"", b"", 0
        self.fields: dict[bytes, bytes] = {}
        parser = httptools.HttpRequestParser(self)
        parser.feed_data(data)
        self.line = parser.get_method() + b" " + self.url
        self.keeps_alive = parser.should_keep_alive()
        self.version = parser.get_http_version()

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields[name.lower()] = value.strip().lower()

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete += 1


LINES = [b"POST /api/v1/rooms HTTP/1.1", b"GET /api/v1/servers HTTP/1.1", b"GET /api/v1/servers HTTP/1.0"]
NAMES = [b"Host", b"Content-Length", b"content-length", b"Transfer-Encoding", b"Connection", b"Origin", b"Expect"]
NAMES += [b"X-Forwarded-For", b"Content-Type", b"Upgrade", b"If-None-Match", b"X-\xe9", b"A b", b"", b" Folded"]
VALUES = [b"0", b"2", b" 2 ", b"00", b"+0", b"chunked", b"close", b"keep-alive", b"a:b", b"\x00", b"a\rb", b"a\nb"]
ENDS = [
    b"\r\n",
    b"\r\n\r\n",
    b"\r\n\r\n{}",
    b"\r\n\r\n{}{}",
    b"\n\n",
    b"\r\n\r\n\r\n",
    b"\r\n\r\nGET / HTTP/1.1\r\n\r\n",
]
fields = st.tuples(
    st.sampled_from(NAMES), st.sampled_from([b":", b": ", b" : ", b""]), st.sampled_from(VALUES) | st.binary(max_size=6)
)


@given(st.sampled_from(LINES), st.lists(fields, max_size=5), st.sampled_from(ENDS))
@example(LINES[0], [(b"Content-Length", b": ", b"2")], b"\r\n\r\n{}")
@example(LINES[1], [(b"If-None-Match", b":", b'W/"a"')], b"\r\n\r\n")
def test_what_the_lane_takes_llhttp_reads_alike(line: bytes, fields: list[tuple[bytes, ...]], end: bytes) -> None:
    data = b"\r\n".join([line, *(b"".join(field) for field in fields)]) + end
    request = plain_request(data)
    if request is not None:
        parsed = Parsed(data)
        assert (parsed.complete, parsed.version, parsed.keeps_alive) == (1, "1.1", True)
        assert (parsed.line, parsed.fields) == (request[0], {name: value.strip() for name, value in request[1].items()})
        assert parsed.body in (b"", b"{}")


@pytest.mark.parametrize("request_", [POST, POST_OBJECT, LIST])
def test_plain_requests_take_the_lane_and_parts_of_them_do_not(request_: bytes) -> None:
    assert plain_request(request_) is not None
    for cut in range(len(request_)):
        assert plain_request(request_[:cut]) is None
    assert plain_request(request_ + request_) is None


@pytest.mark.parametrize(
    "field",
    [
        *(
            b"Origin: https://x",
            b"Transfer-Encoding: chunked",
            b"Expect: 100-continue",
            b"Upgrade: h2c",
            b"Host: twice",
        ),
        *(b"Connection: close", b"Content-Length: 1", b"Content-Type: text/plain", b" folded: x", b"Name : x", b"None"),
    ],
)
def test_everything_else_goes_the_ordinary_way(field: bytes) -> None:
    assert plain_request(with_field(LIST, field)) is None


class Client(asyncio.Transport):
    """The other end of a connection: keeps what the portal sends."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.received = b""
        self.closed_at: float | None = None

    def write(self, data: bytes) -> None:
        self.received += data

    def writelines(self, parts) -> None:
        self.received += b"".join(parts)

    def close(self) -> None:
        self.closed_at = time.monotonic()

    def is_closing(self) -> bool:
        return self.closed_at is not None

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def statuses(self) -> list[bytes]:
        return [answer[:3] for answer in self.received.split(b"HTTP/1.1 ")[1:]]


async def answered(client: Client, count: int) -> list[bytes]:
    """The statuses of `count` answers, as soon as they are there."""
    async with asyncio.timeout(10):
        while len(client.statuses()) < count:
            await asyncio.sleep(0)
    return client.statuses()


Connect = Callable[..., tuple[HttpToolsProtocol, Client]]


@pytest.fixture
async def connect() -> Connect:
    """Opens a connection to a portal in this process."""

    def connect(portal: Portal, state: ServerState | None = None) -> tuple[HttpToolsProtocol, Client]:
        config = uvicorn.Config(make_app(portal), http=fast_lane(portal), ws="none", lifespan="off", log_config=None)
        config.load()
        state = state or ServerState()
        state.default_headers = [(b"date", b"Thu, 01 Jan 1970 00:00:00 GMT")]
        protocol = config.http_protocol_class(config=config, server_state=state, app_state={})  # type: ignore[operator]
        client = Client()
        protocol.connection_made(client)
        return protocol, client

    return connect


def portal_with(*servers: FakeServer, **changes: str) -> Portal:
    """A portal, not serving, that has just heard of these servers."""
    portal = Portal(settings(**{"rooms_per_minute": "0", **changes}))
    now = time.monotonic()
    snapshot = portal.fleet.update(read_result(query_result(servers)).readings, now, time.time())
    portal.chooser.see(snapshot.ready, now)
    return portal


async def test_requests_cut_anywhere_are_answered_in_order(connect: Connect) -> None:
    portal = portal_with(FakeServer("h-1"))
    together = POST + HEALTH + POST_OBJECT + LIST
    for cut in range(len(together) + 1):
        protocol, client = connect(portal)
        protocol.data_received(together[:cut])
        protocol.data_received(together[cut:])
        assert await answered(client, 4) == [b"201", b"200", b"201", b"200"], cut


async def test_both_ways_send_the_same_headers_and_count_alike(connect: Connect) -> None:
    async def ask(portal: Portal, request: bytes) -> tuple[bytes, dict[str, str], str]:
        protocol, client = connect(portal)
        protocol.data_received(request)
        (status,) = await answered(client, 1)
        head, _, body = client.received.partition(b"\r\n\r\n")
        headers: dict[str, str] = {}
        for name, value in (line.split(": ", 1) for line in head.decode().split("\r\n")[1:]):
            name = name.lower()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        for differs in ("location", "content-length"):
            headers[differs] = str(differs in headers)
        return status, headers, f"{len(body) > 0} {client.is_closing()}"

    known, limited, empty = (
        portal_with(FakeServer("h-1")),
        portal_with(FakeServer("h-1"), rooms_per_minute="1"),
        portal_with(),
    )
    shared = portal_with(FakeServer("h-1"), cors_origins="https://school.example")
    unknown, stopping = Portal(settings()), portal_with(FakeServer("h-1"))
    stopping.stop()
    limited.rooms.create("127.0.0.1", "en")
    etag = b"If-None-Match: " + known.responses.servers(None, False).head.lines.split(b"etag: ")[1].split(b"\r\n")[0]
    cases = [
        (known, POST, b"201"),
        (known, POST_OBJECT, b"201"),
        (known, LIST, b"200"),
        (known, with_field(LIST, b"Accept-Encoding: gzip"), b"200"),
        (known, with_field(LIST, etag), b"304"),
        (limited, with_field(POST, b"Accept-Language: fr"), b"429"),
        (empty, POST, b"503"),
        (unknown, POST, b"503"),
        (unknown, LIST, b"503"),
        (stopping, POST, b"201"),
        (shared, POST, b"201"),
        (shared, LIST, b"200"),
    ]
    for portal, request, status in cases:
        ordinary = request.replace(b" HTTP/1.1", b"? HTTP/1.1")
        assert plain_request(request) is not None
        assert plain_request(ordinary) is None
        fast = await ask(portal, request)
        assert fast == await ask(portal, ordinary)
        assert fast[0] == status
    assert f'{{assigned_server="h-1",portal="{known.metrics.portal}"}} 4.0' in known.metrics.page().decode()
    assert 'refused_total{reason="too-many-rooms"} 2.0' in limited.metrics.page().decode()


async def test_a_client_that_does_not_take_its_answers_leaves_the_lane(connect: Connect) -> None:
    protocol, client = connect(portal_with(FakeServer("h-1")))
    protocol.pause_writing()
    protocol.data_received(LIST)
    await asyncio.sleep(0.05)
    assert client.statuses() in ([], [b"200"])
    protocol.data_received(LIST)
    assert client.statuses() != [b"200", b"200"]
    protocol.resume_writing()
    assert await answered(client, 2) == [b"200", b"200"]


async def test_an_idle_connection_is_closed_and_a_used_one_is_not(connect: Connect) -> None:
    protocol, client = connect(portal_with(FakeServer("h-1")))
    protocol.timeout_keep_alive = 0.3  # type: ignore[assignment]
    for request in (HEALTH, LIST, LIST, LIST, LIST, LIST):
        last_used = time.monotonic()
        protocol.data_received(request)
        await asyncio.sleep(0.1)
    async with asyncio.timeout(10):
        while client.closed_at is None:
            await asyncio.sleep(0.01)
    assert client.closed_at - last_used >= 0.29


def test_requests_are_logged_when_asked_for(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    portal = start_portal(prometheus.url, log_requests="yes")
    portal.client.post("/api/v1/rooms")
    wait_until(lambda: '"path": "/api/v1/rooms", "status": 201' in portal.log.read_text())

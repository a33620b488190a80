"""Bytes that two readers could take for different requests. The portal answers them as plain uvicorn does, or refuses.

`INSIDE` is what an attacker hides in another request: no answer to it may ever go out.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import NamedTuple

import pytest
import uvicorn
from ensemble_portal.app import make_app
from ensemble_portal.bounds import Bounded
from ensemble_portal.fastlane import fast_lane
from fake_prometheus import FakeServer
from starlette.applications import Starlette
from test_fastlane import HEALTH, LIST, POST, POST_OBJECT, Client, portal_with
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

INSIDE = b"GET /api/v1/inside HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked"
REFUSED = [b"400"]
INSIDE_ANSWERED = "urn:ensemble:problem:not-found"
TURNS = 60
"""Turns of the event loop in which everything that can be answered is: nothing here waits for anything else."""


class Answer(NamedTuple):
    status: bytes
    headers: frozenset[bytes]
    kind: str


def post(*fields: bytes, body: bytes = b"", path: bytes = b"/api/v1/rooms") -> bytes:
    return b"\r\n".join([b"POST " + path + b" HTTP/1.1", b"Host: x", *fields, b"", b""]) + body


def get(*fields: bytes, path: bytes = b"/api/v1/servers", end: bytes = b"\r\n") -> bytes:
    return end.join([b"GET " + path + b" HTTP/1.1", *fields, b"", b""])


LENGTH = b"Content-Length: %d" % len(INSIDE)
CORPUS: dict[str, tuple[bytes, list[bytes]]] = {
    # Pipelining: each request one answer, in their order.
    "four in a row": (POST + LIST + HEALTH + POST_OBJECT, [b"201", b"200", b"200", b"201"]),
    "empty lines between": (LIST + b"\r\n\r\n" + LIST, [b"200", b"200"]),
    "nothing after a close": (get(b"Host: x", b"Connection: close") + INSIDE, [b"200"]),
    "nothing after HTTP/1.0": (LIST.replace(b"1.1", b"1.0") + INSIDE, [b"200"]),
    "rubbish after a request": (LIST + b"\x00\x01\x02\r\n\r\n", [b"200", b"400"]),
    # Bodies are bodies, whatever they look like.
    "a request as a body": (post(LENGTH, body=INSIDE), REFUSED),
    "a request as the body of a GET": (get(b"Host: x", LENGTH) + INSIDE, [b"200"]),
    "a request as a chunk": (post(CHUNKED, body=b"%x\r\n%b\r\n0\r\n\r\n" % (len(INSIDE), INSIDE)), REFUSED),
    "a request in a chunk's extension": (post(CHUNKED, body=b'0;a="\r\n' + INSIDE), REFUSED),
    "a request in the trailers": (post(CHUNKED, body=b"0\r\n" + INSIDE), REFUSED),
    "a body that is too short": (post(b"Content-Length: 3", body=b"{}"), []),
    "a body that is too long": (post(b"Content-Length: 2", body=b"{}{}"), [b"201", b"400"]),
    # Two lengths, or one that is none.
    "both lengths": (post(LENGTH, CHUNKED, body=b"0\r\n\r\n" + INSIDE), REFUSED),
    "both lengths, the other order": (post(CHUNKED, LENGTH, body=b"0\r\n\r\n" + INSIDE), REFUSED),
    "both lengths, none": (post(b"Content-Length: 0", CHUNKED, body=b"0\r\n\r\n"), REFUSED),
    "lengths that differ": (post(b"Content-Length: 0", LENGTH, body=INSIDE), REFUSED),
    "lengths that are alike": (post(b"Content-Length: 2", b"Content-Length: 2", body=b"{}"), REFUSED),
    "lengths in a list": (post(b"Content-Length: 2, 2", body=b"{}"), REFUSED),
    "a signed length": (post(b"Content-Length: +2", body=b"{}"), REFUSED),
    "a negative length": (post(b"Content-Length: -1", body=b"{}"), REFUSED),
    "a hexadecimal length": (post(b"Content-Length: 0x2", body=b"{}"), REFUSED),
    "a length with a space in it": (post(b"Content-Length: 1 0", body=b"{}"), REFUSED),
    "a length of zeros": (post(b"Content-Length: 0000", body=b""), [b"201"]),
    "a length beyond 64 bits": (post(b"Content-Length: 18446744073709551618", body=b"{}"), REFUSED),
    "an empty length": (post(b"Content-Length:", body=b""), REFUSED),
    # Encodings that hide.
    "chunked twice": (post(CHUNKED, CHUNKED, body=b"0\r\n\r\n" + INSIDE), REFUSED),
    "chunked before another": (post(CHUNKED + b", identity", body=b"0\r\n\r\n" + INSIDE), REFUSED),
    "nearly chunked": (post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n" + INSIDE), REFUSED),
    "quoted chunked": (post(b'Transfer-Encoding: "chunked"', body=b"0\r\n\r\n" + INSIDE), REFUSED),
    "identity": (post(b"Transfer-Encoding: identity", body=b"0\r\n\r\n" + INSIDE), REFUSED),
    "a tab before chunked": (post(b"Transfer-Encoding:\tchunked", body=b"2\r\n{}\r\n0\r\n\r\n"), [b"201"]),
    "a vertical tab before chunked": (post(b"Transfer-Encoding:\x0bchunked", body=b"0\r\n\r\n" + INSIDE), REFUSED),
    "a size that is signed": (post(CHUNKED, body=b"+2\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "a size with a prefix": (post(CHUNKED, body=b"0x2\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "a size beyond 64 bits": (post(CHUNKED, body=b"10000000000000002\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "a chunk longer than its size": (post(CHUNKED, body=b"2\r\n{}{}\r\n0\r\n\r\n"), REFUSED),
    "a chunk's size ended by a bare LF": (post(CHUNKED, body=b"2\n{}\r\n0\r\n\r\n"), REFUSED),
    "a chunk ended by a bare LF": (post(CHUNKED, body=b"2\r\n{}\n0\r\n\r\n"), REFUSED),
    # Fields that are written oddly.
    "a folded field": (get(b"Host: x", b"X-A: 1", b" 2"), REFUSED),
    "a folded length": (post(b"Content-Length:", b" %d" % len(INSIDE), body=INSIDE), REFUSED),
    "a folded encoding": (post(b"Transfer-Encoding:", b" chunked", body=b"0\r\n\r\n" + INSIDE), REFUSED),
    "a space before the colon": (post(b"Content-Length : %d" % len(INSIDE), body=INSIDE), REFUSED),
    "a space before the name": (get(b" Host: x"), REFUSED),
    "a name that is empty": (get(b"Host: x", b": y"), REFUSED),
    "a line without a colon": (get(b"Host: x", b"GET /inside HTTP/1.1"), REFUSED),
    "a line feed in a value": (get(b"Host: x", b"X-A: 1\nContent-Length: %d" % len(INSIDE)) + INSIDE, REFUSED),
    "a carriage return in a value": (get(b"Host: x", b"X-A: 1\rX-B: 2"), REFUSED),
    "lines that end with a bare LF": (get(b"Host: x", end=b"\n"), REFUSED),
    "an end that is a bare LF": (b"GET /api/v1/servers HTTP/1.1\r\nHost: x\r\n\n" + INSIDE, REFUSED),
    "an end that is a bare CR": (b"GET /api/v1/servers HTTP/1.1\r\nHost: x\r\n\r" + INSIDE, REFUSED),
    "a zero byte in a name": (get(b"Host: x", b"X\x00A: y"), REFUSED),
    "a zero byte in a value": (get(b"Host: x", b"X-A: y\x00z"), REFUSED),
    "a zero byte in the address": (get(b"Host: x", path=b"/api/v1/servers\x00"), REFUSED),
    "two hosts": (get(b"Host: x", b"Host: y"), REFUSED),
    "no host": (get(), [b"200"]),
    # First lines that are written oddly.
    "absolute-form": (get(b"Host: x", path=b"http://x/api/v1/servers"), [b"200"]),
    "absolute-form of another host": (get(b"Host: x", path=b"http://y/healthz"), [b"200"]),
    "an address with a space": (get(b"Host: x", path=b"/api/v1/servers HTTP/1.1 /healthz"), REFUSED),
    "two spaces": (LIST.replace(b" HTTP", b"  HTTP"), [b"200"]),
    "a tab": (LIST.replace(b"GET ", b"GET\t"), REFUSED),
    "a method in lower case": (LIST.replace(b"GET", b"get"), REFUSED),
    "a method nobody knows": (LIST.replace(b"GET", b"GETS"), REFUSED),
    "another version": (LIST.replace(b"1.1", b"1.2"), REFUSED),
    "HTTP/0.9": (b"GET /api/v1/servers\r\n\r\n" + INSIDE, [b"200"]),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", REFUSED),
    "a tunnel": (b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n" + INSIDE, REFUSED),
    "an upgrade": (get(b"Host: x", b"Connection: upgrade", b"Upgrade: h2c") + INSIDE, [b"200"]),
    "a websocket": (get(b"Host: x", b"Connection: upgrade", b"Upgrade: websocket") + INSIDE, [b"200"]),
    "a body that waits": (post(b"Expect: 100-continue", b"Content-Length: 2", body=b"{}"), [b"201"]),
}

STRICTER = {"rubbish after a request", "a body that is too long", "two hosts", "an upgrade", "a websocket"}
"""Here plain uvicorn answers out of order, takes the first of two hosts, or reads on behind an upgrade."""
WITHOUT_WORDS = {"rubbish after a request": [[b"200"]], "a body that is too long": [[b"201"]]}
"""What is refused before earlier requests have their answers ends the connection behind these, without an answer."""


async def said(app: Starlette, protocol_class: type[HttpToolsProtocol], pieces: list[bytes]) -> list[Answer]:
    """What is answered to the pieces, each sent when the one before has been digested."""
    config = uvicorn.Config(app, http=protocol_class, ws="none", lifespan="off", log_config=None)
    config.load()
    state, client = ServerState(), Client()
    protocol = protocol_class(config=config, server_state=state, app_state={})
    protocol.connection_made(client)
    for piece in pieces:
        if not client.is_closing():
            protocol.data_received(piece)
            await digested(state)
    protocol.connection_lost(None)
    return answers(client.received)


async def digested(state: ServerState) -> None:
    """Until nothing is to do, or what is left waits for more of its request."""
    for _ in range(TURNS):
        if not state.tasks:
            break
        await asyncio.sleep(0)


def answers(received: bytes) -> list[Answer]:
    """Cut what was received where the answers' own lengths say that they end."""
    found = []
    while received:
        head, mark, rest = received.partition(b"\r\n\r\n")
        assert mark, head
        line, *lines = head.split(b"\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(b": ") for line in lines)}
        size = int(headers.get(b"content-length", b"0"))
        assert b"transfer-encoding" not in headers
        if line[9:12] != b"100":
            found.append(Answer(line[9:12], frozenset(headers), kind(headers, rest[:size])))
        received = rest[size:]
    return found


def kind(headers: dict[bytes, bytes], body: bytes) -> str:
    """Which part of the portal spoke."""
    media = headers.get(b"content-type", b"").decode()
    if not media.endswith("json"):
        return f"{media} {body[:12]!r}"
    document = json.loads(body)
    return document.get("type") or " ".join(document)


def cuts(data: bytes) -> list[list[bytes]]:
    """The same bytes whole, in two pieces cut at the ends of the first lines and amid the last, and one by one."""
    ends = [match.end() for match in re.finditer(rb"\r\n|\n", data)][:5]
    places = [*(at for at in ends if at < len(data)), len(data) - 5]
    return [[data], *([data[:at], data[at:]] for at in places), [data[at : at + 1] for at in range(len(data))]]


@pytest.mark.parametrize("name", CORPUS)
async def test_what_could_be_two_requests_is_answered_as_one(name: str) -> None:
    data, statuses = CORPUS[name]
    portal = portal_with(FakeServer("h-1"))
    app, lane = make_app(portal), fast_lane(portal)
    for pieces in cuts(data):
        fast = await said(app, lane, pieces)
        heard = [answer.status for answer in fast]
        assert heard in (statuses, *WITHOUT_WORDS.get(name, ())), pieces
        assert fast == await said(app, Bounded, pieces), "the lane is the same road"
        assert INSIDE_ANSWERED not in [answer.kind for answer in fast]
        if name not in STRICTER:
            plain = await said(app, HttpToolsProtocol, pieces)
            assert [answer.status for answer in plain] == heard, pieces
            assert [answer.kind for answer in plain] == [answer.kind for answer in fast]

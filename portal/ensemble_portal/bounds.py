"""Limits on request size and arrival time, which uvicorn's protocol does not set.

Ambiguous requests, which two parsers could read differently, are refused, and nothing after them is read.
"""

from __future__ import annotations

import asyncio
import logging

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from .errors import PortalError
from .logs import Condition
from .responses import LARGEST_BODY, refused

PATIENCE = 10.0
"""Seconds within which a request must arrive, counted from the connection or from its first byte."""
LARGEST_HEAD = 16 * 1024
MOST_FIELDS = 100
MOST_CONNECTIONS = 4096
"""About 30 KB each, whatever they send; a portal with this many connections is overloaded anyway."""
LARGEST_REQUEST = LARGEST_HEAD + 16 * LARGEST_BODY
"""Bytes of head, body, trailers and chunk framing."""


_crowded = Condition(logging.getLogger("ensemble.connections"), "Too many connections", "Connections are taken again")


class Unacceptable(Exception):
    """Raised in a parser callback to abort parsing of a request."""


class Bounded(HttpToolsProtocol):
    """Protocol that refuses malformed (400), too large (431) or too slow (408) requests and closes the connection."""

    amid_request = False
    is_deaf = False
    """Whether input is ignored: the bytes after a refused request or a protocol upgrade cannot be trusted."""
    _has_head = False
    _before: RequestResponseCycle | None = None
    _deadline: float | None = None
    _timer: asyncio.TimerHandle | None = None
    _received = _head = _fields = _hosts = 0
    _is_too_large = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_request()
        _crowded.note(len(self.connections) > MOST_CONNECTIONS, most=MOST_CONNECTIONS)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.is_deaf:
            return
        super().data_received(data)
        if self.amid_request:
            self._received += len(data)
            if self._received > LARGEST_REQUEST:
                self._refuse("head-too-large")

    def on_message_begin(self) -> None:
        self.amid_request = True
        self._received = self._head = self._fields = self._hosts = 0
        self._await_request()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count and check a header field; also called for trailers."""
        self._fields += 1
        self._count(len(name) + len(value))
        self._hosts += name.lower() == b"host"
        if self._hosts > 1:
            raise Unacceptable
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        before = self.cycle
        super().on_headers_complete()
        self._has_head, self._before = True, before
        if self.parser.should_upgrade():
            self.is_deaf = True
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        self.amid_request = self._has_head = False
        self._before = None
        self.request_arrived()
        super().on_message_complete()

    def request_arrived(self) -> None:
        self._deadline = None

    def send_400_response(self, msg: str) -> None:
        if self._is_too_large:
            self._refuse("head-too-large")
        elif self._end():
            super().send_400_response(msg)

    def _count(self, size: int) -> None:
        self._head += size
        if self._head > LARGEST_HEAD or self._fields > MOST_FIELDS:
            self._is_too_large = True
            raise Unacceptable

    def _await_request(self) -> None:
        self._deadline = self.loop.time() + PATIENCE
        if self._timer is None:
            self._timer = self.loop.call_later(PATIENCE, self._look)

    def _look(self) -> None:
        """Handle the timer. It is not restarted for every request; instead it checks the latest deadline here."""
        self._timer = None
        if self._deadline is None:
            return
        rest = self._deadline - self.loop.time()
        if rest > 0:
            self._timer = self.loop.call_later(rest, self._look)
        elif self.amid_request:
            self._refuse("too-slow")
        else:
            self.transport.close()

    def _refuse(self, kind: str) -> None:
        if self._end():
            error = PortalError(kind, fields=MOST_FIELDS, size=LARGEST_HEAD, seconds=int(PATIENCE))
            head, body, *_ = refused(error, None)
            self.transport.write(b"%bcontent-length: %d\r\nconnection: close\r\n\r\n%b" % (head.lines, len(body), body))
            self.transport.close()

    def _end(self) -> bool:
        """Stop reading, and return whether an error may be sent now.

        It may not while an earlier request is unanswered: that response is sent first.
        """
        self.is_deaf = True
        if self.transport.is_closing():
            return False
        earlier = self._before if self._has_head else self.cycle
        if earlier is not None and not earlier.response_complete:
            earlier.keep_alive = False
            if self._has_head:
                self.pipeline.popleft()
            return False
        if self._has_head:
            if self.cycle.response_started:
                self.transport.close()
                return False
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        return True

"""The two hot API requests, answered inside uvicorn's HTTP protocol before an ASGI task is made for them.

Only plain cases take this lane: `GET /api/v1/servers`, and `POST /api/v1/rooms` with no body or `{}`, with no Origin
(CORS), no query and nothing queued before them. Everything else, and every error in parsing, goes the ordinary way, and
both ways ask the same `Answers`.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from .answers import Answer, refused
from .portal import Portal
from .problems import Problem

LANES = {b"/api/v1/servers": b"GET", b"/api/v1/rooms": b"POST"}
NOTED = {b"accept-language", b"accept-encoding", b"if-none-match", b"content-length", b"x-forwarded-for"}
LEAVES = {b"origin", b"transfer-encoding", b"expect", b"upgrade"}
EMPTY_BODIES = {b"": b"", b"0": b"", b"2": b"{}"}
LARGE = MOST_UNSENT = 65536


@lru_cache(maxsize=64)
def head_of(status: int, headers: tuple[tuple[str, str], ...]) -> bytes:
    """Status line and headers as they go out."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in (*headers, ("x-content-type-options", "nosniff")))
    return STATUS_LINE[status] + lines.encode("latin-1")


def fast_lane(portal: Portal) -> type[HttpToolsProtocol]:
    """The protocol class to hand to uvicorn."""
    answers, proxies = portal.answers, portal.proxies

    class FastLane(HttpToolsProtocol):
        on_lane = False
        lane_closes = False
        lane_timer: asyncio.TimerHandle | None = None
        lane_used = 0.0

        def on_message_begin(self) -> None:
            self.url = b""
            self.expect_100_continue = False
            self.headers = []
            self.on_lane = False

        def on_header(self, name: bytes, value: bytes) -> None:
            self.headers.append((name.lower(), value))

        def on_headers_complete(self) -> None:
            if LANES.get(self.url) != self.parser.get_method() or not self._is_plain():
                self._leave_lane()

        def on_body(self, body: bytes) -> None:
            if self.on_lane:
                self.lane_body += body
            else:
                super().on_body(body)

        def on_message_complete(self) -> None:
            if not self.on_lane:
                super().on_message_complete()
            elif self.lane_body == self.lane_wants:
                self.on_lane = False
                self._write(self._answer())
            else:
                self.on_lane = False
                self._leave_lane()
                super().on_body(self.lane_body)
                super().on_message_complete()

        def shutdown(self) -> None:
            if self.on_lane:
                self.lane_closes = True
            else:
                super().shutdown()

        def connection_lost(self, exc: Exception | None) -> None:
            if self.lane_timer is not None:
                self.lane_timer.cancel()
            super().connection_lost(exc)

        def _leave_lane(self) -> None:
            """Go on as uvicorn would have from the first byte."""
            url, headers = self.url, self.headers
            super().on_message_begin()
            self.url = url
            for name, value in headers:
                super().on_header(name, value)
            super().on_headers_complete()

        def _is_plain(self) -> bool:
            if self.cycle is not None and not self.cycle.response_complete:
                return False
            if self.parser.get_http_version() != "1.1" or self.transport.get_write_buffer_size() > MOST_UNSENT:
                return False
            noted: dict[bytes, bytes] = {}
            for name, value in self.headers:
                if name in NOTED:
                    if name in noted:
                        return False
                    noted[name] = value
                elif name in LEAVES or (name == b"content-type" and value != b"application/json"):
                    return False
            wants = EMPTY_BODIES.get(noted.get(b"content-length", b""))
            if wants is None:
                return False
            self.lane_wants, self.lane_body, self.lane_headers = wants, b"", noted
            self.on_lane = True
            return True

        def _answer(self) -> Answer:
            language = self._header(b"accept-language")
            try:
                if self.url == b"/api/v1/servers":
                    gzip = b"gzip" in self.lane_headers.get(b"accept-encoding", b"")
                    return answers.servers(self._header(b"if-none-match"), gzip)
                peer = self.client[0] if self.client else ""
                return answers.new_room(proxies.client(peer, self._header(b"x-forwarded-for")), language)
            except Problem as problem:
                return refused(problem, language)

        def _header(self, name: bytes) -> str | None:
            value = self.lane_headers.get(name)
            return None if value is None else value.decode("latin-1")

        def _write(self, answer: Answer) -> None:
            closes = self.lane_closes or portal.stopping or not self.parser.should_keep_alive()
            status, headers, body, location = answer
            lines = head_of(status, headers)
            if location is not None:
                lines += b"location: %b\r\n" % location.encode("latin-1")
            if status != 304:
                lines += b"content-length: %d\r\n" % len(body)
            lines += b"connection: close\r\n\r\n" if closes else b"\r\n"
            if len(body) > LARGE:
                self.transport.writelines((lines, body))
            else:
                self.transport.write(lines + body)
            self.server_state.total_requests += 1
            if closes:
                self.transport.close()
            else:
                self._keep_alive()

        def _keep_alive(self) -> None:
            """One timer per connection looks after idleness, instead of one per answer."""
            self.lane_used = self.loop.time()
            if self.lane_timer is None:
                self.lane_timer = self.loop.call_later(self.timeout_keep_alive, self._close_if_idle)

        def _close_if_idle(self) -> None:
            busy = self.on_lane or (self.cycle is not None and not self.cycle.response_complete)
            idle_for = self.loop.time() - self.lane_used
            if busy or self.timeout_keep_alive_task is not None or idle_for < self.timeout_keep_alive:
                wait = self.timeout_keep_alive - idle_for if idle_for < self.timeout_keep_alive else 1.0
                self.lane_timer = self.loop.call_later(wait, self._close_if_idle)
            elif not self.transport.is_closing():
                self.transport.close()

    return FastLane

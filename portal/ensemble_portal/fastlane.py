"""The two hot API requests, answered inside uvicorn's HTTP protocol before an ASGI task is made for them.

Only plain cases take this lane: `GET /api/v1/servers`, and `POST /api/v1/rooms` with no body or `{}`, with no Origin
(CORS), no query and nothing queued before them. Everything else, and every error in parsing, goes the ordinary way, and
both ways ask the same `Answers`.
"""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from .answers import Answer, refused
from .portal import Portal
from .problems import Problem

LANES = {(b"GET", b"/api/v1/servers"), (b"POST", b"/api/v1/rooms")}
NOTED = {b"accept-language", b"accept-encoding", b"if-none-match", b"content-length", b"x-forwarded-for"}
LEAVES = {b"origin", b"transfer-encoding", b"expect", b"upgrade", b"content-type"}
MOST_UNSENT = 65536
EMPTY_BODIES = {b"": b"", b"0": b"", b"2": b"{}"}


def fast_lane(portal: Portal) -> type[HttpToolsProtocol]:
    """The protocol class to hand to uvicorn."""
    answers, proxies = portal.answers, portal.proxies

    class FastLane(HttpToolsProtocol):
        on_lane = False

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self.on_lane = False

        def on_headers_complete(self) -> None:
            if not self._may_take_lane():
                super().on_headers_complete()

        def on_body(self, body: bytes) -> None:
            if self.on_lane:
                self.lane_body += body
            else:
                super().on_body(body)

        def on_message_complete(self) -> None:
            if not self.on_lane:
                super().on_message_complete()
            elif self.lane_body == self.lane_wants:
                self._write(self._answer())
            else:
                self.on_lane = False
                super().on_headers_complete()
                super().on_body(self.lane_body)
                super().on_message_complete()

        def shutdown(self) -> None:
            if self.on_lane:
                self.lane_closes = True
            else:
                super().shutdown()

        def _may_take_lane(self) -> bool:
            if (self.parser.get_method(), self.url) not in LANES:
                return False
            if self.cycle is not None and not self.cycle.response_complete:
                return False
            if self.parser.get_http_version() != "1.1" or self.transport.get_write_buffer_size() > MOST_UNSENT:
                return False
            noted = self.lane_headers = {}
            for name, value in self.headers:
                if name in NOTED:
                    if name in noted:
                        return False
                    noted[name] = value
                elif name in LEAVES and (name != b"content-type" or value != b"application/json"):
                    return False
            wants = EMPTY_BODIES.get(noted.get(b"content-length", b""))
            if wants is None:
                return False
            self.lane_wants, self.lane_body, self.lane_closes = wants, b"", False
            self.on_lane = True
            return True

        def _answer(self) -> Answer:
            language = self._header(b"accept-language")
            try:
                if self.parser.get_method() == b"GET":
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
            head = "".join([f"{name}: {value}\r\n" for name, value in answer.headers])
            tail = "x-content-type-options: nosniff\r\n" + ("connection: close\r\n\r\n" if closes else "\r\n")
            length = "" if answer.status == 304 else f"content-length: {len(answer.body)}\r\n"
            head_bytes = STATUS_LINE[answer.status] + (head + length + tail).encode("latin-1")
            if len(answer.body) > 65536:
                self.transport.writelines((head_bytes, answer.body))
            else:
                self.transport.write(head_bytes + answer.body)
            self.on_lane = False
            if closes:
                self.transport.close()
            self.on_response_complete()

    return FastLane

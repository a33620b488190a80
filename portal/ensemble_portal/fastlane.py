"""Answer the two most frequent API requests in uvicorn's HTTP protocol, without an ASGI task.

Only plain requests take this lane: `GET /api/v1/servers`, and `POST /api/v1/rooms` with no body or `{}`, that arrive
complete and alone, with no header repeated and no request pending before them. Everything else is passed on to the
ordinary protocol, byte for byte. Both paths use the same `Responses` and send the same headers.
"""

from __future__ import annotations

import re

from .bounds import Bounded
from .errors import PortalError
from .portal import Portal
from .preferences import accepts_gzip
from .responses import WireResponse, refused, strict_transport

# A strict subset of RFC 9112: field names are tokens, values contain no control characters other than tab, nothing
# follows the request.
PLAIN = re.compile(
    rb"(GET /api/v1/servers|POST /api/v1/rooms) HTTP/1\.1\r\n"
    rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:[\t\x20-\x7e\x80-\xff]*+\r\n)*+)\r\n"
    rb"({})?"
)
FIELD = re.compile(rb"([^:]+):[\t ]*([^\r]*)\r\n")
LENGTHS = {None: b"0", b"{}": b"2"}
JSON, KEEP_ALIVE = b"application/json", b"keep-alive"
ORDINARY = frozenset({b"origin", b"transfer-encoding", b"expect", b"upgrade", b"authorization", b"idempotency-key"})
LARGE = 65536

Fields = dict[bytes, bytes]


def plain_request(data: bytes) -> tuple[bytes, Fields] | None:
    """Return method and path, and the lower-cased header fields, of a plain request; None for any other."""
    request = PLAIN.fullmatch(data)
    if request is None:
        return None
    line, head, body = request.groups()
    lines = FIELD.findall(head.lower())  # nothing used here is case-sensitive
    fields = dict(lines)
    plain = (
        len(fields) == len(lines)
        and ORDINARY.isdisjoint(fields)
        and fields.get(b"content-length", b"0") == LENGTHS[body]
        and fields.get(b"content-type", JSON) == JSON
        and fields.get(b"connection", KEEP_ALIVE) == KEEP_ALIVE
    )
    return (line, fields) if plain else None


def fast_lane(portal: Portal) -> type[Bounded]:
    """Return the protocol class for uvicorn."""
    responses, proxies, rooms, address = portal.responses, portal.proxies, portal.rooms, portal.address
    always = b"vary: Origin\r\n" if portal.settings.cors_origins else b""
    secure = b"".join(b"%b: %b\r\n" % header for header in strict_transport(portal.settings.hsts))

    class FastLane(Bounded):
        used_at = 0.0
        dated_lines: tuple[object, bytes] = (None, b"")

        def data_received(self, data: bytes) -> None:
            request = None if self._is_busy() or rooms.is_queueing else plain_request(data)
            if request is None:
                super().data_received(data)
            else:
                self.request_arrived()
                closes = portal.stopping or b"x-forwarded-for" in request[1]
                self._write(self._respond(*request), closes, self._is_secure(request[1]))

        def timeout_keep_alive_handler(self) -> None:
            """Close a kept-alive connection only if the fast lane has been idle, too."""
            rest = self.used_at + self.timeout_keep_alive - self.loop.time()
            if rest > 0:
                self.timeout_keep_alive_task = self.loop.call_later(rest, self.timeout_keep_alive_handler)
            else:
                super().timeout_keep_alive_handler()

        def _is_busy(self) -> bool:
            """Return whether the fast lane must not be used now.

            That is while a request is partly read or unanswered, the client reads too slowly, or input is ignored.
            """
            unanswered = self.cycle is not None and not self.cycle.response_complete
            return self.amid_request or unanswered or self.flow.write_paused or self.is_deaf

        def _is_secure(self, fields: Fields) -> bool:
            protocol = fields.get(b"x-forwarded-proto")
            return protocol is not None and proxies.is_secure(self._peer(), _text(protocol))

        def _peer(self) -> str:
            return self.client[0] if self.client else ""

        def _respond(self, line: bytes, fields: Fields) -> WireResponse:
            language = _text(fields.get(b"accept-language"))
            try:
                if line == b"POST /api/v1/rooms":
                    peer = self._peer()
                    client = proxies.client(peer, _text(fields.get(b"x-forwarded-for")))
                    scheme = _text(fields.get(b"x-forwarded-proto"))
                    return responses.new_room(client, address.of(peer, _text(fields.get(b"host")), scheme), language)
                if not responses.shows_fleet(b"x-forwarded-for" in fields):
                    raise PortalError("not-found")
                gzip = accepts_gzip(_text(fields.get(b"accept-encoding")))
                return responses.servers(_text(fields.get(b"if-none-match")), gzip)
            except PortalError as error:
                return refused(error, language)

        def _write(self, response: WireResponse, closes: bool, is_secure: bool) -> None:
            head, body, location, quota = response
            further = b"" if location is None else b"location: %b\r\n" % location.encode()
            if quota is not None:
                further += quota.lines
            if head.status != 304:
                further += b"content-length: %d\r\n" % len(body)
            if is_secure:
                further += secure
            if closes:
                further += b"connection: close\r\n"
            lines = b"%b%b%b\r\n" % (head.lines, self._common_lines(), further)
            if len(body) > LARGE:
                self.transport.writelines((lines, body))
            else:
                self.transport.write(lines + body)
            self.server_state.total_requests += 1
            if closes:
                self.transport.close()
                return
            self.used_at = self.loop.time()
            if self.timeout_keep_alive_task is None:
                self.timeout_keep_alive_task = self.loop.call_later(
                    self.timeout_keep_alive, self.timeout_keep_alive_handler
                )

        def _common_lines(self) -> bytes:
            """Return the lines of every response: uvicorn's default headers (renewed each second), and CORS's Vary."""
            headers, lines = FastLane.dated_lines
            if headers is not self.server_state.default_headers:
                headers = self.server_state.default_headers
                lines = b"".join(b"%b: %b\r\n" % header for header in headers) + always
                FastLane.dated_lines = headers, lines
            return lines

    return FastLane


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")

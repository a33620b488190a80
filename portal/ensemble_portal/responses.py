"""The API's answers as bytes, shared by the ordinary routes and the fast lane."""

from __future__ import annotations

import time
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

import orjson

from .clients import Quota
from .errors import MEDIA_TYPE, RETRY_AFTER, PortalError
from .fleet import Fleet
from .limits import Limits
from .links import embed_script, lasting_link, room_page
from .preferences import preferred_language
from .rooms import Room, Rooms
from .settings import Settings
from .texts import LANGUAGES

Headers = tuple[tuple[str, str], ...]

JSON = ("content-type", "application/json")
LARGEST_BODY = 4096
SAFE = (
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
)


def strict_transport(seconds: float) -> list[tuple[bytes, bytes]]:
    """What an answer over HTTPS carries beyond SAFE."""
    return [(b"strict-transport-security", f"max-age={seconds:.0f}".encode())] if seconds else []


class Head:
    """Status and headers that many answers share; `lines` is how they begin on the wire, SAFE included."""

    __slots__ = ("headers", "lines", "status")

    def __init__(self, status: int, *headers: tuple[str, str]) -> None:
        self.status = status
        self.headers = headers
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            *(f"{name}: {value}" for name, value in (*headers, *SAFE)),
        ]
        self.lines = "".join(line + "\r\n" for line in lines).encode("latin-1")


class WireResponse(NamedTuple):
    head: Head
    body: bytes
    location: str | None = None
    quota: Quota | None = None


NO_STORE = ("cache-control", "no-store")
CREATED = Head(201, JSON, NO_STORE)
FOUND = Head(200, JSON, NO_STORE)
RELEASED = Head(204, NO_STORE)


class Responses:
    """What GET /api/v1/servers and POST /api/v1/rooms say."""

    def __init__(self, settings: Settings, fleet: Fleet, rooms: Rooms, limits: Limits) -> None:
        self._fleet = fleet
        self._rooms = rooms
        self._limits = limits
        self._max_age = f"max-age={max(1, int(settings.poll_interval) // 2)}"
        self._is_public = settings.status_page == "public"

    def shows_fleet(self, through_balancer: bool) -> bool:
        """Whether this client may see the servers: where visitors may not, operators ask the portal itself."""
        return self._is_public or not through_balancer

    def servers(self, if_none_match: str | None, accepts_gzip: bool) -> WireResponse:
        """All servers with state and load. Raises PortalError when the list is too old."""
        snapshot = self._fleet.fresh(time.monotonic())
        if snapshot is None:
            raise PortalError("fleet-unknown", RETRY_AFTER)
        tag = snapshot.etag
        if if_none_match is not None and matches(if_none_match, tag):
            return WireResponse(list_head(304, tag, self._max_age), b"")
        if accepts_gzip:
            return WireResponse(
                list_head(200, tag, self._max_age, JSON, ("content-encoding", "gzip")), snapshot.body_gzip
            )
        return WireResponse(list_head(200, tag, self._max_age, JSON), snapshot.body)

    def new_room(self, client: str, base: str, accept_language: str | None) -> WireResponse:
        """A room with a made-up name. Raises PortalError."""
        room = self._rooms.create(client, preferred_language(accept_language))
        return created(room, base, self._limits.rooms.quota(client, time.monotonic()))


@lru_cache(maxsize=8)
def list_head(status: int, etag: str, max_age: str, *headers: tuple[str, str]) -> Head:
    return Head(status, *headers, ("etag", etag), ("cache-control", max_age), ("vary", "Accept-Encoding"))


def created(room: Room, base: str, quota: Quota | None) -> WireResponse:
    return WireResponse(CREATED, room_body(room, base), room.url, quota)


def refused(error: PortalError, accept_language: str | None) -> WireResponse:
    language = preferred_language(accept_language)
    fixed = (("content-type", MEDIA_TYPE), ("content-language", language), ("cache-control", "no-store"))
    return WireResponse(Head(error.status, *fixed, *error.headers.items()), error.body(language))


def room_body(room: Room, base: str) -> bytes:
    """The room as JSON; links to it begin with `base`. Only its name can hold letters that JSON escapes."""
    name, path, server, host = room
    told = f'"{name}"' if name == path else orjson.dumps(name).decode()
    return f'{{"room":{told}{path.join(around_path(server, host, base))}'.encode()


@lru_cache(maxsize=4096)
def around_path(server: str, host: str, base: str) -> tuple[str, ...]:
    """What stands before, between and after the mentions of the room's path: the same for every room of a server."""
    mark = "\0"
    page = room_page(mark)
    apps = f'{{"android":"{base}{page}/android","ios":"{base}{page}/ios"}}'
    text = (
        f',"link":"{lasting_link(base, mark)}","url":"https://{host}/{mark}","server":"{server}","host":"{host}",'
        f'"page":"{page}","apps":{apps},"embed":"{embed_script(host)}"}}'
    )
    return tuple(text.split(mark))


def read_room_request(content_type: str | None, body: bytes) -> tuple[str | None, str | None]:
    """(name, language) asked for by the body of POST /api/v1/rooms. Raises PortalError."""
    if not body:
        return None, None
    if (content_type or "application/json").partition(";")[0].strip().lower() != "application/json":
        raise PortalError("wrong-media-type")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise PortalError("bad-request", reason=f"not JSON: {error}") from None
    if not isinstance(document, dict):
        raise PortalError("bad-request", reason="a JSON object is expected")
    if unknown := document.keys() - {"name", "language"}:
        raise PortalError("bad-request", reason=f"unknown member: {sorted(unknown)[0][:40]}")
    name, language = document.get("name"), document.get("language")
    if name is not None and not isinstance(name, str):
        raise PortalError("bad-request", reason="name must be a string")
    if language not in (None, *LANGUAGES):
        raise PortalError("bad-request", reason=f"language must be one of {', '.join(LANGUAGES)}")
    return name, language


def matches(if_none_match: str, etag: str) -> bool:
    tags = [tag.strip().lower().removeprefix("w/") for tag in if_none_match.split(",")]
    return etag in tags or "*" in tags

"""The API's answers as bytes, shared by the ordinary routes and the fast lane."""

from __future__ import annotations

import time
from typing import NamedTuple

import orjson

from .fleet import Fleet
from .language import LANGUAGES, preferred
from .links import android_link, embed_script, ios_link
from .problems import MEDIA_TYPE, Problem
from .rooms import RETRY_AFTER, Room, Rooms
from .settings import Settings

JSON = ("content-type", "application/json")
NEVER_STORED = (JSON, ("cache-control", "no-store"))
LARGEST_BODY = 4096


class Answer(NamedTuple):
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    location: str | None = None


class Answers:
    """What GET /api/v1/servers and POST /api/v1/rooms say."""

    def __init__(self, settings: Settings, fleet: Fleet, rooms: Rooms) -> None:
        self._fleet = fleet
        self._rooms = rooms
        self._max_age = f"max-age={max(1, int(settings.poll_interval) // 2)}"

    def servers(self, if_none_match: str | None, accepts_gzip: bool) -> Answer:
        """All servers with state and load. Raises Problem when the list is too old."""
        snapshot = self._fleet.fresh(time.monotonic())
        if snapshot is None:
            raise Problem("fleet-unknown", RETRY_AFTER)
        tag = snapshot.etag
        common = (JSON, ("etag", tag), ("cache-control", self._max_age), ("vary", "Accept-Encoding"))
        if if_none_match is not None and matches(if_none_match, tag):
            return Answer(304, common[1:], b"")
        if accepts_gzip:
            return Answer(200, (*common, ("content-encoding", "gzip")), snapshot.body_gzip)
        return Answer(200, common, snapshot.body)

    def new_room(self, client: str, accept_language: str | None, language: str | None = None) -> Answer:
        """A room with a made-up name. Raises Problem."""
        return created(self._rooms.create(client, language or preferred(accept_language)))

    async def named_room(self, client: str, name: str) -> Answer:
        """The room of this name, claimed if need be. Raises Problem."""
        return created(await self._rooms.claim(client, name))


def created(room: Room) -> Answer:
    return Answer(201, NEVER_STORED, room_body(room), room.url)


def refused(problem: Problem, accept_language: str | None) -> Answer:
    headers = (("content-type", MEDIA_TYPE), ("cache-control", "no-store"), *problem.headers.items())
    return Answer(problem.status, headers, problem.body(preferred(accept_language)))


def room_body(room: Room) -> bytes:
    """The room as JSON. Only its name can hold letters that JSON escapes; all else is fit for an address already."""
    name, path, server, host = room
    apps = f'{{"android":"{android_link(host, path)}","ios":"{ios_link(host, path)}"}}'
    return (
        f'{{"room":{orjson.dumps(name).decode()},"url":"https://{host}/{path}","server":"{server}","host":"{host}",'
        f'"page":"/room/{server}/{path}","apps":{apps},'
        f'"embed":"{embed_script(host)}"}}'
    ).encode()


def read_room_request(content_type: str | None, body: bytes) -> tuple[str | None, str | None]:
    """(name, language) wished for by the body of POST /api/v1/rooms. Raises Problem."""
    if not body:
        return None, None
    if (content_type or "application/json").partition(";")[0].strip().lower() != "application/json":
        raise Problem("wrong-media-type")
    try:
        wish = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem("bad-request", reason=f"not JSON: {error}") from None
    if not isinstance(wish, dict):
        raise Problem("bad-request", reason="a JSON object is expected")
    if unknown := wish.keys() - {"name", "language"}:
        raise Problem("bad-request", reason=f"unknown member: {sorted(unknown)[0][:40]}")
    name, language = wish.get("name"), wish.get("language")
    if name is not None and not isinstance(name, str):
        raise Problem("bad-request", reason="name must be a string")
    if language not in (None, *LANGUAGES):
        raise Problem("bad-request", reason="language must be en or fr")
    return name, language


def matches(if_none_match: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in tags or "*" in tags

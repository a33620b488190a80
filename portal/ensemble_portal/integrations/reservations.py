"""Jitsi's reservation protocol (mod_reservations): a server asks if a meeting may begin on it, and reports its end.

There is no 409: a server asks only for meetings that it does not have, so an earlier reservation of it has ended.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .. import names
from ..api import as_response, base_of, portal_of
from ..errors import RETRY_AFTER, PortalError
from ..fleet import Server
from ..health import State
from ..links import lasting_link
from ..pages import read_form
from ..portal import Portal
from ..responses import JSON, NO_STORE, Head, WireResponse, refused

OK = Head(200, JSON, NO_STORE)
CLOSED = {State.CORDONED, State.DRAINING}
LONGEST_OWNER = 300
Endpoint = Callable[[Request], Awaitable[dict[str, Any]]]


def answers_jitsi(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """Wrap an endpoint: require a key and respond with JSON; errors carry the `message` that Jitsi shows."""

    async def respond(request: Request) -> Response:
        try:
            portal_of(request).keys.demand(request.headers.get("authorization"), "reservations", time.monotonic())
            return as_response(WireResponse(OK, orjson.dumps(await endpoint(request))))
        except PortalError as error:
            wire = refused(error, request.headers.get("accept-language"))
            document = orjson.loads(wire.body)
            return as_response(wire._replace(body=orjson.dumps(document | {"message": document["detail"]})))

    return respond


async def reserve(request: Request) -> dict[str, Any]:
    """Allow the meeting to begin, for at most the reservation time. Raises PortalError."""
    portal, form = portal_of(request), await read_form(request)
    room, server = names.normalised(form.get("name", "")), request.path_params["server"]
    link = lasting_link(base_of(request), names.path_of(room))
    identity = _id(server, room)
    reservation = {
        "id": identity,
        "name": form["name"],
        "mail_owner": form.get("mail_owner", "")[:LONGEST_OWNER],
        "start_time": _moment(form.get("start_time")),
        "duration": int(portal.settings.reservation_time),
    }
    if not await portal.rooms.lives_on(server, room):
        place = _open_server(portal, server, link)
        if (await portal.rooms.claim_on(place, room)).server != server:
            raise PortalError("room-elsewhere", link=link)
    note = _note(identity)
    await portal.register.release(note)
    await portal.register.note(note, server, orjson.dumps(reservation).decode(), portal.settings.reservation_time)
    return reservation


async def one_reservation(request: Request) -> dict[str, Any]:
    """Return a reservation (GET) or end it (DELETE); the room keeps its server. Raises PortalError."""
    register, note = portal_of(request).register, _note(request.path_params["id"])
    held = await register.find(note)
    if held is None or held.server != request.path_params["server"]:
        raise PortalError("reservation-unknown")
    if request.method == "DELETE":
        await register.release(note)
    return orjson.loads(held.host)


def _open_server(portal: Portal, name: str, link: str) -> Server:
    """Return the server of this name if it may take a new room. Raises PortalError."""
    snapshot = portal.fleet.fresh(time.monotonic())
    if snapshot is None:
        raise PortalError("fleet-unknown", RETRY_AFTER)
    server = next((one for one in snapshot.servers if one.name == name), None)
    if server is None:
        raise PortalError("server-unknown")
    if server.state in CLOSED or (server.state is State.FULL and portal.settings.when_full != "accept"):
        raise PortalError("server-closed", link=link)
    return server


def _moment(text: str | None) -> str:
    """Return the time, or now, in the format that Prosody reads. Raises PortalError."""
    try:
        moment = datetime.fromisoformat(text) if text else datetime.now(UTC)
        moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise PortalError("bad-request", reason="start_time must look like 2026-03-01T20:00:00.000Z") from None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _id(server: str, room: str) -> str:
    return blake2b(f"{server}/{room}".encode(), digest_size=12).hexdigest()


def _note(identity: str) -> str:
    return f"/reservation/{identity}"


PREFIX = "/api/v1/reservations/{server}/conference"
ROUTES = [
    Route(PREFIX, answers_jitsi(reserve), methods=["POST"]),
    Route(PREFIX + "/{id}", answers_jitsi(one_reservation), methods=["GET", "DELETE"]),
]

"""Routes below /api/v1, and the operators' routes /healthz, /readyz and /metrics."""

from __future__ import annotations

import time
from functools import cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from . import metrics
from .clients import Limiter
from .errors import PortalError
from .integrations.callers import Caller, visitor
from .integrations.once import fingerprint, mark_of
from .portal import Portal
from .preferences import accepts_gzip, preferred_language
from .responses import FOUND, LARGEST_BODY, RELEASED, WireResponse, created, read_room_request, room_body
from .rooms import Room
from .typed import Hosts, RoomRequest
from .typed import read as typed_by


def as_response(wire: WireResponse) -> Response:
    response = Response(wire.body, wire.head.status)
    for name, value in wire.head.headers:
        response.headers[name] = value
    if wire.location is not None:
        response.headers["location"] = wire.location
    if wire.quota is not None:
        response.headers.update(dict(wire.quota.headers))
    return response


def client_of(request: Request) -> str:
    peer = request.client.host if request.client else ""
    forwarded = ",".join(request.headers.getlist("x-forwarded-for")) or None
    return portal_of(request).proxies.client(peer, forwarded)


def caller_of(request: Request, scope: str, limiter: Limiter) -> Caller:
    """Return the holder of the request's API key, or a visitor if none was sent.

    Raises PortalError if the key is invalid, lacks the scope or exceeds its limit.
    """
    keyed = portal_of(request).keys.admit(request.headers.get("authorization"), scope, time.monotonic())
    return keyed or visitor(client_of(request), limiter)


def portal_of(request: Request) -> Portal:
    return request.app.state.portal


def base_of(request: Request) -> str:
    """Return the base URL of room links for this visitor."""
    peer = request.client.host if request.client else ""
    headers = request.headers
    return portal_of(request).address.of(peer, headers.get("host"), headers.get("x-forwarded-proto"))


def room_request_of(request: Request, typed: str) -> RoomRequest:
    """Parse the requested room from a typed name or link. Raises PortalError."""
    portal = portal_of(request)
    snapshot = portal.fleet.snapshot
    own = {base_of(request).partition("://")[2].lower(), request.headers.get("host", "").lower()}
    servers = {server.host.lower(): server.name for server in snapshot.servers} if snapshot else {}
    return typed_by(typed, Hosts(own, servers))


async def body_of(request: Request) -> bytes:
    """Read the request's body. Raises PortalError if it exceeds LARGEST_BODY bytes."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise PortalError("too-large", {"Connection": "close"}, limit=LARGEST_BODY)
    return body


def check_fleet_is_shown(request: Request) -> None:
    """Raise PortalError if the caller may not see the servers."""
    portal = portal_of(request)
    keyed = portal.keys.admit(request.headers.get("authorization"), "fleet:read", time.monotonic())
    if keyed is None and not portal.responses.shows_fleet("x-forwarded-for" in request.headers):
        raise PortalError("not-found")


async def servers(request: Request) -> Response:
    check_fleet_is_shown(request)
    gzip = accepts_gzip(request.headers.get("accept-encoding"))
    return as_response(portal_of(request).responses.servers(request.headers.get("if-none-match"), gzip))


async def new_room(request: Request) -> Response:
    portal = portal_of(request)
    caller = caller_of(request, "rooms:create", portal.limits.rooms)
    name, language = read_room_request(request.headers.get("content-type"), await body_of(request))
    asked = None if name is None else room_request_of(request, name)

    async def take() -> Room:
        if asked is not None:
            return await portal.rooms.claim(caller.client, *asked)
        spoken = language or preferred_language(request.headers.get("accept-language"))
        return await portal.rooms.create_in_turn(caller.client, spoken)

    key, replayed = request.headers.get("idempotency-key"), False
    if key is None:
        room = await take()
    else:
        mark, print_ = mark_of(caller.identity, key), fingerprint(asked, language)
        found = await portal.once.find(mark, print_)
        if replayed := found is not None:
            portal.limits.join(caller.client, time.monotonic())
        else:
            portal.limits.new_name(caller.client, time.monotonic())
        room = found or await portal.once.note(mark, print_, await take())
    response = as_response(created(room, base_of(request), caller.quota(time.monotonic())))
    if replayed:
        response.headers["idempotency-replayed"] = "true"
    return response


async def one_room(request: Request) -> Response:
    """Return a named room's current server without claiming it (GET), or release the room (DELETE, needs a key)."""
    rooms, name = portal_of(request).rooms, request.path_params["name"]
    if request.method == "DELETE":
        keys = portal_of(request).keys
        caller = keys.demand(request.headers.get("authorization"), "rooms:delete", time.monotonic())
        if not await rooms.release(name):
            raise PortalError("room-unknown")
        return as_response(WireResponse(RELEASED, b"", quota=caller.quota(time.monotonic())))
    caller = caller_of(request, "rooms:read", portal_of(request).limits.lookups)
    room = await rooms.find(caller.client, name)
    if room is None:
        raise PortalError("room-unknown")
    quota = caller.quota(time.monotonic())
    return as_response(WireResponse(FOUND, room_body(room, base_of(request)), quota=quota))


async def events(request: Request) -> Response:
    check_fleet_is_shown(request)
    stream = portal_of(request).events
    client = client_of(request)
    stream.admit(client)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream.stream(client), media_type="text/event-stream", headers=headers)


async def openapi(request: Request) -> Response:
    return Response(_openapi(), media_type="application/json", headers={"Cache-Control": "max-age=300"})


@cache
def _openapi() -> bytes:
    return files(__package__).joinpath("openapi.json").read_bytes()


async def healthz(request: Request) -> Response:
    """Liveness check for balancers. Fails only while stopping."""
    stopping = portal_of(request).stopping
    return _plain("stopping" if stopping else "ok", 503 if stopping else 200)


async def readyz(request: Request) -> Response:
    """Readiness check for rollouts: whether the portal can assign a room right now."""
    reason = await portal_of(request).not_ready_because()
    return _plain(reason or "ready", 503 if reason else 200)


async def metrics_page(request: Request) -> Response:
    """Metrics for Prometheus, which connects directly; requests through the balancer are public and get 404."""
    if "x-forwarded-for" in request.headers:
        raise PortalError("not-found")
    return Response(portal_of(request).metrics.page(), headers={"Content-Type": metrics.CONTENT_TYPE})


def _plain(text: str, status: int) -> Response:
    return Response(text + "\n", status, {"Cache-Control": "no-store"}, "text/plain")


ROUTES = [
    Route("/api/v1/servers", servers),
    Route("/api/v1/rooms", new_room, methods=["POST"]),
    Route("/api/v1/rooms/{name:path}", one_room, methods=["GET", "DELETE"]),
    Route("/api/v1/events", events),
    Route("/api/v1/openapi.json", openapi),
    Route("/healthz", healthz),
    Route("/readyz", readyz),
    Route("/metrics", metrics_page),
]

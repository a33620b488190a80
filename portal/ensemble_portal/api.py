"""The routes below /api/v1, and those for operators: /healthz, /readyz, /metrics."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from . import metrics
from .errors import PortalError
from .portal import Portal
from .preferences import accepts_gzip
from .responses import LARGEST_BODY, WireResponse, read_room_request, room_body
from .typed import Hosts, RoomRequest
from .typed import read as typed_by


def as_response(wire: WireResponse) -> Response:
    response = Response(wire.body, wire.head.status)
    for name, value in wire.head.headers:
        response.headers[name] = value
    if wire.location is not None:
        response.headers["location"] = wire.location
    return response


def client_of(request: Request) -> str:
    peer = request.client.host if request.client else ""
    forwarded = ",".join(request.headers.getlist("x-forwarded-for")) or None
    return portal_of(request).proxies.client(peer, forwarded)


def portal_of(request: Request) -> Portal:
    return request.app.state.portal


def base_of(request: Request) -> str:
    """What links to rooms begin with, as this visitor should see them."""
    peer = request.client.host if request.client else ""
    headers = request.headers
    return portal_of(request).address.of(peer, headers.get("host"), headers.get("x-forwarded-proto"))


def room_request_of(request: Request, typed: str) -> RoomRequest:
    """The room that somebody asks for by its name or by a link. Raises PortalError."""
    portal = portal_of(request)
    snapshot = portal.fleet.snapshot
    own = {base_of(request).partition("://")[2].lower(), request.headers.get("host", "").lower()}
    servers = {server.host.lower(): server.name for server in snapshot.servers} if snapshot else {}
    return typed_by(typed, Hosts(own, servers))


async def body_of(request: Request) -> bytes:
    """The request's body. Raises PortalError when it is larger than any sensible one."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise PortalError("too-large", {"Connection": "close"}, limit=LARGEST_BODY)
    return body


def check_fleet_is_shown(request: Request) -> None:
    """Refuse what tells of the servers where visitors are not to see them. Raises PortalError."""
    if not portal_of(request).responses.shows_fleet("x-forwarded-for" in request.headers):
        raise PortalError("not-found")


async def servers(request: Request) -> Response:
    check_fleet_is_shown(request)
    gzip = accepts_gzip(request.headers.get("accept-encoding"))
    return as_response(portal_of(request).responses.servers(request.headers.get("if-none-match"), gzip))


async def new_room(request: Request) -> Response:
    name, language = read_room_request(request.headers.get("content-type"), await body_of(request))
    responses, client, base = portal_of(request).responses, client_of(request), base_of(request)
    if name is not None:
        return as_response(await responses.named_room(client, base, room_request_of(request, name)))
    accepted = request.headers.get("accept-language")
    return as_response(await responses.new_room_in_turn(client, base, accepted, language))


async def one_room(request: Request) -> Response:
    """Where a named room lives now, without claiming it."""
    room = await portal_of(request).rooms.find(client_of(request), request.path_params["name"])
    if room is None:
        raise PortalError("room-unknown")
    return Response(
        room_body(room, base_of(request)), media_type="application/json", headers={"Cache-Control": "no-store"}
    )


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
    """Alive and willing: what a balancer should ask. Fails only while stopping."""
    stopping = portal_of(request).stopping
    return _plain("stopping" if stopping else "ok", 503 if stopping else 200)


async def readyz(request: Request) -> Response:
    """Able to give out a room right now: what a rollout should ask."""
    reason = await portal_of(request).not_ready_because()
    return _plain(reason or "ready", 503 if reason else 200)


async def metrics_page(request: Request) -> Response:
    """For Prometheus, which asks directly; what comes through the balancer is the public."""
    if "x-forwarded-for" in request.headers:
        raise PortalError("not-found")
    return Response(portal_of(request).metrics.page(), headers={"Content-Type": metrics.CONTENT_TYPE})


def _plain(text: str, status: int) -> Response:
    return Response(text + "\n", status, {"Cache-Control": "no-store"}, "text/plain")


ROUTES = [
    Route("/api/v1/servers", servers),
    Route("/api/v1/rooms", new_room, methods=["POST"]),
    Route("/api/v1/rooms/{name:path}", one_room),
    Route("/api/v1/events", events),
    Route("/api/v1/openapi.json", openapi),
    Route("/healthz", healthz),
    Route("/readyz", readyz),
    Route("/metrics", metrics_page),
]

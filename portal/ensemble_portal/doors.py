"""Permanent addresses of rooms: the link, the page to share, the calendar file, and the app links.

GET claims nothing, because previews and crawlers follow links too: a click (POST) opens a room that has no server.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from . import names
from .api import base_of, client_of, portal_of
from .errors import RETRY_AFTER, PortalError
from .health import BAD
from .links import android_link, calendar, ios_link, lasting_link, next_hour, qr_svg, room_page
from .rendering import chosen_language, content_policy, language_of, page
from .rooms import Room
from .texts import TEXTS

NO_STORE = {"Cache-Control": "no-store"}


async def door(request: Request) -> Response:
    """The link of a room: redirect to its server, or show a page with a button that opens it."""
    room = await found_room(request, joins=request.method == "GET")
    return closed_door(request) if room is None else into_room(request, room, 302)


async def enter(request: Request) -> Response:
    """Claim the room when the button on its closed door is pressed, and redirect to it."""
    room = await portal_of(request).rooms.claim(client_of(request), request.path_params["name"])
    return into_room(request, room, 303)


async def old_link(request: Request) -> Response:
    """Redirect addresses that the portal gave out before rooms had permanent ones."""
    path = names.path_of(names.normalised(request.path_params["name"]))
    return RedirectResponse(f"/{path}{chosen_language(request)}", 302, NO_STORE)


async def share_page(request: Request) -> Response:
    """Show the page to share for a room that has a server, otherwise its closed door."""
    room = await found_room(request)
    if room is None:
        return closed_door(request)
    texts, link, own = TEXTS[language_of(request)], lasting_link(base_of(request), room.path), room_page(room.path)
    return page(
        request,
        "room.html",
        room=room,
        name=room.name,
        link=link,
        own=own,
        qr=Markup(qr_svg(link, texts["qr_title"])),
        soon=f"{next_hour(datetime.now()):%Y-%m-%dT%H:%M}",
        trouble=trouble_of(request, room),
        guessable=names.is_guessable(room.name),
    )


async def room_calendar(request: Request) -> Response:
    name = names.normalised(request.path_params["name"])
    path, base = names.path_of(name), base_of(request)
    summary = f"{TEXTS[language_of(request)]['meeting']}: {name}"
    start = asked_moment(request) or next_hour(datetime.now(UTC))
    body = calendar(lasting_link(base, path), path, summary, start, base.partition("://")[2])
    headers = {"Content-Disposition": 'attachment; filename="meeting.ics"', **NO_STORE}
    return Response(body, headers=headers, media_type="text/calendar")


def asked_moment(request: Request) -> datetime | None:
    """Parse the local time `at`, in the zone `zone` minutes east of UTC if given. Raises PortalError."""
    at, zone = (request.query_params.get(name, "") for name in ("at", "zone"))
    if not at:
        return None
    try:
        moment = datetime.strptime(at, "%Y-%m-%dT%H:%M")
        return moment.replace(tzinfo=timezone(timedelta(minutes=int(zone)))) if zone else moment
    except (ValueError, OverflowError):
        reason = "at is a time such as 2026-12-24T18:00, zone its minutes east of UTC"
        raise PortalError("bad-request", reason=reason) from None


async def android(request: Request) -> Response:
    """Open the Android app with the room's current server, because the app follows no redirects once open."""
    room = await found_room(request, joins=request.method == "GET")
    return closed_door(request) if room is None else _into_app(request, room, android_link(room.host, room.path))


async def ios(request: Request) -> Response:
    room = await found_room(request, joins=request.method == "GET")
    return closed_door(request) if room is None else _into_app(request, room, ios_link(room.host, room.path))


async def config(request: Request) -> Response:
    """Redirect an app in which the portal's link was typed to the config.js of the room's server."""
    room = await portal_of(request).rooms.find(client_of(request), request.query_params.get("room", ""))
    if room is None:
        raise PortalError("room-unknown")
    return RedirectResponse(f"https://{room.host}/config.js?room={room.path}", 302, NO_STORE)


async def found_room(request: Request, joins: bool = False) -> Room | None:
    return await portal_of(request).rooms.find(client_of(request), request.path_params["name"], joins)


def into_room(request: Request, room: Room, status: int) -> Response:
    """Redirect to the room's server.

    Raises PortalError if the server cannot be reached; the error page offers to go there anyway.
    """
    portal = portal_of(request)
    if portal.reach.is_troubled(room.server):
        minutes = max(1, round(portal.settings.lost_after / 60))
        raise PortalError("room-unreachable", RETRY_AFTER, minutes=minutes, url=room.url)
    return RedirectResponse(room.url, status, NO_STORE)


def trouble_of(request: Request, room: Room) -> str:
    """Describe the known trouble with the room's server; empty if there is none."""
    language = language_of(request)
    texts, snapshot = TEXTS[language], portal_of(request).fleet.fresh(time.monotonic())
    if snapshot is None:
        return texts["room_unseen"]
    server = next((one for one in snapshot.servers if one.name == room.server), None)
    if server is None:
        return texts["room_trouble"].format(trouble=texts["why_gone"])
    return texts["room_trouble"].format(trouble=server.reason.words(language)) if server.state in BAD else ""


def closed_door(request: Request) -> Response:
    name = names.normalised(request.path_params["name"])
    response = page(
        request,
        "door.html",
        name=name,
        guessable=names.is_guessable(name),
        action=f"/{names.path_of(name)}{chosen_language(request)}",
    )
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Content-Security-Policy"] = content_policy(request, "*")  # the link may be shown in a frame
    return response


def _into_app(request: Request, room: Room, address: str) -> Response:
    response = into_room(request, room, 302)
    response.headers["location"] = address
    return response


ROUTES = [
    Route("/go/{name:path}", old_link),
    Route("/room/{name}", share_page),
    Route("/room/{name}/calendar.ics", room_calendar),
    Route("/room/{name}/android", android),
    Route("/room/{name}/ios", ios),
    Route("/room/{server}/{name}", old_link),
    Route("/config.js", config),
    Route("/{name}", door),
    Route("/{name}", enter, methods=["POST"]),
]
"""Must come after all other routes: a room may have any name that is not another address."""

"""The pages that visitors see: home, room, errors. Rendered here; nothing needs JavaScript."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qsl

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from . import names
from .api import body_of, client_of, portal_of
from .assets import STATIC
from .errors import Problem
from .links import android_link, calendar, embed_script, ios_link, next_hour, qr_svg
from .rendering import chosen_language, fleet_facts, language_of, page
from .rooms import Room
from .texts import TEXTS


async def home(request: Request) -> Response:
    return page(request, "home.html", fleet=fleet_facts(request), name="", problem=None)


async def start(request: Request) -> Response:
    """The forms of the home page: a new room, or one by name; straight there, or to the room's page first."""
    form = await read_form(request)
    name = form.get("name", "").strip()
    try:
        room = await take_room(request, name)
    except Problem as problem:
        if not name or problem.status != 422:
            raise
        values = {"fleet": fleet_facts(request), "name": name, "problem": problem.detail(language_of(request))}
        return page(request, "home.html", problem.status, **values)
    if form.get("then") == "share":
        return RedirectResponse(room_page_of(room) + chosen_language(request), 303, {"Cache-Control": "no-store"})
    return RedirectResponse(room.url, 303, {"Cache-Control": "no-store"})


async def take_room(request: Request, name: str) -> Room:
    portal, client = portal_of(request), client_of(request)
    if name:
        return await portal.rooms.claim(client, name)
    return portal.rooms.create(client, language_of(request))


async def go(request: Request) -> Response:
    """A lasting address for a named room: leads to wherever it lives now."""
    room = await portal_of(request).rooms.claim(client_of(request), request.path_params["name"])
    return RedirectResponse(room.url, 302, {"Cache-Control": "no-store"})


async def room_page(request: Request) -> Response:
    room = asked_room(request)
    texts = TEXTS[language_of(request)]
    return page(
        request,
        "room.html",
        room=room,
        android=android_link(room.host, room.path),
        ios=ios_link(room.host, room.path),
        embed=embed_script(room.host),
        qr=Markup(qr_svg(room.url, texts["qr_title"])),
        calendar=f"{room_page_of(room)}/calendar.ics",
    )


async def room_calendar(request: Request) -> Response:
    room = asked_room(request)
    summary = TEXTS[language_of(request)]["meeting"]
    body = calendar(room.url, room.path, f"{summary}: {room.name}", next_hour(datetime.now(UTC)), room.host)
    headers = {"Content-Disposition": 'attachment; filename="meeting.ics"', "Cache-Control": "no-store"}
    return Response(body, headers=headers, media_type="text/calendar")


def asked_room(request: Request) -> Room:
    """The room in the page's address, on a server that the portal knows. Raises Problem."""
    snapshot = portal_of(request).fleet.snapshot
    wanted = request.path_params["server"]
    server = next((one for one in snapshot.servers if one.name == wanted), None) if snapshot else None
    if server is None:
        raise Problem("not-found")
    name = names.normalised(request.path_params["name"])
    return Room(name, names.path_of(name), server.name, server.host)


async def problem_page(request: Request, problem: Problem) -> Response:
    language = language_of(request)
    response = page(
        request,
        "error.html",
        problem.status,
        title=problem.title(language),
        detail=problem.detail(language),
        code=problem.status,
        fleet=fleet_facts(request) if problem.status == 503 else None,
        contact=portal_of(request).settings.contact,
    )
    response.headers.update(problem.headers)
    return response


def room_page_of(room: Room) -> str:
    return f"/room/{room.server}/{room.path}"


async def read_form(request: Request) -> dict[str, str]:
    """A form without files. Raises Problem."""
    body = await body_of(request)
    kind = request.headers.get("content-type", "application/x-www-form-urlencoded").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Problem("bad-request", reason="a form is expected")
    return dict(parse_qsl(body.decode(errors="replace"), max_num_fields=20))


async def robots(request: Request) -> Response:
    return Response("User-agent: *\nDisallow: /go/\nDisallow: /room/\n", media_type="text/plain")


async def favicon(request: Request) -> Response:
    return RedirectResponse(STATIC.url("mark.svg"), 301)


ROUTES = [
    Route("/", home),
    Route("/start", start, methods=["POST"]),
    Route("/go/{name:path}", go),
    Route("/room/{server}/{name}", room_page),
    Route("/room/{server}/{name}/calendar.ics", room_calendar),
    Route("/static/{name}", STATIC.serve),
    Route("/favicon.ico", favicon),
    Route("/robots.txt", robots),
]

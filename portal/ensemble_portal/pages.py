"""The pages that visitors see: home, room, status, errors. Rendered here; nothing needs JavaScript."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from . import names
from .api import body_of, client_of, portal_of
from .assets import STATIC, TEMPLATES
from .chart import chart
from .links import android_link, calendar, embed_script, ios_link, next_hour, qr_svg
from .preferences import LANGUAGES, preferred_language
from .problems import Problem
from .rooms import Room
from .texts import TEXTS


def language_of(request: Request) -> str:
    """The language chosen by the switch (?lang=), else by the browser."""
    chosen = request.query_params.get("lang")
    return chosen if chosen in LANGUAGES else preferred_language(request.headers.get("accept-language"))


def page(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    return as_page(request, render(request, template, **values), status)


def render(request: Request, template: str, **values: Any) -> str:
    """The page's HTML; `chosen` keeps the language switch through links and forms."""
    language = language_of(request)
    texts = TEXTS[language]
    chosen = f"?lang={language}" if request.query_params.get("lang") in LANGUAGES else ""
    return TEMPLATES.get_template(template).render(
        t=texts,
        lang=language,
        chosen=chosen,
        switch=f"{quote(request.url.path)}?lang={texts['other_lang']}",
        site=portal_of(request).settings.site_name,
        path=request.url.path,
        **values,
    )


def as_page(request: Request, html: str, status: int = 200) -> Response:
    headers = {
        "Content-Language": language_of(request),
        "Vary": "Accept-Language",
        "Cache-Control": "no-store",
        "Content-Security-Policy": content_policy(request),
    }
    return Response(html, status, headers, "text/html")


def content_policy(request: Request) -> str:
    """Only our own files; forms may lead on to the meeting servers."""
    snapshot = portal_of(request).fleet.snapshot
    domains = {server.host.partition(".")[2] for server in snapshot.servers} if snapshot else set()
    meeting = "".join(f" https://*.{domain}" for domain in sorted(domains) if domain)
    return (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
        f"form-action 'self'{meeting}; base-uri 'none'; frame-ancestors 'none'"
    )


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
        chosen = f"?lang={language_of(request)}" if "lang" in request.query_params else ""
        return RedirectResponse(room_page_of(room) + chosen, 303, {"Cache-Control": "no-store"})
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


async def status(request: Request) -> Response:
    """Rendered at most once a second and language: a large fleet makes a long page, and many watch it."""
    kept: dict[tuple[str, bool], tuple[float, str]] = request.app.state.kept
    key = language_of(request), request.query_params.get("lang") in LANGUAGES
    until, html = kept.get(key, (0.0, ""))
    if time.monotonic() >= until:
        html = render_status(request)
        kept[key] = time.monotonic() + 1, html
    return as_page(request, html)


def render_status(request: Request) -> str:
    portal = portal_of(request)
    snapshot = portal.fleet.snapshot
    history = list(portal.fleet.history)
    return render(
        request,
        "status.html",
        fleet=fleet_facts(request),
        servers=snapshot.servers if snapshot else (),
        now=time.time(),
        moment=history[-1] if history else None,
        chart=chart(history),
    )


def fleet_facts(request: Request) -> dict[str, Any] | None:
    """What can be said of the fleet as a whole, with the age of that knowledge; None when there never was any."""
    fleet = portal_of(request).fleet
    snapshot = fleet.snapshot
    if snapshot is None:
        return None
    return {
        "fresh": fleet.fresh(time.monotonic()) is not None,
        "ready": len(snapshot.ready),
        "total": len(snapshot.servers),
        "age": max(0, round(time.time() - snapshot.polled_at)),
        "time": datetime.fromtimestamp(snapshot.polled_at, UTC).strftime("%H:%M:%S"),
    }


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
    Route("/status", status),
    Route("/static/{name}", STATIC.serve),
    Route("/favicon.ico", favicon),
    Route("/robots.txt", robots),
]

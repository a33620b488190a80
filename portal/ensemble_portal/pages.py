"""The pages that visitors see: home, errors. Rendered here; nothing needs JavaScript."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from .api import base_of, body_of, client_of, portal_of, room_request_of
from .assets import STATIC, TEMPLATES
from .doors import into_room
from .errors import PortalError
from .integrations.keys import SCOPES
from .links import room_page
from .rendering import chosen_language, fleet_facts, language_of, own_path, page
from .rooms import Room

LONGEST_TYPED = 300
EXAMPLES = {"Python": "example.py", "JavaScript": "example.mjs", "curl": "example.sh"}
ROBOTS = "User-agent: *\nAllow: /$\nAllow: /status\nAllow: /static/\nDisallow: /\n"


async def home(request: Request) -> Response:
    name = request.query_params.get("name", "")[:LONGEST_TYPED]
    return page(request, "home.html", fleet=fleet_facts(request), name=name, error=None)


async def start(request: Request) -> Response:
    """The forms of the home page: a new room, or one by name; straight there, or to the room's page first."""
    form = request.state.form = await read_form(request)
    name = form.get("name", "").strip()
    try:
        room = await take_room(request, name)
    except PortalError as error:
        if not name or error.status != 422:
            raise
        values = {"fleet": fleet_facts(request), "name": name, "error": error.detail(language_of(request))}
        return page(request, "home.html", error.status, **values)
    if form.get("then") == "share":
        return RedirectResponse(room_page(room.path) + chosen_language(request), 303, {"Cache-Control": "no-store"})
    return into_room(request, room, 303)


async def restart(request: Request) -> Response:
    """Whoever opens the form's address anew wanted the form."""
    return RedirectResponse(f"/{chosen_language(request)}", 303, {"Cache-Control": "no-store"})


async def take_room(request: Request, name: str) -> Room:
    portal, client = portal_of(request), client_of(request)
    if name:
        return await portal.rooms.claim(client, *room_request_of(request, name))
    return await portal.rooms.create_in_turn(client, language_of(request))


async def error_page(request: Request, error: PortalError) -> Response:
    language = language_of(request)
    response = page(
        request,
        "error.html",
        error.status,
        title=error.title(language),
        detail=error.detail(language),
        code=error.status,
        fleet=fleet_facts(request) if error.status == 503 else None,
        retry=retry_of(request, error),
        anyway=error.values.get("url"),
    )
    response.headers.update(error.headers)
    return response


def retry_of(request: Request, error: PortalError) -> dict[str, Any] | None:
    """The form that asks again for what could not be had now, and in how many seconds; None when that is no use."""
    after = error.headers.get("Retry-After")
    if after is None:
        return None
    fields = dict(getattr(request.state, "form", {}))
    if request.method == "POST":
        return {
            "method": "post",
            "action": own_path(request) + chosen_language(request),
            "fields": fields,
            "after": after,
        }
    if chosen_language(request):
        fields["lang"] = language_of(request)
    return {"method": "get", "action": own_path(request), "fields": fields, "after": after}


async def read_form(request: Request) -> dict[str, str]:
    """A form without files. Raises PortalError."""
    body = await body_of(request)
    kind = request.headers.get("content-type", "application/x-www-form-urlencoded").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise PortalError("bad-request", reason="a form is expected")
    return dict(parse_qsl(body.decode(errors="replace"), max_num_fields=20))


async def api_page(request: Request) -> Response:
    """How to use the API, with examples for this very portal."""
    base = base_of(request)

    def example(file: str) -> str:
        return TEMPLATES.get_template(file).render(base=base)

    examples = {
        "room": [(language, example(file)) for language, file in EXAMPLES.items()],
        "delete": example("example_delete.sh"),
        "webhook": example("example_webhook.py"),
    }
    return page(request, "api.html", base=base, examples=examples, scopes=SCOPES)


async def robots(request: Request) -> Response:
    return Response(ROBOTS, media_type="text/plain")


async def favicon(request: Request) -> Response:
    return RedirectResponse(STATIC.url("mark.svg"), 301)


ROUTES = [
    Route("/", home),
    Route("/start", start, methods=["POST"]),
    Route("/start", restart),
    Route("/api", api_page),
    Route("/static/{name}", STATIC.serve),
    Route("/favicon.ico", favicon),
    Route("/robots.txt", robots),
]

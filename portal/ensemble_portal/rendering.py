"""Render pages: language, template and headers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from .api import portal_of
from .assets import TEMPLATES
from .branding import contact_link
from .fleet import iso_time
from .preferences import preferred_language
from .texts import LANGUAGES, TEXTS


def language_of(request: Request) -> str:
    """The language chosen by the switch (?lang=), else by the browser."""
    chosen = request.query_params.get("lang")
    return chosen if chosen in LANGUAGES else preferred_language(request.headers.get("accept-language"))


def chosen_language(request: Request) -> str:
    """What keeps the choice of the switch through links and forms; empty when there was none."""
    return f"?lang={language_of(request)}" if request.query_params.get("lang") in LANGUAGES else ""


def own_path(request: Request) -> str:
    """The path that was asked for, fit for a link: it begins with one slash, and so it stays here."""
    return "/" + quote(request.url.path.lstrip("/"))


def switch_of(request: Request, other: str) -> str:
    """The same page in another language; after the form of the home page, that form with what was typed."""
    if request.url.path != "/start":
        return f"{own_path(request)}?{urlencode({'lang': other})}"
    typed = getattr(request.state, "form", {}).get("name", "")
    return "/?" + urlencode({"lang": other, **({"name": typed} if typed else {})})


def page(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    return as_page(request, render(request, template, **values), status)


def render(request: Request, template: str, **values: Any) -> str:
    """The page's HTML."""
    language = language_of(request)
    texts, settings = TEXTS[language], portal_of(request).settings
    return TEMPLATES.get_template(template).render(
        t=texts,
        lang=language,
        chosen=chosen_language(request),
        languages=[(code, name, switch_of(request, code)) for code, name in LANGUAGES.items()],
        site=settings.site_name,
        contact=settings.contact,
        contact_link=contact_link(settings.contact),
        links=settings.links,
        brand=request.app.state.branding,
        public_status=settings.status_page == "public",
        path=request.url.path,
        **values,
    )


def as_page(
    request: Request, html: str | bytes, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    always = {
        "Content-Language": language_of(request),
        "Vary": "Accept-Language, Accept-Encoding",
        "Cache-Control": "no-store",
        "Content-Security-Policy": content_policy(request),
    }
    return Response(html, status, {**always, **(headers or {})}, "text/html")


def content_policy(request: Request, frame_ancestors: str = "") -> str:
    """Only our own files; forms may lead on to the meeting servers (to any, while none is known)."""
    framed_by = frame_ancestors or portal_of(request).settings.frame_ancestors
    snapshot = portal_of(request).fleet.snapshot
    domains = {server.host.partition(".")[2] for server in snapshot.servers} if snapshot else set()
    meeting = "".join(f" https://*.{domain}" for domain in sorted(domains) if domain) or " https:"
    return (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
        f"form-action 'self'{meeting}; base-uri 'none'; frame-ancestors {framed_by}"
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
        "full": len(snapshot.full),
        "is_full": snapshot.is_full,
        "kept": snapshot.kept,
        "total": len(snapshot.servers),
        "updated_at": iso_time(snapshot.polled_at),
        "age": max(0, round(time.time() - snapshot.polled_at)),
        "time": datetime.fromtimestamp(snapshot.polled_at, UTC).strftime("%H:%M:%S"),
    }

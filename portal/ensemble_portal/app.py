"""The ASGI application: routes, errors in the visitor's own form, headers that every answer carries, CORS."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import api, branding, doors, pages, status
from .errors import Problem
from .portal import Portal
from .responses import LARGEST_BODY, SAFE, refused, strict_transport

BY_STATUS = {404: "not-found", 405: "method-not-allowed", 413: "too-large"}
SAFE_BYTES = [(name.encode(), value.encode()) for name, value in SAFE]
log = logging.getLogger("ensemble.requests")


class Outer:
    """Adds the safe headers to every answer, closes connections where it should, logs requests when asked to.

    It closes them while stopping, and those of a balancer always: a balancer can try another portal while it connects,
    but a request on a kept connection whose portal has just died is lost.
    """

    def __init__(self, app: ASGIApp, portal: Portal) -> None:
        self._app = app
        self._portal = portal
        self._secure = strict_transport(portal.settings.hsts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        started, status = time.monotonic(), 0
        asked = dict(scope["headers"])
        balanced = b"x-forwarded-for" in asked
        peer, protocol = (scope.get("client") or ("",))[0], asked.get(b"x-forwarded-proto")
        further = SAFE_BYTES
        if self._portal.proxies.is_secure(peer, protocol and protocol.decode("latin-1")):
            scope["scheme"] = "https"
            further = SAFE_BYTES + self._secure

        async def send_safely(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), *further]
                if balanced or self._portal.stopping:
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        await self._app(scope, receive, send_safely)
        if self._portal.settings.log_requests:
            facts = {"method": scope["method"], "path": scope["path"], "status": status}
            seconds = round(time.monotonic() - started, 6)
            log.info("request", extra={**facts, "seconds": seconds, "peer": peer})


async def on_problem(request: Request, problem: Exception) -> Response:
    """problem+json below /api, a page elsewhere."""
    assert isinstance(problem, Problem)
    if request.url.path.startswith("/api/"):
        return api.as_response(refused(problem, request.headers.get("accept-language")))
    return await pages.problem_page(request, problem)


async def on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = BY_STATUS.get(error.status_code)
    if kind is None:
        return await on_problem(request, Problem("bad-request", reason=str(error.detail)))
    return await on_problem(request, Problem(kind, dict(error.headers or {}), limit=LARGEST_BODY))


async def on_bug(request: Request, error: Exception) -> Response:
    return await on_problem(request, Problem("internal"))


def cors(origins: Sequence[str]) -> Middleware:
    """Answers the questions of browsers that show pages of these origins."""
    return Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Content-Type", "If-None-Match"],
        expose_headers=["ETag", "Location", "Retry-After"],
        max_age=3600,
    )


def make_app(portal: Portal) -> Starlette:
    """The application around a portal whose life is led by the application's lifespan."""
    middleware = [Middleware(Outer, portal=portal), Middleware(GZipMiddleware, minimum_size=1000, compresslevel=4)]
    if portal.settings.cors_origins:
        middleware.insert(1, cors(portal.settings.cors_origins))
    app = Starlette(
        routes=[*api.ROUTES, *pages.ROUTES, *status.ROUTES, *branding.ROUTES, *doors.ROUTES],
        middleware=middleware,
        exception_handlers={Problem: on_problem, HTTPException: on_http_error, Exception: on_bug},
        lifespan=lambda app: portal.living(),
    )
    app.state.portal = portal
    app.state.branding = branding.Branding(portal.settings.logo, portal.settings.color)
    app.state.status_pages = status.StatusPages()
    app.router.redirect_slashes = False
    return app

"""The ASGI application: routes, errors as JSON or pages, common response headers, CORS."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import api, branding, doors, feed, logs, pages, status
from .errors import PortalError
from .integrations import reservations
from .portal import Portal
from .responses import LARGEST_BODY, SAFE, refused, strict_transport

BY_STATUS = {404: "not-found", 405: "method-not-allowed", 413: "too-large"}
SAFE_BYTES = [(name.encode(), value.encode()) for name, value in SAFE]
REQUEST_ID = re.compile(r"[A-Za-z0-9._=+/-]{1,64}")
log = logging.getLogger("ensemble.requests")


class Outer:
    """Middleware that adds the security headers to every response, closes connections and optionally logs requests.

    Log lines written during a request carry its id. An unexpected exception is logged with its traceback, and the
    response carries the id.

    Connections are closed while stopping. Connections from a balancer are always closed: a balancer can try another
    portal while connecting, but a request sent on a kept-alive connection to a portal that has just died is lost.
    """

    def __init__(self, app: ASGIApp, portal: Portal) -> None:
        self._app = app
        self._portal = portal
        self._secure = strict_transport(portal.settings.hsts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        started, status = time.monotonic(), 0
        request = Request(scope)
        balanced = "x-forwarded-for" in request.headers
        peer = request.client.host if request.client else ""
        identity = self._identify(peer, request.headers.get("x-request-id"))
        logs.request_id.set(identity)
        further = SAFE_BYTES
        if self._portal.proxies.is_secure(peer, request.headers.get("x-forwarded-proto")):
            scope["scheme"] = "https"
            further = SAFE_BYTES + self._secure
        logs_requests = self._portal.settings.log_requests

        async def send_safely(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), *further]
                if balanced or self._portal.stopping:
                    message["headers"].append((b"connection", b"close"))
                if logs_requests or status == 500:
                    message["headers"].append((b"x-request-id", identity.encode()))
            await send(message)

        try:
            await self._app(scope, receive, send_safely)
        except ClientDisconnect:
            log.debug("the client went away amid its request")
        except Exception:
            log.exception("a request went wrong")
            if status:
                raise
            await (await on_error(request, PortalError("internal")))(scope, receive, send_safely)
        finally:
            if logs_requests:
                facts = {"method": scope["method"], "path": scope["path"], "status": status}
                seconds = round(time.monotonic() - started, 6)
                log.info("request", extra={**facts, "seconds": seconds, "client": api.client_of(request)})

    def _identify(self, peer: str, given: str | None) -> str:
        """Return the request id set by a trusted proxy, otherwise a new one."""
        if given and self._portal.proxies.is_trusted(peer) and REQUEST_ID.fullmatch(given):
            return given
        return secrets.token_hex(8)


async def on_error(request: Request, error: Exception) -> Response:
    """Respond with problem+json below /api, with a page elsewhere."""
    assert isinstance(error, PortalError)
    if request.url.path.startswith("/api/"):
        return api.as_response(refused(error, request.headers.get("accept-language")))
    return await pages.error_page(request, error)


async def on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = BY_STATUS.get(error.status_code)
    if kind is None:
        return await on_error(request, PortalError("bad-request", reason=str(error.detail)))
    return await on_error(request, PortalError(kind, dict(error.headers or {}), limit=LARGEST_BODY))


def cors(origins: Sequence[str]) -> Middleware:
    """Return the middleware that lets pages of these origins call the API (CORS)."""
    return Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-None-Match"],
        expose_headers=["ETag", "Idempotency-Replayed", "Location", "RateLimit", "RateLimit-Policy", "Retry-After"],
        max_age=3600,
    )


def make_app(portal: Portal) -> Starlette:
    """Build the application; its lifespan starts and stops the portal."""
    middleware = [Middleware(Outer, portal=portal), Middleware(GZipMiddleware, minimum_size=1000, compresslevel=4)]
    if portal.settings.cors_origins:
        middleware.insert(1, cors(portal.settings.cors_origins))
    app = Starlette(
        routes=[
            *(*api.ROUTES, *reservations.ROUTES, *pages.ROUTES, *status.ROUTES, *feed.ROUTES),
            *(*branding.ROUTES, *doors.ROUTES),
        ],
        middleware=middleware,
        exception_handlers={PortalError: on_error, HTTPException: on_http_error},
        lifespan=lambda app: portal.living(),
    )
    app.state.portal = portal
    app.state.branding = branding.Branding(portal.settings.logo, portal.settings.color)
    app.state.status_pages = status.StatusPages()
    app.router.redirect_slashes = False
    return app

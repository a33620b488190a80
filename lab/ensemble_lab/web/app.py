# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole API as one ASGI application."""

from __future__ import annotations

import logging
from importlib import import_module
from pkgutil import iter_modules

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from ensemble_lab import api
from ensemble_lab.lab import Lab
from ensemble_lab.web import admin, page
from ensemble_lab.web.faults import Faults, FaultyTransport
from ensemble_lab.web.request_log import RequestLog
from ensemble_lab.web.service import Service

log = logging.getLogger(__name__)


def services() -> list[Service]:
    """All services: loading every file of ``api/`` fills them."""
    files = [import_module(f"{api.__name__}.{found.name}") for found in iter_modules(api.__path__)]
    return list(dict.fromkeys(file.SERVICE for file in files if hasattr(file, "SERVICE")))


async def _no_such_endpoint(request: Request, problem: Exception) -> Response:
    """An endpoint that the real API may have and the lab has not: say so in the log, and answer as the API would."""
    status = problem.status_code if isinstance(problem, HTTPException) else 404
    log.warning("not in the lab: %s %s", request.method, request.url.path)
    return JSONResponse(
        {
            "type": "not_found",
            "message": f"{request.method} {request.url.path} is not in the lab",
            "resource": "endpoint",
        },
        status,
    )


async def _broken(request: Request, problem: Exception) -> Response:
    return JSONResponse({"type": "internal_error", "message": f"the lab failed: {problem!r}"}, 500)


def create_app(lab: Lab) -> FaultyTransport:
    """The API, the admin API and the page of a lab that somebody else starts and stops."""
    cloud, request_log, faults = lab.cloud, RequestLog(), Faults(lab.cloud.settings.seed)
    routes: list[BaseRoute] = [mount for service in services() for mount in service.mounts(cloud)]
    routes += admin.routes(lab, request_log, faults)
    routes += page.routes(cloud)
    handlers = {404: _no_such_endpoint, 405: _no_such_endpoint, Exception: _broken}
    return FaultyTransport(Starlette(routes=routes, exception_handlers=handlers), faults, request_log)

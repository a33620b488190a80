# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole API as one ASGI application."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from ensemble_lab.api import (
    account,
    block,
    domain,
    iam,
    instance,
    instance_actions,
    instance_images,
    instance_ips,
    instance_placement_groups,
    instance_private_nics,
    instance_products,
    instance_security_groups,
    instance_servers,
    instance_snapshots,
    instance_user_data,
    instance_v2,
    instance_volumes,
    ipam,
    lb,
    lb_backends,
    lb_certificates,
    lb_frontends,
    lb_private_networks,
    marketplace,
    registry,
    secrets,
    vpc,
)
from ensemble_lab.lab import Lab
from ensemble_lab.web import admin, page
from ensemble_lab.web.faults import Faults, FaultyTransport
from ensemble_lab.web.requests_seen import RequestsSeen

log = logging.getLogger(__name__)

# Files that fill a service of another file: naming them here is what loads them.
PARTS = (
    instance_actions,
    instance_images,
    instance_ips,
    instance_placement_groups,
    instance_private_nics,
    instance_products,
    instance_security_groups,
    instance_servers,
    instance_snapshots,
    instance_user_data,
    instance_volumes,
    lb_backends,
    lb_certificates,
    lb_frontends,
    lb_private_networks,
)
SERVICES = (
    instance.SERVICE,
    instance_v2.SERVICE,
    *block.SERVICES,
    marketplace.SERVICE,
    lb.SERVICE,
    domain.SERVICE,
    registry.SERVICE,
    ipam.SERVICE,
    vpc.SERVICE,
    iam.SERVICE,
    secrets.SERVICE,
    account.SERVICE,
)


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
    """The application; starting it starts the lab, stopping it stops the lab (its state stays)."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await lab.start()
        yield
        await lab.stop()

    cloud, seen, faults = lab.cloud, RequestsSeen(), Faults(lab.cloud.settings.seed)
    routes: list[BaseRoute] = [service.mount(cloud) for service in SERVICES]
    routes += admin.routes(lab, seen, faults)
    routes += page.routes(cloud)
    handlers = {404: _no_such_endpoint, 405: _no_such_endpoint, Exception: _broken}
    return FaultyTransport(Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers), faults, seen)

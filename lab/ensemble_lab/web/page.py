# SPDX-License-Identifier: GPL-3.0-or-later
"""The page at ``/``: the cloud as it is now."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from ensemble_lab.cloud import Cloud


def routes(cloud: Cloud) -> list[BaseRoute]:
    async def show(request: Request) -> Response:
        return HTMLResponse("<!doctype html><title>Ensemble lab</title>")

    return [Route("/", show)]

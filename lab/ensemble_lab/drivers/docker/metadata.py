# SPDX-License-Identifier: GPL-3.0-or-later
"""The metadata service that servers reach at http://169.254.42.42; who asks is known by the source address.

User data and vendor data are only for callers below port 1024: on a server, only root can do that.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from ensemble_lab.drivers.base import Api, Object

ServerAt = Callable[[str], str | None]
"""Address -> id of the server that owns it."""


def shell_lines(conf: Any, prefix: str = "") -> list[str]:
    """`/conf` for shells: ``{"tags": ["a"]}`` -> ``TAGS=1``, ``TAGS_0=a``; nested names are joined by underscores."""
    if isinstance(conf, dict):
        lines = [] if not prefix else [f"{prefix}={' '.join(key.upper() for key in conf)}"]
        for key, value in conf.items():
            lines += shell_lines(value, f"{prefix}_{key.upper()}" if prefix else key.upper())
        return lines
    if isinstance(conf, list):
        lines = [f"{prefix}={len(conf)}"]
        for index, value in enumerate(conf):
            lines += shell_lines(value, f"{prefix}_{index}")
        return lines
    text = "" if conf is None else json.dumps(conf) if isinstance(conf, bool) else str(conf)
    return [f"{prefix}={text}" if text.replace("-", "").isalnum() or not text else f"{prefix}='{text}'"]


def metadata_app(api: Api, server_at: ServerAt) -> Starlette:
    """The service as an ASGI application."""

    def caller(request: Request) -> Object | None:
        ident = request.client and server_at(request.client.host)
        return api.get("instance_server", ident) if ident else None

    def of_server(endpoint: Callable[[Request, Object], Any], *, privileged: bool = False) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            server = caller(request)
            if server is None or request.client is None:
                return _problem(404, "unknown_resource", "no server has this address")
            if privileged and request.client.port >= 1024:
                return _problem(403, "permissions_denied", "user data is only for source ports below 1024")
            return await endpoint(request, server)

        return answer

    async def conf(request: Request, server: Object) -> Response:
        document = api.server_conf(server)
        if request.query_params.get("format") == "json":
            return JSONResponse(document)
        return PlainTextResponse("\n".join(shell_lines(document)) + "\n")

    async def keys(request: Request, server: Object) -> Response:
        names = sorted(api.user_data(server["id"]))
        if request.query_params.get("format") == "json":
            return JSONResponse({"user_data": names})
        return PlainTextResponse("\n".join(shell_lines({"user_data": names})) + "\n")

    async def key(request: Request, server: Object) -> Response:
        name = request.path_params["key"]
        value = api.user_data(server["id"]).get(name)
        if request.method == "PATCH":
            await api.guest_set_user_data(server["id"], name, await request.body())
            return Response(status_code=204)
        if value is None:
            return Response(status_code=404, media_type="text/plain")
        if request.method == "DELETE":
            await api.guest_set_user_data(server["id"], name, None)
            return Response(status_code=204)
        return Response(value, media_type="text/plain")

    async def state(request: Request, server: Object) -> Response:
        try:
            detail = json.loads(await request.body())["state_detail"]
        except (ValueError, KeyError, TypeError):
            return _problem(400, "invalid_arguments", "state_detail is missing")
        if detail == "booted":
            await api.guest_reports(server["id"], "booted")
        return Response(status_code=204)

    async def no_vendor_data(request: Request, server: Object) -> Response:
        return Response(status_code=404, media_type="text/plain")

    async def root(request: Request) -> Response:
        return PlainTextResponse("/conf\n/user_data\n/vendor_data\n")

    return Starlette(
        routes=[
            Route("/", root),
            Route("/conf", of_server(conf)),
            Route("/state", of_server(state), methods=["PATCH"]),
            Route("/user_data", of_server(keys, privileged=True)),
            Route("/user_data/{key}", of_server(key, privileged=True), methods=["GET", "PATCH", "DELETE"]),
            Route("/vendor_data/cloud-init", of_server(no_vendor_data, privileged=True)),
        ]
    )


def _problem(status: int, kind: str, message: str) -> Response:
    return JSONResponse({"type": kind, "message": message}, status)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own API, below ``/_emulator/``: no token, no faults, never on a path of the product."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from ensemble_lab import __version__
from ensemble_lab.lab import Lab
from ensemble_lab.web.faults import Faults
from ensemble_lab.web.request_log import RequestLog


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    return json.loads(raw) if raw else {}


def _wrong(message: str) -> Response:
    return JSONResponse({"message": message}, 400)


class Admin:
    """Handlers of the admin API."""

    def __init__(self, lab: Lab, request_log: RequestLog, faults: Faults):
        self.lab, self.cloud, self.request_log, self.faults = lab, lab.cloud, request_log, faults

    async def info(self, request: Request) -> Response:
        """What the lab is: version, ids, zones, and what the driver has to say (gateway, dns, registry ...)."""
        settings = self.cloud.settings
        return JSONResponse(
            {
                "version": __version__,
                "project": settings.project,
                "organization": settings.organization,
                "access_key": settings.access_key,
                "secret_key": settings.secret_key,
                "dns_domain": settings.dns_domain,
                "speed": settings.speed,
                "objects": {kind: self.cloud.store.count(kind) for kind in self.cloud.store.kinds()},
                **self.cloud.driver.info(),
            }
        )

    async def reset(self, request: Request) -> Response:
        """POST: an empty cloud, no faults, no requests seen."""
        self.faults.remove()
        self.request_log.clear()
        await self.lab.reset()
        return JSONResponse({"message": "reset"})

    async def dump(self, request: Request) -> Response:
        """GET: the whole state, ``{kind: [object ...]}``."""
        return JSONResponse(self.cloud.store.dump())

    async def restore(self, request: Request) -> Response:
        """PUT: what GET gave."""
        state = await _body(request)
        await self.lab.reset(state)
        return JSONResponse({"message": "restored"})

    async def idle(self, request: Request) -> Response:
        """POST: answers when no state machine is under way any more."""
        await self.cloud.jobs.idle()
        return JSONResponse({"message": "idle"})

    async def requests(self, request: Request) -> Response:
        """GET: requests to the API; ``?method=&path=<regex>&since=<number>&limit=``. DELETE: forget them."""
        if request.method == "DELETE":
            self.request_log.clear()
            return Response(status_code=204)
        asked = request.query_params
        found = self.request_log.list(asked.get("method"), asked.get("path"), int(asked.get("since", 0)))
        limit = int(asked.get("limit", 0))
        return JSONResponse({"requests": found[-limit:], "total_count": len(found)})

    async def all_faults(self, request: Request) -> Response:
        """GET: the rules. POST: one more (see :class:`~ensemble_lab.web.faults.Fault`). DELETE: none any more."""
        if request.method == "DELETE":
            return JSONResponse({"removed": self.faults.remove()})
        if request.method == "POST":
            try:
                fault = self.faults.add(**await _body(request))
            except ValueError as problem:
                return _wrong(str(problem))
            return JSONResponse(next(rule for rule in self.faults.list() if rule["id"] == fault.id), 201)
        return JSONResponse({"faults": self.faults.list()})

    async def one_fault(self, request: Request) -> Response:
        """DELETE: this rule goes."""
        removed = self.faults.remove(request.path_params["fault"])
        return JSONResponse({"removed": removed}, 200 if removed else 404)

    async def stock(self, request: Request) -> Response:
        """PUT ``{"out_of_stock": ["PLAY2-PICO"]}``: types that cannot be started; their availability says shortage."""
        if request.method == "PUT":
            self.cloud.limit("stock", (await _body(request)).get("out_of_stock", []))
        return JSONResponse({"out_of_stock": sorted(self.cloud.out_of_stock)})

    async def quotas(self, request: Request) -> Response:
        """PUT ``{"instance_server": 10}``: at most so many objects of a kind."""
        if request.method == "PUT":
            self.cloud.limit("quotas", await _body(request))
        return JSONResponse(self.cloud.quotas)

    async def push(self, request: Request) -> Response:
        """POST ``{"namespace","image","tag","digest","size"}``: note a push to a registry that is not the lab's."""
        asked = await _body(request)
        try:
            digest, size = asked.get("digest", "sha256:" + "0" * 64), int(asked.get("size", 0))
            await self.lab.registry_pushed(asked["namespace"], asked["image"], asked["tag"], digest, size)
        except KeyError as problem:
            return _wrong(f"{problem} is missing")
        return JSONResponse({"message": "noted"})


def routes(lab: Lab, request_log: RequestLog, faults: Faults) -> list[BaseRoute]:
    admin = Admin(lab, request_log, faults)
    files = lab.cloud.settings.files_folder
    files.mkdir(parents=True, exist_ok=True)
    return [
        Route("/_emulator/info", admin.info),
        Route("/_emulator/reset", admin.reset, methods=["POST"]),
        Route("/_emulator/state", admin.dump, methods=["GET"]),
        Route("/_emulator/state", admin.restore, methods=["PUT"]),
        Route("/_emulator/idle", admin.idle, methods=["POST"]),
        Route("/_emulator/requests", admin.requests, methods=["GET", "DELETE"]),
        Route("/_emulator/faults", admin.all_faults, methods=["GET", "POST", "DELETE"]),
        Route("/_emulator/faults/{fault:int}", admin.one_fault, methods=["DELETE"]),
        Route("/_emulator/stock", admin.stock, methods=["GET", "PUT"]),
        Route("/_emulator/quotas", admin.quotas, methods=["GET", "PUT"]),
        Route("/_emulator/registry-pushes", admin.push, methods=["POST"]),
        Mount("/_emulator/files", StaticFiles(directory=files)),
    ]

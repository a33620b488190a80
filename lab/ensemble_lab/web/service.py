# SPDX-License-Identifier: GPL-3.0-or-later
"""From an HTTP request to a handler of an API file and back."""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from ensemble_lab import access, errors
from ensemble_lab.cloud import Cloud
from ensemble_lab.errors import ApiError
from ensemble_lab.settings import REGIONS, ZONES, region_of
from ensemble_lab.web import fields

log = logging.getLogger(__name__)


@dataclass
class Call:
    """One request, as handlers see it."""

    cloud: Cloud
    path: str
    """Below the service's prefix: ``/servers/...`` (instance v1 puts it in its Link headers)."""
    params: dict[str, str]
    query: list[tuple[str, str]]
    body: dict[str, Any]
    raw: bytes
    url: str
    client: str = "127.0.0.1"
    projects: access.Projects = access.EVERYWHERE
    """Whose objects the client may meet."""

    def __getitem__(self, name: str) -> str:
        """A part of the path."""
        return self.params[name]

    def asked(self, name: str, default: str | None = None) -> str | None:
        """A query parameter; empty means not asked."""
        return next((value for key, value in self.query if key == name and value != ""), default)

    def asked_all(self, name: str) -> list[str]:
        return [value for key, value in self.query if key == name and value != ""]

    @property
    def zone(self) -> str:
        """Of the path; an API of regions means their first zone."""
        return self.params.get("zone") or f"{self.params['region']}-1"

    @property
    def region(self) -> str:
        return self.params.get("region") or region_of(self.params["zone"])

    def visible(self, items: list[Any]) -> list[Any]:
        """Those of a list that the client may see."""
        if self.projects.everywhere:
            return items
        return [item for item in items if access.project_of(self.cloud.store, item) in self.projects]

    def need(self, *names: str) -> None:
        """Refuse a body that lacks a key."""
        missing = [name for name in names if self.body.get(name) is None]
        if missing:
            raise errors.required(*missing)


@dataclass
class Reply:
    """An answer that is more than 200 with JSON. `body`: JSON value, bytes (sent as they are) or None (empty)."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


NO_CONTENT = Reply(204)

Handler = Callable[[Call], Any]


class Service:
    """One API: the handlers below a path prefix, or below several (versions that hardly differ).

    A handler takes a :class:`Call` and returns a :class:`Reply` or the JSON value of a 200. It changes nothing after it
    has waited: what takes time is a job. So a request is one step of the lab, and its changes are kept all together.
    """

    def __init__(self, *prefixes: str, wide_json: bool = False, public: bool = False, **kinds: Collection[str]):
        """`kinds`: as :func:`~ensemble_lab.web.fields.kinds_of` takes them."""
        self.prefixes, self.public, self.kinds = prefixes, public, fields.kinds_of(**kinds)
        self._wide = wide_json
        self._separators = (", ", ": ") if wide_json else (",", ":")
        self.handlers: list[tuple[str, str, Handler]] = []

    def route(self, method: str, path: str) -> Callable[[Handler], Handler]:
        def keep(handler: Handler) -> Handler:
            self.handlers.append((method, path, handler))
            return handler

        return keep

    def get(self, path: str) -> Callable[[Handler], Handler]:
        return self.route("GET", path)

    def post(self, path: str) -> Callable[[Handler], Handler]:
        return self.route("POST", path)

    def put(self, path: str) -> Callable[[Handler], Handler]:
        return self.route("PUT", path)

    def patch(self, path: str) -> Callable[[Handler], Handler]:
        return self.route("PATCH", path)

    def delete(self, path: str) -> Callable[[Handler], Handler]:
        return self.route("DELETE", path)

    def mounts(self, cloud: Cloud) -> list[Mount]:
        routes: list[BaseRoute] = [
            Route(path, self._endpoint(cloud, handler), methods=[method]) for method, path, handler in self.handlers
        ]
        return [Mount(prefix, routes=routes) for prefix in self.prefixes]

    def _endpoint(self, cloud: Cloud, handler: Handler) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            raw = await request.body()
            try:
                bearer = None if self.public else access.bearer_of(cloud, request.headers.get("x-auth-token"))
                self._check_place(request)
                call = self._call(cloud, request, raw)
                if bearer:
                    asked = {**dict(call.query), **call.body}
                    call.projects = access.authorize(
                        bearer, request.method, request.url.path, request.path_params, asked
                    )
                reply = handler(call)
                if inspect.isawaitable(reply):
                    reply = await reply
            except ApiError as refusal:
                reply = Reply(refusal.status, refusal.body, refusal.headers)
            cloud.store.commit()
            return self._response(reply)

        return endpoint

    @staticmethod
    def _check_place(request: Request) -> None:
        for name, known in (("zone", ZONES), ("region", REGIONS)):
            place = request.path_params.get(name)
            if place is not None and place not in known:
                raise errors.constraint(name, f"unknown {name} {place}")

    def _call(self, cloud: Cloud, request: Request, raw: bytes) -> Call:
        body: Any = {}
        if raw and "text/plain" not in request.headers.get("content-type", ""):
            try:
                body = json.loads(raw)
            except ValueError:
                raise errors.invalid(("body", "format", "not valid JSON")) from None
            if body is None and request.method in ("GET", "DELETE"):
                body = {}  # how community.general sends none
            if not isinstance(body, dict):
                raise errors.invalid(("body", "format", "a JSON object is expected"))
            if not self._wide:
                body = fields.snake_case(body)
            fields.check(body, self.kinds)
        root = request.scope.get("root_path", "")
        path = request.scope["path"].removeprefix(root) or "/"
        client = request.client.host if request.client else "127.0.0.1"
        query = request.query_params.multi_items()
        return Call(cloud, path, request.path_params, query, body, raw, str(request.url), client)

    def _response(self, reply: Any) -> Response:
        if not isinstance(reply, Reply):
            reply = Reply(200, reply)
        headers = {name.lower(): value for name, value in reply.headers.items()}
        if isinstance(reply.body, bytes):
            return Response(reply.body, reply.status, {"content-type": "text/plain", **headers})
        if reply.body is None:
            return Response(b"", reply.status, headers)
        text = json.dumps(reply.body, separators=self._separators, ensure_ascii=False)
        return Response(text.encode(), reply.status, {"content-type": "application/json", **headers})

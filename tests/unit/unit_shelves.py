# SPDX-License-Identifier: GPL-3.0-or-later
"""A cloud of shelves in the place of the client: objects by kind, with the habits that the real APIs share.

POST makes one, PATCH changes what it is sent, PUT replaces everything (what is left out falls to its default), and the
last part of a path is the kind.
"""

from __future__ import annotations

import itertools
from typing import Any

from ansible_collections.ensemble.jitsi.plugins.module_utils.client import Client
from ansible_collections.ensemble.jitsi.plugins.module_utils.errors import ApiError
from ansible_collections.ensemble.jitsi.plugins.module_utils.settings import is_uuid
from unit_cloud import ACCOUNT

Object = dict[str, Any]
DEFAULTS: dict[str, Object] = {
    "placement_groups": {"policy_type": "max_availability", "policy_mode": "optional", "tags": []},
    "ssh-keys": {"disabled": False},
    "namespaces": {"description": "", "is_public": False, "status": "ready"},
    "acls": {"description": "", "match": None},
    "backends": {
        "on_marked_down_action": "on_marked_down_action_none",
        "sticky_sessions_cookie_name": "",
        "timeout_server": 300000,
        "timeout_queue": "0s",
        "failover_host": None,
        "ssl_bridging": False,
    },
}


class Shelves(Client):
    """Starts with one load balancer that has one frontend."""

    def __init__(self) -> None:
        super().__init__(ACCOUNT, sleep=lambda _seconds: None)
        self._numbers = itertools.count(1)
        self.writes: list[str] = []
        self.shelves: dict[str, dict[str, Object]] = {}
        self._put("lbs", {"name": "portal", "status": "ready"})
        self._put("frontends", {"name": "http"})

    def _put(self, kind: str, body: Object, ident: str = "") -> Object:
        ident = ident or f"00000000-0000-4000-8000-{next(self._numbers):012d}"
        return self.shelves.setdefault(kind, {}).setdefault(ident, {"id": ident}) | self._fill(kind, ident, body)

    def _fill(self, kind: str, ident: str, body: Object) -> Object:
        shelf = self.shelves[kind]
        shelf[ident] = {"id": ident, **DEFAULTS.get(kind, {}), **body}
        return shelf[ident]

    def send(self, method: str, path: str, query: Object | None = None, body: Object | None = None) -> Object:
        if method != "GET":
            self.writes.append(f"{method} {path}")
        *_start, before, last = path.split("/")
        if last in ("servers", "healthcheck"):
            return self._part(self.shelves["backends"][before], last, body or {})
        if method == "POST":
            return self._put(last, self._born(body or {}))
        shelf = self.shelves.get(before, {})
        if last not in shelf:
            raise ApiError(f"{method} {path}", 404, {"type": "not_found"})
        if method == "DELETE":
            return shelf.pop(last) and {}
        if method == "PATCH":
            shelf[last].update(body or {})
        if method == "PUT":
            parts = {key: shelf[last][key] for key in ("pool", "health_check") if key in shelf[last]}
            self._fill(before, last, {**(body or {}), **parts})
        return dict(shelf[last])

    @staticmethod
    def _born(body: Object) -> Object:
        return {("pool" if key == "server_ip" else key): value for key, value in body.items()}

    @staticmethod
    def _part(backend: Object, part: str, body: Object) -> Object:
        backend.update({"pool": body["server_ip"]} if part == "servers" else {"health_check": body})
        return dict(backend)

    def list(self, path: str, key: str, /, **query: Any) -> list[Object]:
        kind = path.rsplit("/", 1)[-1]
        assert not is_uuid(kind), path
        return [dict(each) for each in self.shelves.get(kind, {}).values()]

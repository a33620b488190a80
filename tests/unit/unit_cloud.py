# SPDX-License-Identifier: GPL-3.0-or-later
"""A cloud of dictionaries in the place of the client: what a security group's or a record's API does, and no more."""

from __future__ import annotations

import ipaddress
import itertools
from typing import Any

from ansible_collections.ensemble.jitsi.plugins.module_utils.client import Client
from ansible_collections.ensemble.jitsi.plugins.module_utils.errors import ApiError
from ansible_collections.ensemble.jitsi.plugins.module_utils.settings import Settings

ACCOUNT = Settings(secret_key="22222222-2222-4222-8222-222222222222", project_id="11111111-1111-4111-8111-111111111111")
Object = dict[str, Any]


class Cloud(Client):
    """Groups with rules, and records of one zone, normalised as the real API does it."""

    def __init__(self) -> None:
        super().__init__(ACCOUNT, sleep=lambda _seconds: None)
        self.groups: dict[str, Object] = {}
        self.rules: dict[str, list[Object]] = {}
        self.records: dict[str, Object] = {}
        self.writes: list[str] = []
        self._numbers = itertools.count(1)

    def ident(self) -> str:
        return f"00000000-0000-4000-8000-{next(self._numbers):012d}"

    def send(self, method: str, path: str, query: Object | None = None, body: Object | None = None) -> Object:
        if method != "GET":
            self.writes.append(f"{method} {path}")
        ident = path.split("/security_groups")[-1].strip("/").removesuffix("/rules").strip("/")
        if ident and ident not in self.groups:
            raise ApiError(f"{method} {path}", 404, {"type": "not_found"})
        if path.endswith("/rules"):
            self.rules[ident] = [self._rule(rule, place) for place, rule in enumerate((body or {})["rules"], 1)]
        elif method == "POST":
            ident = self.ident()
            defaults = {"description": "", "stateful": True, "tags": [], "state": "available"}
            policies = {"inbound_default_policy": "accept", "outbound_default_policy": "accept"}
            self.groups[ident] = {**defaults, **policies, **(body or {}), "id": ident}
            self.rules[ident] = []
        elif method == "PATCH":
            self.groups[ident].update(body or {})
        elif method == "DELETE":
            del self.groups[ident]
            return {}
        return {"security_group": dict(self.groups[ident])}

    def list(self, path: str, key: str, /, **query: Any) -> list[Object]:
        if key == "rules":
            return [dict(rule) for rule in self.rules[path.split("/")[-2]]]
        if key == "dns_zones":
            return [{"domain": "example.org", "subdomain": ""}]
        if key == "records":
            return [dict(record) for record in self.records.values()]
        return [dict(group) for group in self.groups.values()]

    def _rule(self, rule: Object, position: int) -> Object:
        network = ipaddress.ip_network(rule["ip_range"])
        single = network.num_addresses == 1
        return {
            **rule,
            "id": self.ident(),
            "editable": True,
            "position": position,
            "ip_range": str(network.network_address) if single else str(network),
        }

    def send_once(self, method: str, path: str, body: Object) -> Object:
        self.writes.append(f"{method} {path}")
        for change in body["changes"]:
            if "delete" in change:
                del self.records[change["delete"]["id"]]
            elif "set" in change:
                self._record(change["set"]["id"], change["set"]["records"][0])
            else:
                for record in change["add"]["records"]:
                    self._record(self.ident(), record)
        return {"records": []}

    def _record(self, ident: str, record: Object) -> None:
        data = record["data"]
        if record["type"] in ("MX", "SRV"):
            data = f"{record['priority']} {data}"
        self.records[ident] = {**record, "data": data, "id": ident}

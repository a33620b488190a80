# SPDX-License-Identifier: GPL-3.0-or-later
"""DNS zones."""

from __future__ import annotations

import builtins
from typing import Any

from ..client import Client
from ..engine import Resource
from ..errors import Invalid
from ..plan import CREATE, Plan
from . import dns_data


def owned_zone(client: Client, zone: str) -> dict[str, Any] | None:
    """The DNS zone of this exact name."""
    zones = client.list("/domain/v2beta1/dns-zones", "dns_zones", domain="", dns_zone=zone)
    return next((each for each in zones if zone_name(each) == zone), None)


def zone_name(zone: dict[str, Any]) -> str:
    return ".".join(part for part in (zone.get("subdomain"), zone.get("domain")) if part)


def owned_zones(client: Client) -> list[str]:
    """The names of all zones of the account."""
    zones = client.list("/domain/v2beta1/dns-zones", "dns_zones", domain="")
    return sorted(zone_name(each) for each in zones)


class Zone(Resource):
    """A DNS zone: a subdomain of a domain that the account owns."""

    word = "DNS zone"
    key = "dns_zone"

    @property
    def name(self) -> str:
        return dns_data.ascii_name(self.arguments["name"]).rstrip(".")

    def find(self) -> dict[str, Any] | None:
        return owned_zone(self.client, self.name)

    def namesakes(self) -> builtins.list[dict[str, Any]]:
        found = self.find()
        return [found] if found else []

    def validate(self, plan: Plan) -> None:
        if plan.action == CREATE and self._root() is None:
            raise Invalid(f"{self} cannot be created: this account owns no parent domain.")

    def _root(self) -> str | None:
        owned = {each["domain"] for each in self.client.list("/domain/v2beta1/dns-zones", "dns_zones", domain="")}
        above = [".".join(self.name.split(".")[start:]) for start in range(1, self.name.count(".") + 1)]
        return next((each for each in above if each in owned), None)

    def create(self, desired: dict[str, Any]) -> dict[str, Any]:
        root = self._root() or ""
        body = {"domain": root, "subdomain": self.name[: -len(root) - 1], "project_id": self.client.project}
        return self.client.post("/domain/v2beta1/dns-zones", body, recover=self.find)

    def apply_parts(self, current: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
        return current

    def check_removal(self, current: dict[str, Any]) -> None:
        if not current.get("subdomain"):
            raise Invalid(f"{self} is a root zone: it exists as long as the domain is owned.")

    def remove(self, current: dict[str, Any]) -> None:
        self.client.delete(f"/domain/v2beta1/dns-zones/{self.name}", project_id=self.client.project)

    def identity(self, current: dict[str, Any]) -> dict[str, Any]:
        return {"name": zone_name(current)}

    def represent(self, current: dict[str, Any]) -> dict[str, Any]:
        return {"name": self.name, **current}

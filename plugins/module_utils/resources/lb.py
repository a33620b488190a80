# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import builtins
from typing import Any, ClassVar

from ..engine import Resource
from ..fields import REPLACES, TAGS, Field, Ref, choice, label, lower, text, unordered
from ..settings import is_uuid
from .ip import LbIp, is_address
from .part import Part
from .private_network import PrivateNetwork

GOING = ("to_delete", "deleting")


def addresses(lb: dict[str, Any]) -> list[Ref]:
    return [Ref(ip["id"], ip.get("ip_address") or "") for ip in lb.get("ip") or []]


class Lb(Resource):
    word = "load balancer"
    key = "lb"
    plural = "lbs"
    path = "/lb/v1/zones/{zone}/lbs"
    envelope = False
    project_key = "project_id"
    update_method = "PUT"
    status_key = "status"
    transient = ("to_create", "creating", "pending", "migrating")
    failed = ("error", "locked")
    slow_delete = True
    options: ClassVar[dict] = {"release_ip": {"type": "bool"}}
    unknown: ClassVar[dict] = {"ip": [{"id": None, "ip_address": ""}]}
    fields = (
        Field("type", normal=lower, part=True, at_birth=True),
        Field("description", normal=text, write=text, created=""),
        Field(
            "ssl_compatibility_level",
            choice(*(f"ssl_compatibility_level_{level}" for level in ("intermediate", "modern", "old"))),
            created="ssl_compatibility_level_intermediate",
        ),
        TAGS,
        Field(
            "ip_ids",
            {"type": "list", "elements": "str"},
            change=REPLACES,
            read=addresses,
            normal=unordered,
            shown=label,
            created=[],
        ),
        Field("private_networks", {"type": "list", "elements": "str"}, part=True, normal=unordered, shown=label),
    )
    creation_needs = ("name", "type")

    def find(self) -> dict[str, Any] | None:
        found = super().find()
        return None if found and self.status(found) in GOING else found

    def namesakes(self) -> builtins.list[dict[str, Any]]:
        return [each for each in super().namesakes() if self.status(each) not in GOING]

    def resolve(self, name: str, value: Any) -> Any:
        if name == "ip_ids":
            return [self._address(each) for each in value]
        if name == "private_networks":
            return [self.reference(PrivateNetwork, each) for each in value]
        return value

    def _address(self, value: str) -> Ref:
        if is_uuid(value):
            return Ref(value)
        if is_address(value):
            for each in LbIp(self.client, {}).list():
                if each["ip_address"] == value:
                    return Ref(each["id"], value)
        return self.reference(LbIp, value)

    def read_part(self, name: str, current: dict[str, Any]) -> Any:
        if name == "private_networks":
            return [each["private_network_id"] for each in self._attachments(current)]
        return super().read_part(name, current)

    def _attachments(self, current: dict[str, Any]) -> list[dict[str, Any]]:
        return self.client.list(self.url(current["id"], "/private-networks"), "private_network")

    def write_part(self, name: str, current: dict[str, Any], value: Any) -> None:
        if name == "type":
            self.client.post(
                self.url(current["id"], "/migrate"), {"type": value}, recover=lambda: self._migrated(current, value)
            )
            return
        there = self.read_part(name, current)
        for network in value:
            if network not in there:
                self._attachment(current, "attach", network)
        for network in there:
            if network not in value:
                self._attachment(current, "detach", network)
        if self.wait:
            self.waiter.until(
                f"{self} to be in its private networks",
                lambda: {"seen": self._attachments(current)},
                lambda answer: all(each["status"] != "pending" for each in (answer or {})["seen"]),
                lambda answer: ", ".join(each["status"] for each in (answer or {})["seen"]),
            )

    def _migrated(self, current: dict[str, Any], desired: str) -> dict[str, Any] | None:
        actual = self.get(current["id"]) or {}
        return actual if lower(actual.get("type")) == lower(desired) or self.status(actual) == "migrating" else None

    def _attachment(self, current: dict[str, Any], verb: str, network: str) -> None:
        def done() -> dict[str, Any] | None:
            there = network in self.read_part("private_networks", current)
            return {} if there == (verb == "attach") else None

        self.client.post(
            self.url(current["id"], f"/{verb}-private-network"), {"private_network_id": network}, recover=done
        )

    def remove(self, current: dict[str, Any]) -> None:
        """Addresses that were reserved by name stay, the one that the balancer was born with goes with it."""
        release = self.arguments.get("release_ip")
        if release is None:
            reserved = [self.client.find(LbIp(self.client, {}).url(ident)) or {} for ident in addresses(current)]
            release = not any(tag.startswith("name:") for ip in reserved for tag in ip.get("tags") or [])
        self.client.delete(self.url(current["id"]), release_ip="true" if release else "false")
        if self.wait:
            self.gone(current["id"])


class LbPart(Part):
    """What belongs to one load balancer (argument `lb`: name or id), and is found below it."""

    whole = Lb
    whole_argument = "lb"
    update_method = "PUT"
    options: ClassVar[dict] = {"lb": {"type": "str", "required": True}}

    @property
    def lb_id(self) -> str:
        return self.whole_id

    def parts(self, kind: str) -> builtins.list[dict[str, Any]]:
        """All parts of one kind (`frontends`, `backends`) of the same load balancer."""
        zone = self.client.settings.zone
        return self.client.list(f"/lb/v1/zones/{zone}/lbs/{self.lb_id}/{kind}", kind) if self.lb_id else []

    def sibling(self, other: type, value: str) -> Ref:
        """Another part of the same load balancer by name or id."""
        if is_uuid(value):
            return Ref(value)
        if not self.lb_id:
            return Ref("", value)
        return self.reference(other, value, lb=self.lb_id)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Reserved addresses. They have no name of their own: the tag `name:<name>` is their name."""

from __future__ import annotations

import builtins
import re
from typing import Any, ClassVar

from ..engine import Resource
from ..errors import ApiError
from ..fields import REPLACES, Field, Ref, choice, embedded, label, tag_query, text, unordered
from ..plan import Plan
from ..settings import is_uuid
from ..wait import Waiter
from .existing import ExistingServer

NAME = "name:"


class Address(Resource):
    """What both kinds of addresses share."""

    word = "address"
    key = "ip"
    plural = "ips"
    creation_needs = ("name",)

    @property
    def name_tag(self) -> str:
        return f"{NAME}{self.name}"

    def desired(self) -> dict[str, Any]:
        desired = super().desired()
        renamed = desired.pop("name", None)
        there = (self._current or {}).get("tags") or []
        tags = desired.get("tags", [tag for tag in there if not tag.startswith(NAME)])
        named = [self.name_tag] if self.name else [tag for tag in there if tag.startswith(NAME)]
        if renamed or "tags" in desired:
            desired["tags"] = unordered([*tags, *named])
        return desired

    def creation_body(self, desired: dict[str, Any]) -> dict[str, Any]:
        body = super().creation_body({"tags": [self.name_tag], **desired})
        body.pop("name", None)
        return body

    def namesakes(self) -> builtins.list[dict[str, Any]]:
        return [each for each in self.list(tags=tag_query([self.name_tag])) if self.name_tag in each["tags"]]

    def plan(self, state: str, current: dict[str, Any] | None) -> Plan:
        plan = super().plan(state, current)
        for side in (plan.before, plan.after):
            if side and self.name:
                side["name"] = self.name
        return plan

    def write_part(self, name: str, current: dict[str, Any], value: Any) -> None:
        """A reverse name must resolve to the address; DNS may need up to half a minute to know."""
        refusal: list[ApiError] = []

        def attempt() -> dict[str, Any]:
            try:
                return self.client.patch(self.url(current["id"]), {"reverse": value or None})
            except ApiError as error:
                if error.status != 400:
                    raise
                refusal[:] = [error]
                return {}

        patience = Waiter(min(self.waiter.timeout, 90) if self.wait else 0, sleep=self.client.pause)
        patience.until(
            f"the reverse name {value} of {self} to be accepted",
            attempt,
            bool,
            lambda _answer: f"refused ({refusal[0]})",
        )

    def represent(self, current: dict[str, Any]) -> dict[str, Any]:
        return {"name": self.name or name_of(current), **current}


class Ip(Address):
    unknown: ClassVar[dict] = {"address": ""}
    path = "/instance/v1/zones/{zone}/ips"
    fields = (
        Field("type", choice("routed_ipv4", "routed_ipv6"), change=REPLACES, created="routed_ipv4"),
        Field("tags", {"type": "list", "elements": "str"}, normal=unordered),
        Field("server", read=embedded("server"), normal=text, shown=label),
        Field("reverse", part=True, normal=text),
    )

    def resolve(self, name: str, value: Any) -> Any:
        if name != "server" or value == "" or is_uuid(value):
            return value
        return self.reference(ExistingServer, value)

    def wire(self, values: dict[str, Any]) -> dict[str, Any]:
        body = super().wire(values)
        if body.get("server") == "":
            body["server"] = None
        return body

    def creation_body(self, desired: dict[str, Any]) -> dict[str, Any]:
        body = super().creation_body(desired)
        if body.get("server", "") is None:
            del body["server"]
        return body


def own_reverse(name: Any) -> str:
    """A reverse name, "" for the one that Scaleway gives by itself."""
    name = text(name).rstrip(".").lower()
    return "" if re.fullmatch(r"[\d-]+\.lb\.[a-z-]+\.scw\.cloud", name) else name


class LbIp(Address):
    word = "load balancer address"
    unknown: ClassVar[dict] = {"ip_address": ""}
    path = "/lb/v1/zones/{zone}/ips"
    envelope = False
    project_key = "project_id"
    fields = (
        Field(
            "is_ipv6",
            {"type": "bool"},
            change=REPLACES,
            read=lambda ip: ":" in (ip.get("ip_address") or ""),
            created=False,
        ),
        Field("tags", {"type": "list", "elements": "str"}, normal=unordered),
        Field("reverse", part=True, normal=own_reverse),
    )

    def users(self, current: dict[str, Any]) -> builtins.list[str]:
        return [f"load balancer {current['lb_id']}"] if current.get("lb_id") else []


def name_of(address: dict[str, Any]) -> str:
    """The name that the tags of an address give it, or ""."""
    return next((tag.removeprefix(NAME) for tag in address.get("tags") or [] if tag.startswith(NAME)), "")


def is_address(value: str) -> bool:
    """Whether this is an address itself, not the name of one."""
    return value.replace(".", "").isdigit() or ":" in value


def address_id(asker: Resource, value: str) -> Ref:
    """An instance address by id, by address or by name."""
    if is_uuid(value):
        return Ref(value)
    if is_address(value):
        found = asker.client.find(f"/instance/v1/zones/{asker.client.settings.zone}/ips/{value}")
        if found:
            return Ref(found["ip"]["id"], value)
    return asker.reference(Ip, value)

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import builtins
from itertools import groupby
from typing import Any

from ..engine import Resource
from ..errors import Invalid
from ..fields import TAGS, Field, choice, is_network, network, text
from ..plan import Plan

RULE = {
    "action": choice("accept", "drop", default="accept"),
    "direction": choice("inbound", "outbound", default="inbound"),
    "protocol": choice("TCP", "UDP", "ICMP", "ANY", default="TCP"),
    "ip_range": {"type": "str", "default": "0.0.0.0/0"},
    "dest_port_from": {"type": "int"},
    "dest_port_to": {"type": "int"},
}


def normal_rule(rule: dict[str, Any]) -> tuple[Any, ...]:
    """One rule as the API means it: /32 is one address, a range of one port is a port, ICMP and ANY have none."""
    first, last = rule.get("dest_port_from"), rule.get("dest_port_to")
    if rule["protocol"] in ("ICMP", "ANY"):
        first = last = None
    return (
        rule["direction"],
        rule["action"],
        rule["protocol"],
        network(rule.get("ip_range")),
        first or 0,
        last or first or 0,
    )


def normal_rules(rules: Any) -> list[Any]:
    """Rules in the form that decides what passes.

    The first rule that matches wins: order matters between accept and drop, but never among neighbours of one action.
    """
    normal = [normal_rule(rule) for rule in rules or []]
    runs = []
    for direction in ("inbound", "outbound"):
        chosen = [rule for rule in normal if rule[0] == direction]
        runs += [sorted(set(run)) for _action, run in groupby(chosen, key=lambda rule: rule[1])]
    return runs


def shown_rules(rules: Any) -> list[str]:
    lines = []
    for direction, action, protocol, source, first, last in (rule for run in normal_rules(rules) for rule in run):
        ports = "" if not first else f" {first}" if first == last else f" {first}-{last}"
        lines.append(f"{direction} {action} {protocol}{ports} {'from' if direction == 'inbound' else 'to'} {source}")
    return lines


class SecurityGroup(Resource):
    word = "security group"
    key = "security_group"
    plural = "security_groups"
    path = "/instance/v1/zones/{zone}/security_groups"
    transient = ("syncing",)
    failed = ("syncing_error",)
    fields = (
        Field("description", normal=text),
        Field("stateful", {"type": "bool"}, created=True),
        Field("inbound_default_policy", choice("accept", "drop"), created="accept"),
        Field("outbound_default_policy", choice("accept", "drop"), created="accept"),
        Field("enable_default_security", {"type": "bool"}, created=True),
        Field("project_default", {"type": "bool"}),
        TAGS,
        Field(
            "rules",
            {"type": "list", "elements": "dict", "options": RULE},
            part=True,
            normal=normal_rules,
            shown=shown_rules,
        ),
    )
    creation_needs = ("name",)

    def validate(self, plan: Plan) -> None:
        for rule in plan.desired.get("rules", []):
            if not rule["ip_range"]:
                self.fail_or_warn(f"{self}: a rule's ip_range is empty, perhaps because a lookup found nothing.")
            elif not is_network(rule["ip_range"]):
                raise Invalid(f"{self}: {rule['ip_range']!r} is not an address or network.")
            first, last = rule["dest_port_from"], rule["dest_port_to"]
            for port in (first, last):
                if port is not None and not 1 <= port <= 65535:
                    raise Invalid(f"{self}: {port} is not a port (1 to 65535).")
            if last is not None and (first is None or last < first):
                raise Invalid(f"{self}: a rule's dest_port_to must not be below its dest_port_from: {first} to {last}.")

    def users(self, current: dict[str, Any]) -> builtins.list[str]:
        servers = self.client.list(f"/instance/v1/zones/{self.client.settings.zone}/servers", "servers")
        held = [each for each in servers if (each.get("security_group") or {}).get("id") == current["id"]]
        return [f"server {each['name']}" for each in held]

    def read_part(self, name: str, current: dict[str, Any]) -> Any:
        rules = self.client.list(self.url(current["id"], "/rules"), "rules")
        return [rule for rule in rules if rule.get("editable", True) is not False]

    def write_part(self, name: str, current: dict[str, Any], value: Any) -> None:
        self.client.put(self.url(current["id"], "/rules"), {"rules": [self._wire_rule(rule) for rule in value]})

    def _wire_rule(self, rule: dict[str, Any]) -> dict[str, Any]:
        direction, action, protocol, source, first, last = normal_rule(rule)
        return {
            "id": None,
            "action": action,
            "protocol": protocol,
            "direction": direction,
            "ip_range": source,
            "dest_port_from": first or None,
            "dest_port_to": last if last != first else None,
            "editable": None,
            "zone": self.client.settings.zone,
        }

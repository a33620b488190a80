# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance v2alpha1: the security groups of v1, with rules that say source and destination apart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ensemble_lab import errors
from ensemble_lab.api import instance_security_groups as v1
from ensemble_lab.api.instance import find, in_zone
from ensemble_lab.api.instance_security_groups import KIND, RULE
from ensemble_lab.api.instance_v2 import SERVICE
from ensemble_lab.cloud import Cloud
from ensemble_lab.store import Object
from ensemble_lab.times import plain
from ensemble_lab.web.crud import Crud
from ensemble_lab.web.lists import containing, having_tags, token_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply


def _rule_view(rule: Object) -> Object:
    first, last = rule["dest_port_from"], rule["dest_port_to"]
    inbound = rule["direction"] == "inbound"
    return {
        "id": rule["id"],
        "protocol": rule["protocol"].lower(),
        "direction": rule["direction"],
        "action": rule["action"],
        "source_ip_range": rule["ip_range"] if inbound else "",
        "destination_ip_range": "" if inbound else rule["ip_range"],
        "position": rule["position"],
        "source_ports": None,
        "destination_ports": first and {"start": first, "end": last or first},
    }


def _summary(group: Object) -> Object:
    return {
        "id": group["id"],
        "name": group["name"],
        "description": group["description"] or "",
        "project_id": group["project"],
        "tags": group["tags"],
        "disable_default_rules": not group["enable_default_security"],
        "project_default": group["project_default"],
        "inbound_default_action": group["inbound_default_policy"],
        "outbound_default_action": group["outbound_default_policy"],
        "stateless": not group["stateful"],
        "created_at": plain(group["creation_date"]),
        "updated_at": plain(group["modification_date"]),
    }


def _view(cloud: Cloud, group: Object) -> Object:
    rules = v1.rules_of(cloud, group)
    told = {
        name: [_rule_view(rule) for rule in rules if rule["editable"] is editable]
        for name, editable in (("default_rules", False), ("rules", True))
    }
    return _summary(group) | told | {"zone": group["zone"]}


def _as_v1(call: Call) -> Call:
    """The call that v1 would have got."""
    body = call.body
    old = {name: body.get(name) for name in ("name", "description", "tags", "project_default")}
    for name, other in (("stateless", "stateful"), ("disable_default_rules", "enable_default_security")):
        old[other] = None if body.get(name) is None else not body[name]
    for side in ("inbound", "outbound"):
        action = str(body.get(f"{side}_default_action") or "unknown")
        old[f"{side}_default_policy"] = None if action.startswith("unknown") else action
    return replace(call, body=old | {"project": body.get("project_id")})


def _choose(call: Call) -> list[Object]:
    chosen, project = call.asked_all("security_group_ids"), call.asked("project_id")
    groups = having_tags(containing(call, in_zone(call, KIND)), call.asked_all("tags"))
    return [g for g in groups if (not chosen or g["id"] in chosen) and project in (None, g["project"])]


def _create(call: Call) -> Object:
    made = v1.create_group(_as_v1(replace(call, body={"stateless": False, **call.body}))).body["security_group"]
    return find(call, KIND, made["id"])


def _change(call: Call, group: Object) -> Object:
    v1.update_group(_as_v1(call))
    return find(call, KIND, group["id"])


Crud(
    path="/security-groups",
    item="group",
    key="security_groups",
    find=lambda call, ident: find(call, KIND, ident),
    view=lambda call, group: _view(call.cloud, group),
    summary=lambda _call, group: _summary(group),
    choose=_choose,
    page=token_list,
    create=_create,
    change=_change,
    delete=lambda call, _group: v1.delete_group(call),
).serve(SERVICE)


# rules


def _old_rule(asked: Any) -> Object:
    """A rule as v1 takes it."""
    ports = asked.get("destination_ports") or {}
    direction = asked.get("direction")
    side = "destination_ip_range" if direction == "outbound" else "source_ip_range"
    return {
        "protocol": str(asked.get("protocol") or "any").upper(),
        "direction": direction,
        "action": asked.get("action"),
        "ip_range": asked.get(side) or "0.0.0.0/0",
        "dest_port_from": ports.get("start"),
        "dest_port_to": ports.get("end"),
    }


def _group(call: Call) -> Object:
    call.need("security_group_id")
    return find(call, KIND, call.body["security_group_id"])


def _asked_rules(call: Call) -> list[Object]:
    asked = call.body.get("security_group_rules") or []
    if not all(isinstance(rule, dict) for rule in asked):
        raise errors.invalid(("security_group_rules", "format", "a list of objects is expected"))
    return [_old_rule(rule) for rule in asked]


def _find_rule(call: Call, ident: str) -> Object:
    rule = call.cloud.store.get(RULE, ident)
    if rule is None or rule["zone"] != call.zone:
        raise errors.not_found(RULE, ident)
    return rule


@SERVICE.post("/security-group-rules")
def add_rules(call: Call) -> Object:
    group, asked = _group(call), _asked_rules(call)
    first = len(v1.own_rules(call, group)) + 1
    rules = [v1.new_rule(call, group, rule, position) for position, rule in enumerate(asked, first)]
    for rule in rules:
        call.cloud.store.put(RULE, rule)
    v1.sync(call.cloud, group)
    return {"added_rules": [_rule_view(rule) for rule in rules], "security_group": _view(call.cloud, group)}


@SERVICE.put("/security-group-rules")
def set_rules(call: Call) -> Object:
    group = _group(call)
    v1.set_rules(replace(call, params=call.params | {"group": group["id"]}, body={"rules": _asked_rules(call)}))
    return _view(call.cloud, group)


@SERVICE.patch("/security-group-rules/{rule}")
def update_rule(call: Call) -> Object:
    rule = _find_rule(call, call["rule"])
    given = {name: value for name, value in call.body.items() if not str(value).startswith("unknown") and value != ""}
    changed = _old_rule({**_rule_view(rule), **given}) | {"position": given.get("position") or rule["position"]}
    v1.update_rule(replace(call, params=call.params | {"group": rule["group"]}, body=changed))
    return _view(call.cloud, find(call, KIND, rule["group"]))


@SERVICE.delete("/security-group-rules")
def delete_rules(call: Call) -> Reply:
    """Several at once, or none of them."""
    rules = [_find_rule(call, ident) for ident in call.body.get("security_group_rule_ids") or []]
    for rule in rules:
        call.cloud.store.delete(RULE, rule["id"])
    for ident in {rule["group"] for rule in rules}:
        v1.sync(call.cloud, find(call, KIND, ident))
    return NO_CONTENT

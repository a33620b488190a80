# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed databases v1: who may connect, and how the engine is set."""

from __future__ import annotations

import ipaddress

from ensemble_lab import errors
from ensemble_lab.api.rdb import SERVICE, change, find_instance, ready_instance
from ensemble_lab.api.rdb_endpoints import PORT
from ensemble_lab.api.rdb_instances import checked_settings
from ensemble_lab.store import Object
from ensemble_lab.web.lists import plain_list
from ensemble_lab.web.service import Call


def _view(instance: Object, rule: Object) -> Object:
    public = (endpoint["port"] for endpoint in instance["endpoints"] if "load_balancer" in endpoint)
    fixed = {"protocol": "tcp", "direction": "inbound", "action": "allow"}
    return {**rule, "port": next(public, PORT), **fixed}


def _rules(instance: Object, rules: list[Object]) -> Object:
    return {"rules": [_view(instance, rule) for rule in rules]}


def _asked(call: Call) -> list[Object]:
    rules = []
    for rule in call.body.get("rules") or []:
        try:
            network = str(ipaddress.ip_network(rule.get("ip") or "", strict=False))
        except ValueError:
            raise errors.constraint("rules.ip", f"{rule.get('ip')} is not a network") from None
        rules.append({"ip": network, "description": rule.get("description") or "IP allowed"})
    return rules


@SERVICE.get("/instances/{instance}/acls")
def list_acls(call: Call) -> Object:
    instance = find_instance(call)
    return plain_list(call, "rules", instance["acls"], lambda rule: _view(instance, rule))


@SERVICE.put("/instances/{instance}/acls")
def set_acls(call: Call) -> Object:
    instance, rules = ready_instance(call), _asked(call)
    instance["acls"] = rules
    return _rules(change(call, instance, "configuring"), rules)


@SERVICE.post("/instances/{instance}/acls")
def add_acls(call: Call) -> Object:
    instance, rules = ready_instance(call), _asked(call)
    new = {rule["ip"] for rule in rules}
    instance["acls"] = [rule for rule in instance["acls"] if rule["ip"] not in new] + rules
    return _rules(change(call, instance, "configuring"), rules)


@SERVICE.delete("/instances/{instance}/acls")
def delete_acls(call: Call) -> Object:
    """Those whose networks are named; what went is answered."""
    instance = ready_instance(call)
    named = call.body.get("acl_rule_ips") or []
    going = [rule for rule in instance["acls"] if rule["ip"] in named]
    instance["acls"] = [rule for rule in instance["acls"] if rule not in going]
    return _rules(change(call, instance, "configuring"), going)


def _set(call: Call, instance: Object, settings: list[Object]) -> Object:
    instance["settings"] = sorted(settings, key=lambda one: one["name"])
    return {"settings": change(call, instance, "configuring")["settings"]}


@SERVICE.post("/instances/{instance}/settings")
def add_settings(call: Call) -> Object:
    instance = ready_instance(call)
    asked = checked_settings(instance["engine"], call.body.get("settings"))
    names = {one["name"] for one in asked}
    return _set(call, instance, [one for one in instance["settings"] if one["name"] not in names] + asked)


@SERVICE.put("/instances/{instance}/settings")
def set_settings(call: Call) -> Object:
    instance = ready_instance(call)
    return _set(call, instance, checked_settings(instance["engine"], call.body.get("settings")))


@SERVICE.delete("/instances/{instance}/settings")
def delete_settings(call: Call) -> Object:
    instance = ready_instance(call)
    named = call.body.get("setting_names") or []
    return _set(call, instance, [one for one in instance["settings"] if one["name"] not in named])

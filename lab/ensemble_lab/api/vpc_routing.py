# SPDX-License-Identifier: GPL-3.0-or-later
"""VPC v2: routes, ingress rules and ACLs. The lab keeps them; no packet asks for them."""

from __future__ import annotations

import ipaddress
from typing import Any

from ensemble_lab import errors
from ensemble_lab.api.vpc import NETWORK, SERVICE, VPC, change, find, in_region
from ensemble_lab.store import Object
from ensemble_lab.times import now
from ensemble_lab.web.crud import Crud
from ensemble_lab.web.lists import equal
from ensemble_lab.web.service import Call

ROUTE, INGRESS, ACL = "route", "ingress_rule", "vpc_acl"
_NEXT_HOPS = ("nexthop_resource_id", "nexthop_private_network_id", "nexthop_vpc_connector_id")
_POLICIES = ("accept", "drop")
_PROTOCOLS = ("ANY", "TCP", "UDP", "ICMP")


def _network(call: Call, name: str) -> Any:
    """The network in CIDR notation that a field gives."""
    try:
        return ipaddress.ip_network(call.body[name])
    except ValueError:
        raise errors.constraint(name, f"{call.body[name]} is not a network") from None


def _new(call: Call, kind: str, **fields: Any) -> Object:
    vpc, moment = find(call, VPC, call.body["vpc_id"]), now()
    call.cloud.check_quota(kind, kind)
    shared = {"vpc_id": vpc["id"], "tags": call.body.get("tags") or [], "region": call.region}
    made = {"id": call.cloud.new_id(), **shared, **fields, "created_at": moment, "updated_at": moment}
    return call.cloud.store.put(kind, made)


# routes


def _check_next_hop(call: Call) -> None:
    if call.body.get("nexthop_private_network_id"):
        find(call, NETWORK, call.body["nexthop_private_network_id"])
    if call.body.get("nexthop_vpc_connector_id"):
        find(call, "vpc_connector", call.body["nexthop_vpc_connector_id"])


def _create_route(call: Call) -> Object:
    call.need("vpc_id", "destination")
    body, destination = call.body, str(_network(call, "destination"))
    if not any(body.get(hop) for hop in _NEXT_HOPS):
        raise errors.required(_NEXT_HOPS[0])
    _check_next_hop(call)
    hops = {hop: body.get(hop) for hop in _NEXT_HOPS}
    described = {"description": body.get("description") or "", "destination": destination}
    return _new(call, ROUTE, **described, **hops, is_read_only=False, type="custom")


def _change_route(call: Call, route: Object) -> Object:
    if call.body.get("destination") is not None:
        call.body["destination"] = str(_network(call, "destination"))
    _check_next_hop(call)
    return change(call, ROUTE, route, ("description", "tags", "destination", *_NEXT_HOPS))


Crud(
    path="/routes",
    item="route",
    find=lambda call, ident: find(call, ROUTE, ident),
    create=_create_route,
    change=_change_route,
    delete=lambda call, route: call.cloud.store.delete(ROUTE, route["id"]),
).serve(SERVICE)


# ingress rules


def _choose_ingress_rules(call: Call) -> list[Object]:
    filters = ("vpc_id", "nexthop_resource_ip", "nexthop_private_network_id", "is_ipv6")
    return equal(call, in_region(call, INGRESS), *filters)


def _create_ingress_rule(call: Call) -> Object:
    body = call.body
    call.need("vpc_id", "source", "nexthop_resource_ip", "nexthop_private_network_id")
    source, network = _network(call, "source"), find(call, NETWORK, body["nexthop_private_network_id"])
    owned_by = {key: network[key] for key in ("organization_id", "project_id")}
    next_hop = {"nexthop_resource_ip": body["nexthop_resource_ip"], "nexthop_private_network_id": network["id"]}
    described = {"source": str(source), "is_ipv6": source.version == 6, "description": body.get("description")}
    return _new(call, INGRESS, **described, **next_hop, **owned_by)


def _change_ingress_rule(call: Call, rule: Object) -> Object:
    if call.body.get("source") is not None:
        source = _network(call, "source")
        call.body["source"], rule["is_ipv6"] = str(source), source.version == 6
    if call.body.get("nexthop_private_network_id"):
        find(call, NETWORK, call.body["nexthop_private_network_id"])
    names = ("source", "nexthop_resource_ip", "nexthop_private_network_id", "description", "tags")
    return change(call, INGRESS, rule, names)


Crud(
    path="/ingress-rules",
    item="rule",
    key="rules",
    find=lambda call, ident: find(call, INGRESS, ident),
    choose=_choose_ingress_rules,
    create=_create_ingress_rule,
    change=_change_ingress_rule,
    delete=lambda call, rule: call.cloud.store.delete(INGRESS, rule["id"]),
).serve(SERVICE)


# ACLs


@SERVICE.get("/vpcs/{vpc}/acl-rules")
def get_acl(call: Call) -> Object:
    """The rules for one family of addresses (``is_ipv6``)."""
    ident = f"{find(call, VPC, call['vpc'])['id']}/{call.asked('is_ipv6', 'false')}"
    acl = call.cloud.store.get(ACL, ident) or {"rules": [], "default_policy": "accept"}
    return {"rules": acl["rules"], "default_policy": acl["default_policy"]}


@SERVICE.put("/vpcs/{vpc}/acl-rules")
def set_acl(call: Call) -> Object:
    vpc, asked, policy = find(call, VPC, call["vpc"]), call.body.get("rules") or [], call.body.get("default_policy")
    if policy not in _POLICIES:
        raise errors.constraint("default_policy", f"{policy} is not accept or drop")
    ident = f"{vpc['id']}/{'true' if call.body.get('is_ipv6') else 'false'}"
    acl = {"id": ident, "vpc_id": vpc["id"], "rules": [_acl_rule(rule) for rule in asked], "default_policy": policy}
    call.cloud.store.put(ACL, acl)
    return {"rules": acl["rules"], "default_policy": policy}


def _acl_rule(asked: Object) -> Object:
    rule = {name: asked.get(name) or 0 for name in ("src_port_low", "src_port_high", "dst_port_low", "dst_port_high")}
    rule |= {"protocol": str(asked.get("protocol") or "ANY").upper(), "action": asked.get("action") or "accept"}
    for name, choices in (("protocol", _PROTOCOLS), ("action", _POLICIES)):
        if rule[name] not in choices:
            raise errors.constraint(f"rules.{name}", f"{rule[name]} is not one of {', '.join(choices)}")
    places = {name: asked.get(name) or "0.0.0.0/0" for name in ("source", "destination")}
    return rule | places | {"description": asked.get("description")}

# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance v1: security groups and their rules."""

from __future__ import annotations

import ipaddress
from typing import Any

from ensemble_lab import errors
from ensemble_lab.api.instance import SERVICE, comma_tags, created, find, in_zone, owner, touch
from ensemble_lab.api.instance_views import server_view
from ensemble_lab.cloud import Cloud
from ensemble_lab.jobs import job
from ensemble_lab.store import Object
from ensemble_lab.times import now_instance
from ensemble_lab.web.lists import containing, equal, having_tags, instance_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply

KIND, RULE = "instance_security_group", "instance_security_group_rule"
POLICIES = ("accept", "drop")
PROTOCOLS = ("TCP", "UDP", "ICMP", "ANY")
# What "default security" means: no outgoing mail. The same rules, with the same ids, in every group.
_MAIL_RULES = [
    {
        "id": f"11111111-2222-4333-8444-{position:012d}",
        "protocol": "TCP",
        "direction": "outbound",
        "ip_range": network,
        "dest_ip_range": None,
        "dest_port_from": port,
        "dest_port_to": None,
        "position": position,
        "editable": False,
        "action": "drop",
    }
    for position, (network, port) in enumerate(
        [(network, port) for network in ("0.0.0.0/0", "::/0") for port in (25, 465, 587)], 1
    )
]


def group_view(cloud: Cloud, group: Object) -> Object:
    servers = [
        {"id": s["id"], "name": s["name"]}
        for s in cloud.store.iterate("instance_server")
        if s["security_group"] == group["id"]
    ]
    return {**group, "servers": servers}


def default_group(call: Call, project: str) -> Object:
    """The group of servers that name none: every project gets one in a zone when its first server appears."""
    for group in call.cloud.store.iterate(KIND):
        if group["project_default"] and group["project"] == project and group["zone"] == call.zone:
            return group
    group = _new(call, "Default security group", {"organization": call.cloud.settings.organization, "project": project})
    group |= {"description": "Auto generated security group.", "project_default": True, "organization_default": True}
    group["stateful"] = True
    sync(call.cloud, group, visible=False)
    return group


def _new(call: Call, name: str, owned_by: dict[str, str]) -> Object:
    call.cloud.check_quota(KIND, KIND)
    moment = now_instance()
    return {
        "id": call.cloud.new_id(),
        "creation_date": moment,
        "modification_date": moment,
        "name": name,
        "description": None,
        **owned_by,
        "servers": [],
        "stateful": False,
        "inbound_default_policy": "accept",
        "outbound_default_policy": "accept",
        "organization_default": False,
        "project_default": False,
        "enable_default_security": True,
        "state": "available",
        "tags": [],
        "zone": call.zone,
    }


def rules_of(cloud: Cloud, group: Object) -> list[Object]:
    """All rules of a group as the API shows them: the mail rules first, then the editable ones by position."""
    own = sorted(
        (rule for rule in cloud.store.iterate(RULE) if rule["group"] == group["id"]), key=lambda rule: rule["position"]
    )
    fixed = [{**rule, "zone": group["zone"]} for rule in _MAIL_RULES] if group["enable_default_security"] else []
    return fixed + [_rule_view(rule) for rule in own]


def _rule_view(rule: Object) -> Object:
    return {key: value for key, value in rule.items() if key != "group"}


@job
async def security_group_sync(cloud: Cloud, group_id: str) -> None:
    """Make the rules hold on the servers of the group."""
    group = cloud.store.get(KIND, group_id)
    if group is None:
        return
    servers = [
        server_view(cloud, server)
        for server in cloud.store.iterate("instance_server")
        if server["security_group"] == group_id
    ]
    try:
        await cloud.driver.security_group_apply(group, rules_of(cloud, group), servers)
    finally:
        if cloud.store.get(KIND, group_id):
            group["state"] = "available"
            cloud.store.put(KIND, group)


def sync(cloud: Cloud, group: Object, visible: bool = True) -> None:
    """Start to apply a group; `visible`: its state says so meanwhile."""
    if visible:
        group["state"] = "syncing"
    cloud.store.put(KIND, group)
    cloud.jobs.start(security_group_sync, [group["id"]], group_id=group["id"])


@SERVICE.get("/security_groups")
def list_groups(call: Call) -> Reply:
    groups = having_tags(containing(call, in_zone(call, KIND)), comma_tags(call))
    groups = equal(call, groups, "project_default")
    return instance_list(call, "security_groups", groups, lambda group: group_view(call.cloud, group))


def _fill(call: Call, group: Object) -> None:
    """Take over what the body says."""
    for name in ("inbound_default_policy", "outbound_default_policy"):
        if call.body.get(name) not in (None, *POLICIES):
            raise errors.constraint(name, f"{call.body[name]} is not accept or drop")
    for name in (
        "name",
        "description",
        "stateful",
        "inbound_default_policy",
        "outbound_default_policy",
        "enable_default_security",
        "tags",
    ):
        if call.body.get(name) is not None:
            group[name] = call.body[name]
    if call.body.get("project_default"):
        for other in call.cloud.store.iterate(KIND):
            if other["project_default"] and other["project"] == group["project"] and other["zone"] == group["zone"]:
                other["project_default"] = False
                call.cloud.store.put(KIND, other)
        group["project_default"] = True


@SERVICE.post("/security_groups")
def create_group(call: Call) -> Reply:
    call.need("name")
    group = _new(call, call.body["name"], owner(call))
    _fill(call, group)
    sync(call.cloud, group, visible=False)
    return created(call, "security_group", group["id"], group_view(call.cloud, group))


@SERVICE.get("/security_groups/default/rules")
def list_default_rules(call: Call) -> Object:
    return {"rules": [{**rule, "zone": call.zone} for rule in _MAIL_RULES]}


@SERVICE.get("/security_groups/{group}")
def get_group(call: Call) -> Object:
    return {"security_group": group_view(call.cloud, find(call, KIND, call["group"]))}


@SERVICE.patch("/security_groups/{group}")
@SERVICE.put("/security_groups/{group}")
def update_group(call: Call) -> Object:
    group = find(call, KIND, call["group"])
    before = dict(group)
    _fill(call, group)
    if group != before:
        touch(group)
        sync(call.cloud, group)
    return {"security_group": group_view(call.cloud, group)}


@SERVICE.delete("/security_groups/{group}")
def delete_group(call: Call) -> Reply:
    group = find(call, KIND, call["group"])
    if group_view(call.cloud, group)["servers"]:
        raise errors.precondition("resource_still_in_use", "group is in use. you cannot delete it.")
    for rule in call.cloud.store.list(RULE):
        if rule["group"] == group["id"]:
            call.cloud.store.delete(RULE, rule["id"])
    call.cloud.store.delete(KIND, group["id"])
    return NO_CONTENT


# rules


def _network(text: Any, name: str = "ip_range") -> str:
    """``1.1.1.1/32`` -> ``1.1.1.1``: whole addresses lose their length, networks keep it."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise errors.constraint(name, f"{text} is not a network") from None
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


def new_rule(call: Call, group: Object, asked: Object, position: int, ident: str | None = None) -> Object:
    """A rule in the API's normal form."""
    missing = [name for name in ("action", "protocol", "direction", "ip_range") if asked.get(name) is None]
    if missing:
        raise errors.required(*missing)
    for name, choices in (("action", POLICIES), ("protocol", PROTOCOLS), ("direction", ("inbound", "outbound"))):
        if asked[name] not in choices:
            raise errors.constraint(name, f"{asked[name]} is not one of {', '.join(choices)}")
    first, last = asked.get("dest_port_from"), asked.get("dest_port_to")
    if asked["protocol"] in ("ICMP", "ANY"):
        first = last = None
    for name, port in (("dest_port_from", first), ("dest_port_to", last)):
        if port is not None and not (isinstance(port, int) and 1 <= port <= 65535):
            raise errors.constraint(name, f"{port} is not a port")
    if first is not None and last is not None and last < first:
        raise errors.constraint("dest_port_to", "the last port is lower than the first")
    return {
        "id": ident or call.cloud.new_id(),
        "group": group["id"],
        "protocol": asked["protocol"],
        "direction": asked["direction"],
        "ip_range": _network(asked["ip_range"]),
        "dest_ip_range": None,
        "dest_port_from": first,
        "dest_port_to": None if last == first else last,
        "position": position,
        "editable": True,
        "action": asked["action"],
        "zone": group["zone"],
    }


def own_rules(call: Call, group: Object) -> list[Object]:
    return [rule for rule in call.cloud.store.list(RULE) if rule["group"] == group["id"]]


@SERVICE.get("/security_groups/{group}/rules")
def list_rules(call: Call) -> Reply:
    group = find(call, KIND, call["group"])
    return instance_list(call, "rules", rules_of(call.cloud, group), lambda rule: rule)


@SERVICE.put("/security_groups/{group}/rules")
def set_rules(call: Call) -> Object:
    """Replaces all editable rules; every one of them gets a new id, even if nothing changed."""
    group = find(call, KIND, call["group"])
    asked = call.body.get("rules")
    if not isinstance(asked, list):
        raise errors.required("rules")
    editable = [rule for rule in asked if rule.get("editable") is not False]
    rules = [new_rule(call, group, rule, position) for position, rule in enumerate(editable, 1)]
    for rule in own_rules(call, group):
        call.cloud.store.delete(RULE, rule["id"])
    for rule in rules:
        call.cloud.store.put(RULE, rule)
    sync(call.cloud, group)
    return {"rules": rules_of(call.cloud, group)}


@SERVICE.post("/security_groups/{group}/rules")
def create_rule(call: Call) -> Reply:
    group = find(call, KIND, call["group"])
    rule = new_rule(call, group, call.body, len(own_rules(call, group)) + 1)
    call.cloud.store.put(RULE, rule)
    sync(call.cloud, group)
    return created(call, "rule", rule["id"], _rule_view(rule))


def _find_rule(call: Call, group: Object) -> Object:
    rule = call.cloud.store.get(RULE, call["rule"])
    if rule is None or rule["group"] != group["id"]:
        raise errors.not_found(RULE, call["rule"])
    return rule


@SERVICE.get("/security_groups/{group}/rules/{rule}")
def get_rule(call: Call) -> Object:
    return {"rule": _rule_view(_find_rule(call, find(call, KIND, call["group"])))}


@SERVICE.patch("/security_groups/{group}/rules/{rule}")
@SERVICE.put("/security_groups/{group}/rules/{rule}")
def update_rule(call: Call) -> Object:
    group = find(call, KIND, call["group"])
    rule = _find_rule(call, group)
    changed = new_rule(call, group, {**rule, **call.body}, call.body.get("position") or rule["position"], rule["id"])
    call.cloud.store.put(RULE, changed)
    sync(call.cloud, group)
    return {"rule": _rule_view(changed)}


@SERVICE.delete("/security_groups/{group}/rules/{rule}")
def delete_rule(call: Call) -> Reply:
    group = find(call, KIND, call["group"])
    call.cloud.store.delete(RULE, _find_rule(call, group)["id"])
    sync(call.cloud, group)
    return NO_CONTENT

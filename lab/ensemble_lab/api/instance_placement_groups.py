# SPDX-License-Identifier: GPL-3.0-or-later
"""Placement groups: instance v1, and the v2alpha1 form of the same objects (which has no policy_mode)."""

from __future__ import annotations

from ensemble_lab import errors
from ensemble_lab.api.instance import SERVICE, comma_tags, created, find, in_zone, owner
from ensemble_lab.api.instance_v2 import SERVICE as V2
from ensemble_lab.api.instance_views import placement_group_view
from ensemble_lab.cloud import Cloud
from ensemble_lab.store import Object
from ensemble_lab.times import now
from ensemble_lab.web.crud import Crud
from ensemble_lab.web.lists import containing, equal, having_tags, instance_list, token_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply

KIND = "instance_placement_group"
MODES, TYPES = ("optional", "enforced"), ("max_availability", "low_latency")
MOST_SERVERS = 20


def _new(call: Call, project: str) -> Object:
    moment = now()
    return {
        "id": call.cloud.new_id(),
        "name": call.body["name"],
        "organization": call.cloud.settings.organization,
        "project": project,
        "policy_mode": _one_of(call, "policy_mode", MODES),
        "policy_type": _one_of(call, "policy_type", TYPES),
        "policy_respected": True,
        "tags": call.body.get("tags") or [],
        "zone": call.zone,
        "created_at": moment,
        "updated_at": moment,
    }


def _one_of(call: Call, name: str, choices: tuple[str, ...]) -> str:
    """The value asked for, or the first choice."""
    value = call.body.get(name) or choices[0]
    if value not in choices:
        raise errors.constraint(name, f"{value} is not one of {', '.join(choices)}")
    return value


def members(cloud: Cloud, group_id: str) -> list[Object]:
    return [server for server in cloud.store.iterate("instance_server") if server["placement_group"] == group_id]


def check_room(call: Call, ident: str, joining: int = 1) -> Object:
    """The group that a server wants to join, or the API's refusal."""
    group = find(call, KIND, ident)
    if len(members(call.cloud, ident)) + joining > MOST_SERVERS:
        raise errors.quota("instance_placement_group_servers", MOST_SERVERS, len(members(call.cloud, ident)))
    return group


def check_off(server: Object) -> None:
    """A guess after what users report: where a server runs is chosen at power-on, so it joins a group while it is off.

    That a running one may leave is recorded.
    """
    if server["state"] != "stopped":
        raise errors.constraint("placement_group", "the server must be stopped")


@SERVICE.get("/placement_groups")
def list_groups(call: Call) -> Reply:
    groups = having_tags(containing(call, in_zone(call, KIND)), comma_tags(call))
    return instance_list(call, "placement_groups", groups, placement_group_view)


@SERVICE.post("/placement_groups")
def create_group(call: Call) -> Reply:
    call.need("name")
    call.cloud.check_quota(KIND, KIND)
    group = call.cloud.store.put(KIND, _new(call, owner(call)["project"]))
    return created(call, "placement_group", group["id"], placement_group_view(group))


@SERVICE.get("/placement_groups/{group}")
def get_group(call: Call) -> Object:
    return {"placement_group": placement_group_view(find(call, KIND, call["group"]))}


def _change(call: Call, group: Object) -> None:
    for name, choices in (("policy_mode", MODES), ("policy_type", TYPES)):
        if call.body.get(name) is not None:
            group[name] = _one_of(call, name, choices)
    for name in ("name", "tags"):
        if call.body.get(name) is not None:
            group[name] = call.body[name]
    group["updated_at"] = now()
    call.cloud.store.put(KIND, group)


@SERVICE.patch("/placement_groups/{group}")
@SERVICE.put("/placement_groups/{group}")
def update_group(call: Call) -> Object:
    group = find(call, KIND, call["group"])
    _change(call, group)
    return {"placement_group": placement_group_view(group)}


@SERVICE.delete("/placement_groups/{group}")
def delete_group(call: Call) -> Reply:
    group = find(call, KIND, call["group"])
    for server in members(call.cloud, group["id"]):
        server["placement_group"] = None
        call.cloud.store.put("instance_server", server)
    call.cloud.store.delete(KIND, group["id"])
    return NO_CONTENT


@SERVICE.get("/placement_groups/{group}/servers")
def list_members(call: Call) -> Object:
    group = find(call, KIND, call["group"])
    return {
        "servers": [
            {"id": s["id"], "name": s["name"], "policy_respected": True} for s in members(call.cloud, group["id"])
        ]
    }


@SERVICE.put("/placement_groups/{group}/servers")
@SERVICE.patch("/placement_groups/{group}/servers")
def set_members(call: Call) -> Object:
    group = find(call, KIND, call["group"])
    desired = call.body.get("servers") or []
    if len(desired) > MOST_SERVERS:
        raise errors.quota("instance_placement_group_servers", MOST_SERVERS, len(desired))
    servers = [find(call, "instance_server", ident) for ident in desired]
    before = members(call.cloud, group["id"])
    for server in servers:
        if server not in before:
            check_off(server)
    for server in before:
        server["placement_group"] = None
        call.cloud.store.put("instance_server", server)
    for server in servers:
        server["placement_group"] = group["id"]
        call.cloud.store.put("instance_server", server)
    return list_members(call)


# v2alpha1


def _view_v2(group: Object) -> Object:
    return {"project_id": group["project"]} | {
        key: group[key] for key in ("name", "id", "policy_type", "tags", "created_at", "updated_at", "zone")
    }


def _choose_v2(call: Call) -> list[Object]:
    chosen, project = call.asked_all("placement_group_ids"), call.asked("project_id")
    groups = [group for group in in_zone(call, KIND) if project in (None, group["project"])]
    groups = [group for group in groups if not chosen or group["id"] in chosen]
    return having_tags(equal(call, containing(call, groups), "policy_type"), call.asked_all("tags"))


def _create_v2(call: Call) -> Object:
    call.need("name")
    call.cloud.check_quota(KIND, KIND)
    return call.cloud.store.put(KIND, _new(call, call.cloud.project_of(call.body.get("project_id"))))


def _change_v2(call: Call, group: Object) -> Object:
    if str(call.body.get("policy_type")).startswith("unknown"):
        del call.body["policy_type"]
    _change(call, group)
    return group


Crud(
    path="/placement-groups",
    item="group",
    key="placement_groups",
    find=lambda call, ident: find(call, KIND, ident),
    view=lambda _call, group: _view_v2(group),
    choose=_choose_v2,
    page=token_list,
    create=_create_v2,
    change=_change_v2,
    delete=lambda call, _group: delete_group(call),
).serve(V2)

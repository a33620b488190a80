# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance v2alpha1: local volumes and their snapshots, the same as those of v1."""

from __future__ import annotations

from dataclasses import replace

from ensemble_lab.api import instance_snapshots, instance_volumes
from ensemble_lab.api.instance import find, in_zone
from ensemble_lab.api.instance_snapshots import KIND as SNAPSHOT
from ensemble_lab.api.instance_v2 import SERVICE
from ensemble_lab.api.instance_volumes import KIND as VOLUME
from ensemble_lab.api.instance_volumes import TYPES
from ensemble_lab.store import Object
from ensemble_lab.times import plain
from ensemble_lab.web.lists import containing, equal, having_tags, token_list
from ensemble_lab.web.service import Call, Reply


def _view(obj: Object) -> Object:
    """What volumes and snapshots have in common."""
    same = {name: obj[name] for name in ("id", "name", "tags", "size", "volume_type", "zone")}
    moments = {"created_at": plain(obj["creation_date"]), "updated_at": plain(obj["modification_date"])}
    return same | moments | {"project_id": obj["project"]}


def _volume_view(volume: Object) -> Object:
    return _view(volume) | {"status": volume["state"], "server_id": volume["server"], "base_snapshot_id": None}


def _snapshot_view(snapshot: Object) -> Object:
    status = "creating" if snapshot["state"] == "snapshotting" else snapshot["state"]
    return _view(snapshot) | {"status": status, "base_volume_id": snapshot["base_volume"]["id"], "public": False}


def _chosen(call: Call, kind: str, ids: str) -> list[Object]:
    """Those of the zone that the filters of both lists leave."""
    found = having_tags(containing(call, in_zone(call, kind)), call.asked_all("tags"))
    wanted, project = call.asked_all(ids), call.asked("project_id")
    return [obj for obj in found if (not wanted or obj["id"] in wanted) and project in (None, obj["project"])]


def _as_v1(call: Call) -> Call:
    """The call that v1 would have got."""
    old = {**call.body, "project": call.body.get("project_id"), "base_snapshot": call.body.get("base_snapshot_id")}
    return replace(call, body=old | {"volume_id": call.body.get("base_volume_id")})


@SERVICE.get("/volume-types")
def list_volume_types(call: Call) -> Object:
    types = [{"name": name, "min_size": 10**9, "max_size": most * 10**9} for name, (_, most, _) in TYPES.items()]
    return {"volume_types": types, "total_count": len(types)}


@SERVICE.get("/volumes")
def list_volumes(call: Call) -> Object:
    volumes = equal(call, _chosen(call, VOLUME, "volume_ids"), "volume_type")
    return token_list(call, "volumes", volumes, _volume_view)


@SERVICE.post("/volumes")
def create_volume(call: Call) -> Object:
    made = instance_volumes.create_volume(_as_v1(call)).body["volume"]
    return _volume_view(find(call, VOLUME, made["id"]))


@SERVICE.get("/volumes/{volume}")
def get_volume(call: Call) -> Object:
    return _volume_view(find(call, VOLUME, call["volume"]))


@SERVICE.patch("/volumes/{volume}")
def update_volume(call: Call) -> Object:
    instance_volumes.update_volume(call)
    return get_volume(call)


@SERVICE.delete("/volumes/{volume}")
def delete_volume(call: Call) -> Reply:
    return instance_volumes.delete_volume(call)


@SERVICE.get("/snapshots")
def list_snapshots(call: Call) -> Object:
    base = call.asked("base_volume_id")
    snapshots = _chosen(call, SNAPSHOT, "snapshot_ids")
    snapshots = [snapshot for snapshot in snapshots if base in (None, snapshot["base_volume"]["id"])]
    return token_list(call, "snapshots", snapshots, _snapshot_view)


@SERVICE.post("/snapshots")
def create_snapshot(call: Call) -> Object:
    made = instance_snapshots.create_snapshot(_as_v1(call)).body["snapshot"]
    return _snapshot_view(find(call, SNAPSHOT, made["id"]))


@SERVICE.get("/snapshots/{snapshot}")
def get_snapshot(call: Call) -> Object:
    return _snapshot_view(find(call, SNAPSHOT, call["snapshot"]))


@SERVICE.patch("/snapshots/{snapshot}")
def update_snapshot(call: Call) -> Object:
    instance_snapshots.update_snapshot(call)
    return get_snapshot(call)


@SERVICE.delete("/snapshots/{snapshot}")
def delete_snapshot(call: Call) -> Reply:
    return instance_snapshots.delete_snapshot(call)

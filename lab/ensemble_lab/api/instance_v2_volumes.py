# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance v2alpha1: local volumes and their snapshots, the same as those of v1."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ensemble_lab.api import instance_snapshots as snapshots
from ensemble_lab.api import instance_volumes as volumes
from ensemble_lab.api.instance import find, in_zone
from ensemble_lab.api.instance_snapshots import KIND as SNAPSHOT
from ensemble_lab.api.instance_v2 import SERVICE
from ensemble_lab.api.instance_volumes import KIND as VOLUME
from ensemble_lab.api.instance_volumes import TYPES
from ensemble_lab.store import Object
from ensemble_lab.times import plain
from ensemble_lab.web.crud import Crud
from ensemble_lab.web.lists import containing, equal, having_tags, token_list
from ensemble_lab.web.service import Call, Handler


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
    desired, project = call.asked_all(ids), call.asked("project_id")
    return [obj for obj in found if (not desired or obj["id"] in desired) and project in (None, obj["project"])]


def _as_v1(call: Call) -> Call:
    """The call that v1 would have got."""
    old = {**call.body, "project": call.body.get("project_id"), "base_snapshot": call.body.get("base_snapshot_id")}
    return replace(call, body=old | {"volume_id": call.body.get("base_volume_id")})


@SERVICE.get("/volume-types")
def list_volume_types(call: Call) -> Object:
    types = [{"name": name, "min_size": 10**9, "max_size": most * 10**9} for name, (_, most, _) in TYPES.items()]
    return {"volume_types": types, "total_count": len(types)}


def _choose_snapshots(call: Call) -> list[Object]:
    base = call.asked("base_volume_id")
    return [
        snapshot
        for snapshot in _chosen(call, SNAPSHOT, "snapshot_ids")
        if base in (None, snapshot["base_volume"]["id"])
    ]


def _by_v1(kind: str, word: str, create: Handler, change: Handler, delete: Handler) -> dict[str, Any]:
    """What the handlers of v1 do, for objects in the form of v2."""

    def made(call: Call) -> Object:
        return find(call, kind, create(_as_v1(call)).body[word]["id"])

    def changed(call: Call, obj: Object) -> Object:
        change(call)
        return find(call, kind, obj["id"])

    return {
        "item": word,
        "find": lambda call, ident: find(call, kind, ident),
        "page": token_list,
        "create": made,
        "change": changed,
        "delete": lambda call, _obj: delete(call),
    }


Crud(
    path="/volumes",
    key="volumes",
    view=lambda _call, volume: _volume_view(volume),
    choose=lambda call: equal(call, _chosen(call, VOLUME, "volume_ids"), "volume_type"),
    **_by_v1(VOLUME, "volume", volumes.create_volume, volumes.update_volume, volumes.delete_volume),
).serve(SERVICE)

Crud(
    path="/snapshots",
    key="snapshots",
    view=lambda _call, snapshot: _snapshot_view(snapshot),
    choose=_choose_snapshots,
    **_by_v1(SNAPSHOT, "snapshot", snapshots.create_snapshot, snapshots.update_snapshot, snapshots.delete_snapshot),
).serve(SERVICE)

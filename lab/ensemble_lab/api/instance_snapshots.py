# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance v1: snapshots of local volumes."""

from __future__ import annotations

from ensemble_lab import errors
from ensemble_lab.api.instance import SERVICE, comma_tags, find, in_zone, owner, task, touch
from ensemble_lab.api.instance_views import machine_of
from ensemble_lab.api.instance_volumes import KIND as VOLUME
from ensemble_lab.cloud import Cloud
from ensemble_lab.drivers.base import DriverError
from ensemble_lab.jobs import job
from ensemble_lab.store import Object
from ensemble_lab.times import now_instance
from ensemble_lab.web.lists import containing, equal, having_tags, instance_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply

KIND = "instance_snapshot"


def snapshot_view(snapshot: Object) -> Object:
    return {key: value for key, value in snapshot.items() if key != "base_volume_id"}


def new_snapshot(
    call: Call, volume: Object, name: str, owned_by: dict[str, str], tags: list[str] | None = None
) -> Object:
    """Begin to freeze a local volume; of one that never ran a server, the snapshot is there at once."""
    call.cloud.check_quota(KIND, KIND)
    moment = now_instance()
    snapshot = {
        "id": call.cloud.new_id(),
        "name": name,
        "volume_type": volume["volume_type"],
        "creation_date": moment,
        "modification_date": moment,
        **owned_by,
        "size": volume["size"],
        "state": "snapshotting" if volume["written"] else "available",
        "base_volume": {"id": volume["id"], "name": volume["name"]},
        "tags": tags or [],
        "zone": call.zone,
        "error_details": None,
    }
    if volume["written"]:
        volume["state"] = "snapshotting"
        call.cloud.store.put(VOLUME, volume)
    call.cloud.store.put(KIND, snapshot)
    keys = [snapshot["id"], volume["id"]] + ([volume["server"]] if volume["server"] else [])
    call.cloud.jobs.start(snapshot_create, keys, snapshot_id=snapshot["id"])
    return snapshot


@job
async def snapshot_create(cloud: Cloud, snapshot_id: str) -> None:
    snapshot = cloud.store.get(KIND, snapshot_id)
    volume = snapshot and cloud.store.get(VOLUME, snapshot["base_volume"]["id"])
    if not snapshot or not volume:
        return
    try:
        await cloud.driver.snapshot_create(snapshot, volume, machine_of(cloud, volume))
        snapshot["state"] = "available"
    except DriverError as problem:
        snapshot["state"], snapshot["error_details"] = "error", str(problem)
        raise
    finally:
        volume["state"] = "available"
        touch(snapshot)
        touch(volume)
        if cloud.store.get(VOLUME, volume["id"]):
            cloud.store.put(VOLUME, volume)
        if cloud.store.get(KIND, snapshot_id):
            cloud.store.put(KIND, snapshot)


@job
async def snapshot_delete(cloud: Cloud, snapshot: Object) -> None:
    await cloud.driver.snapshot_delete(snapshot)


@SERVICE.get("/snapshots")
def list_snapshots(call: Call) -> Reply:
    snapshots = having_tags(containing(call, in_zone(call, KIND)), comma_tags(call))
    snapshots = equal(call, snapshots, "state")
    base = call.asked("base_volume_id")
    if base:
        snapshots = [snapshot for snapshot in snapshots if snapshot["base_volume"]["id"] == base]
    return instance_list(call, "snapshots", snapshots, snapshot_view)


@SERVICE.post("/snapshots")
def create_snapshot(call: Call) -> Reply:
    call.need("name", "volume_id")
    volume = find(call, VOLUME, call.body["volume_id"])
    if volume["volume_type"] == "scratch":
        raise errors.constraint("volume_id", "scratch volumes cannot be snapshotted")
    if volume["state"] != "available":
        raise errors.transient(VOLUME, volume["id"], volume["state"])
    snapshot = new_snapshot(call, volume, call.body["name"], owner(call), call.body.get("tags"))
    return Reply(
        201, {"snapshot": snapshot_view(snapshot), "task": task(call, "/snapshots", f"snapshots/{snapshot['id']}")}
    )


@SERVICE.get("/snapshots/{snapshot}")
def get_snapshot(call: Call) -> Object:
    return {"snapshot": snapshot_view(find(call, KIND, call["snapshot"]))}


@SERVICE.patch("/snapshots/{snapshot}")
@SERVICE.put("/snapshots/{snapshot}")
def update_snapshot(call: Call) -> Object:
    snapshot = find(call, KIND, call["snapshot"])
    for name in ("name", "tags"):
        if call.body.get(name) is not None:
            snapshot[name] = call.body[name]
    touch(snapshot)
    call.cloud.store.put(KIND, snapshot)
    return {"snapshot": snapshot_view(snapshot)}


@SERVICE.delete("/snapshots/{snapshot}")
def delete_snapshot(call: Call) -> Reply:
    snapshot = find(call, KIND, call["snapshot"])
    users = [image for image in call.cloud.store.iterate("instance_image") if snapshot["id"] in image_snapshots(image)]
    if users:
        raise errors.precondition("resource_still_in_use", f"the snapshot is part of image {users[0]['id']}")
    if snapshot["state"] == "snapshotting":
        raise errors.transient(KIND, snapshot["id"], snapshot["state"])
    call.cloud.store.delete(KIND, snapshot["id"])
    call.cloud.jobs.start(snapshot_delete, [snapshot["id"]], snapshot=snapshot)
    return NO_CONTENT


def image_snapshots(image: Object) -> list[str]:
    """Ids of the snapshots that an image is made of, of either kind."""
    return [image["root_volume"]["id"], *(volume["id"] for volume in image["extra_volumes"].values())]

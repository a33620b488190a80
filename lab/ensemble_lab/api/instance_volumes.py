# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance v1: local volumes (l_ssd, scratch). Block volumes live in block v1 and are unknown here."""

from __future__ import annotations

from ensemble_lab import errors
from ensemble_lab.api.instance import SERVICE, comma_tags, created, find, in_zone, owner, touch
from ensemble_lab.api.instance_views import volume_view
from ensemble_lab.cloud import Cloud
from ensemble_lab.jobs import job
from ensemble_lab.store import Object
from ensemble_lab.times import now_instance
from ensemble_lab.web.lists import containing, equal, having_tags, instance_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply

KIND = "instance_volume"
# Type -> name, gigabytes at most, whether it can be snapshotted.
TYPES = {"l_ssd": ("Local SSD", 800, True), "scratch": ("Scratch", 12_800, False)}


def new_volume(
    call: Call, name: str, volume_type: str, size: int, owned_by: dict[str, str], tags: list[str] | None = None
) -> Object:
    """A local volume in the store; somebody must have the driver make it."""
    call.cloud.check_quota(KIND, KIND)
    moment = now_instance()
    volume = {
        "id": call.cloud.new_id(),
        "name": name,
        "volume_type": volume_type,
        **owned_by,
        "server": None,
        "size": size,
        "state": "available",
        "creation_date": moment,
        "modification_date": moment,
        "tags": tags or [],
        "zone": call.zone,
        "written": False,
    }
    return call.cloud.store.put(KIND, volume)


@job
async def volume_create(cloud: Cloud, volume_id: str, snapshot_id: str | None) -> None:
    volume = cloud.store.get(KIND, volume_id)
    if volume:
        await cloud.driver.volume_create(volume, cloud.store.get("instance_snapshot", snapshot_id))


@job
async def volume_delete(cloud: Cloud, volume: Object) -> None:
    await cloud.driver.volume_delete(volume)


@SERVICE.get("/volumes")
def list_volumes(call: Call) -> Reply:
    volumes = having_tags(equal(call, containing(call, in_zone(call, KIND)), "volume_type"), comma_tags(call))
    return instance_list(call, "volumes", volumes, lambda volume: volume_view(call.cloud, volume), default=100)


@SERVICE.post("/volumes")
def create_volume(call: Call) -> Reply:
    body = call.body
    call.need("name", "volume_type")
    if body["volume_type"] not in TYPES:
        raise errors.constraint("volume_type", "l_ssd or scratch is expected; block volumes are made by the block API")
    most = TYPES[body["volume_type"]][1] * 10**9
    source = body.get("base_snapshot")
    snapshot = find(call, "instance_snapshot", source) if source else None
    size = body.get("size") or (snapshot and snapshot["size"])
    if not isinstance(size, int):
        raise errors.required("size")
    if not 10**9 <= size <= most:
        raise errors.constraint("size", f"{size} is not between 1000000000 and {most}")
    volume = new_volume(call, body["name"], body["volume_type"], size, owner(call), body.get("tags"))
    call.cloud.jobs.start(volume_create, [volume["id"]], volume_id=volume["id"], snapshot_id=source)
    return created(call, "volume", volume["id"], volume_view(call.cloud, volume))


@SERVICE.get("/volumes/{volume}")
def get_volume(call: Call) -> Object:
    return {"volume": volume_view(call.cloud, find(call, KIND, call["volume"]))}


@SERVICE.patch("/volumes/{volume}")
def update_volume(call: Call) -> Object:
    volume = find(call, KIND, call["volume"])
    if call.body.get("size") not in (None, volume["size"]):
        raise errors.constraint("size", "a local volume cannot be resized")
    for name in ("name", "tags"):
        if call.body.get(name) is not None:
            volume[name] = call.body[name]
    touch(volume)
    call.cloud.store.put(KIND, volume)
    return {"volume": volume_view(call.cloud, volume)}


@SERVICE.delete("/volumes/{volume}")
def delete_volume(call: Call) -> Reply:
    volume = find(call, KIND, call["volume"])
    if volume["server"]:
        raise errors.precondition("resource_still_in_use", "the volume is attached to a server")
    if volume["state"] == "snapshotting":
        raise errors.transient(KIND, volume["id"], volume["state"])
    call.cloud.store.delete(KIND, volume["id"])
    call.cloud.jobs.start(volume_delete, [volume["id"]], volume=volume)
    return NO_CONTENT

# SPDX-License-Identifier: GPL-3.0-or-later
"""Block storage v1 (and v1alpha1, the same without kms_key_id and public): volumes and snapshots."""

from __future__ import annotations

from typing import Any

from ensemble_lab import errors
from ensemble_lab.api.instance_views import machine_of
from ensemble_lab.catalog import images
from ensemble_lab.cloud import Cloud, driver_volume
from ensemble_lab.drivers.base import DriverError
from ensemble_lab.jobs import job
from ensemble_lab.store import Object
from ensemble_lab.times import now
from ensemble_lab.web.lists import containing, equal, having_tags, plain_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply, Service

SERVICE = Service("/block/v1/zones/{zone}", "/block/v1alpha1/zones/{zone}")
VOLUME, SNAPSHOT = "block_volume", "block_snapshot"
IOPS = (5000, 15000)
SMALLEST, LARGEST = 10**9, 10 * 10**12
_NEW_IN_V1 = ("kms_key_id", "public")


def _view(call: Call, obj: Object) -> Object:
    alpha = "/v1alpha1/" in call.url
    return {key: value for key, value in obj.items() if not (alpha and key in _NEW_IN_V1)}


def _find(call: Call, kind: str, ident: str) -> Object:
    obj = call.cloud.store.get(kind, ident)
    resource = kind.removeprefix("block_")
    if obj is None and kind == SNAPSHOT and ident in images.public_snapshots():
        raise errors.denied(resource, "read")
    if obj is None or obj["zone"] != call.zone:
        raise errors.not_found(resource, ident)
    return obj


def find_volume(call: Call, ident: str) -> Object:
    return _find(call, VOLUME, ident)


def new_block_volume(
    call: Call, name: str, size: int, project: str, iops: int = 5000, parent_snapshot: str | None = None
) -> Object:
    """A volume in the store, state ``creating``; somebody must have the driver make it."""
    call.cloud.check_quota(VOLUME, "volume")
    moment = now()
    volume = {
        "id": call.cloud.new_id(),
        "name": name,
        "type": f"sbs_{iops // 1000}k",
        "size": size,
        "project_id": project,
        "created_at": moment,
        "updated_at": moment,
        "references": [],
        "parent_snapshot_id": parent_snapshot,
        "status": "creating",
        "tags": [],
        "specs": {"perf_iops": iops, "class": "sbs"},
        "last_detached_at": None,
        "kms_key_id": None,
        "zone": call.zone,
    }
    return call.cloud.store.put(VOLUME, volume)


def _settle(cloud: Cloud, kind: str, obj: Object, status: str | None = None) -> None:
    """The final state: as asked, or what its references say."""
    if cloud.store.get(kind, obj["id"]):
        obj["status"] = status or ("in_use" if obj["references"] else "available")
        obj["updated_at"] = now()
        cloud.store.put(kind, obj)


@job
async def block_volume_create(cloud: Cloud, volume_id: str) -> None:
    volume = cloud.store.get(VOLUME, volume_id)
    if volume is None:
        return
    snapshot = cloud.store.get(SNAPSHOT, volume["parent_snapshot_id"])
    try:
        await cloud.driver.volume_create(driver_volume(volume), snapshot and driver_volume(snapshot))
    except DriverError:
        _settle(cloud, VOLUME, volume, "error")
        raise
    _settle(cloud, VOLUME, volume)


@job
async def block_volume_update(cloud: Cloud, volume_id: str, size: int, iops: int) -> None:
    volume = cloud.store.get(VOLUME, volume_id)
    if volume is None:
        return
    try:
        await cloud.driver.volume_resize({**driver_volume(volume), "size": size})
        volume["size"], volume["type"] = size, f"sbs_{iops // 1000}k"
        volume["specs"]["perf_iops"] = iops
    finally:
        _settle(cloud, VOLUME, volume)


@job
async def block_volume_delete(cloud: Cloud, volume: Object) -> None:
    await cloud.driver.volume_delete(driver_volume(volume))


@SERVICE.get("/volumes")
def list_volumes(call: Call) -> Object:
    volumes = [volume for volume in call.cloud.store.iterate(VOLUME) if volume["zone"] == call.zone]
    volumes = equal(call, containing(call, volumes), "project_id")
    chosen, speeds = call.asked_all("volume_ids"), call.asked_all("volume_type")
    volumes = [
        volume
        for volume in volumes
        if (not chosen or volume["id"] in chosen) and (not speeds or volume["type"] in speeds)
    ]
    resource = call.asked("product_resource_id")
    if resource:
        volumes = [
            volume for volume in volumes if any(r["product_resource_id"] == resource for r in volume["references"])
        ]
    return plain_list(call, "volumes", having_tags(volumes, call.asked_all("tags")), lambda volume: _view(call, volume))


@SERVICE.post("/volumes")
def create_volume(call: Call) -> Object:
    body = call.body
    call.need("name")
    empty: Any = body.get("from_empty")
    copy: Any = body.get("from_snapshot")
    if (empty is None) == (copy is None):
        raise errors.invalid(("from", "required", "one of from_empty and from_snapshot is expected"))
    iops = _iops(body.get("perf_iops") or 5000)
    parent: str | None = None
    if empty is not None:
        size = empty.get("size")
    else:
        snapshot = _find(call, SNAPSHOT, copy.get("snapshot_id") or "")
        parent = snapshot["id"]
        size = copy.get("size") or snapshot["size"]
        if size < snapshot["size"]:
            raise errors.constraint("size", f"{size} is less than the snapshot's {snapshot['size']}")
    volume = new_block_volume(
        call,
        body["name"],
        _size(size),
        call.cloud.project_of(body.get("project_id")),
        iops,
        parent,
    )
    volume["tags"] = body.get("tags") or []
    keys = [volume["id"]] + ([parent] if parent else [])
    call.cloud.jobs.start(block_volume_create, keys, volume_id=volume["id"])
    return _view(call, volume)


def _size(size: Any) -> int:
    if not isinstance(size, int) or not SMALLEST <= size <= LARGEST:
        raise errors.constraint("size", f"{size} is not between {SMALLEST} and {LARGEST}")
    return size


def _iops(iops: Any) -> int:
    if iops not in IOPS:
        raise errors.constraint("perf_iops", f"{iops} is not 5000 or 15000")
    return iops


@SERVICE.get("/volumes/{volume}")
def get_volume(call: Call) -> Object:
    return _view(call, _find(call, VOLUME, call["volume"]))


@SERVICE.patch("/volumes/{volume}")
def update_volume(call: Call) -> Object:
    """Name and tags at once; size and speed take a while (and only then show)."""
    volume, body = _find(call, VOLUME, call["volume"]), call.body
    size, iops = body.get("size") or volume["size"], _iops(body.get("perf_iops") or volume["specs"]["perf_iops"])
    if size < volume["size"]:
        raise errors.constraint("size", "a volume cannot shrink")
    if volume["status"] in ("creating", "updating", "deleting"):
        raise errors.transient("volume", volume["id"], volume["status"])
    for name in ("name", "tags"):
        if body.get(name) is not None:
            volume[name] = body[name]
    volume["updated_at"] = now()
    if (size, iops) != (volume["size"], volume["specs"]["perf_iops"]):
        _size(size)
        volume["status"] = "updating"
        call.cloud.jobs.start(block_volume_update, [volume["id"]], volume_id=volume["id"], size=size, iops=iops)
    call.cloud.store.put(VOLUME, volume)
    return _view(call, volume)


@SERVICE.delete("/volumes/{volume}")
def delete_volume(call: Call) -> Reply:
    volume = _find(call, VOLUME, call["volume"])
    if volume["references"]:
        raise errors.precondition("resource_still_in_use", "the volume is attached to a server")
    call.cloud.store.delete(VOLUME, volume["id"])
    call.cloud.jobs.start(block_volume_delete, [volume["id"]], volume=volume)
    return NO_CONTENT


# snapshots


def new_block_snapshot(
    call: Call, volume: Object, name: str, project: str, tags: list[str] | None = None, public: bool = False
) -> Object:
    """Begin to freeze a block volume."""
    call.cloud.check_quota(SNAPSHOT, "snapshot")
    moment = now()
    snapshot = {
        "id": call.cloud.new_id(),
        "name": name,
        "parent_volume": {
            "id": volume["id"],
            "name": volume["name"],
            "type": volume["type"],
            "status": volume["status"],
        },
        "size": volume["size"],
        "project_id": project,
        "created_at": moment,
        "updated_at": moment,
        "references": [],
        "status": "creating",
        "tags": tags or [],
        "class": "sbs",
        "zone": call.zone,
        "public": public,
    }
    call.cloud.store.put(SNAPSHOT, snapshot)
    machines = [reference["product_resource_id"] for reference in volume["references"]]
    call.cloud.jobs.start(block_snapshot_create, [snapshot["id"], volume["id"], *machines], snapshot_id=snapshot["id"])
    return snapshot


@job
async def block_snapshot_create(cloud: Cloud, snapshot_id: str) -> None:
    snapshot = cloud.store.get(SNAPSHOT, snapshot_id)
    volume = snapshot and cloud.store.get(VOLUME, snapshot["parent_volume"]["id"])
    if not snapshot or not volume:
        return
    try:
        await cloud.driver.snapshot_create(driver_volume(snapshot), driver_volume(volume), machine_of(cloud, volume))
    except DriverError:
        _settle(cloud, SNAPSHOT, snapshot, "error")
        raise
    _settle(cloud, SNAPSHOT, snapshot)


@job
async def block_snapshot_delete(cloud: Cloud, snapshot: Object) -> None:
    await cloud.driver.snapshot_delete(driver_volume(snapshot))


def _snapshot_view(call: Call, snapshot: Object) -> Object:
    """The parent's name and status are shown as they are now, while it exists."""
    parent = call.cloud.store.get(VOLUME, snapshot["parent_volume"]["id"])
    if parent:
        snapshot = {**snapshot, "parent_volume": {key: parent[key] for key in ("id", "name", "type", "status")}}
    return _view(call, snapshot)


@SERVICE.get("/snapshots")
def list_snapshots(call: Call) -> Object:
    snapshots = [snapshot for snapshot in call.cloud.store.iterate(SNAPSHOT) if snapshot["zone"] == call.zone]
    snapshots = equal(call, containing(call, snapshots), "project_id")
    volume = call.asked("volume_id")
    if volume:
        snapshots = [snapshot for snapshot in snapshots if snapshot["parent_volume"]["id"] == volume]
    return plain_list(
        call,
        "snapshots",
        having_tags(snapshots, call.asked_all("tags")),
        lambda snapshot: _snapshot_view(call, snapshot),
    )


@SERVICE.post("/snapshots")
def create_snapshot(call: Call) -> Object:
    body = call.body
    call.need("name", "volume_id")
    volume = _find(call, VOLUME, body["volume_id"])
    if volume["status"] in ("creating", "deleting"):
        raise errors.transient("volume", volume["id"], volume["status"])
    project = call.cloud.project_of(body.get("project_id"))
    snapshot = new_block_snapshot(call, volume, body["name"], project, body.get("tags"), bool(body.get("public")))
    return _snapshot_view(call, snapshot)


@SERVICE.get("/snapshots/{snapshot}")
def get_snapshot(call: Call) -> Object:
    return _snapshot_view(call, _find(call, SNAPSHOT, call["snapshot"]))


@SERVICE.patch("/snapshots/{snapshot}")
def update_snapshot(call: Call) -> Object:
    snapshot = _find(call, SNAPSHOT, call["snapshot"])
    for name in ("name", "tags", "public"):
        if call.body.get(name) is not None:
            snapshot[name] = call.body[name]
    snapshot["updated_at"] = now()
    call.cloud.store.put(SNAPSHOT, snapshot)
    return _snapshot_view(call, snapshot)


@SERVICE.delete("/snapshots/{snapshot}")
def delete_snapshot(call: Call) -> Reply:
    snapshot = _find(call, SNAPSHOT, call["snapshot"])
    if snapshot["references"]:
        raise errors.precondition("resource_still_in_use", "the snapshot is part of an image")
    if snapshot["status"] == "creating":
        raise errors.transient("snapshot", snapshot["id"], snapshot["status"])
    call.cloud.store.delete(SNAPSHOT, snapshot["id"])
    call.cloud.jobs.start(block_snapshot_delete, [snapshot["id"]], snapshot=snapshot)
    return NO_CONTENT


@SERVICE.get("/volume-types")
def list_volume_types(call: Call) -> Object:
    types = [
        {"type": f"sbs_{iops // 1000}k", "zone": call.zone, "specs": {"perf_iops": iops, "class": "sbs"}}
        for iops in IOPS
    ]
    return {"volume_types": types, "total_count": len(types)}

# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks of servers: evaluate the ``volumes`` templates of a new server, attach and detach."""

from __future__ import annotations

from typing import Any

from ensemble_lab import errors
from ensemble_lab.api.block import new_block_volume
from ensemble_lab.api.instance_views import machine_of, server_seen
from ensemble_lab.api.instance_volumes import new_volume
from ensemble_lab.catalog import images
from ensemble_lab.catalog.server_types import server_types
from ensemble_lab.cloud import Cloud
from ensemble_lab.jobs import job
from ensemble_lab.store import Object
from ensemble_lab.times import now
from ensemble_lab.web.service import Call

# Seconds until block storage says that a disk is free.
_LEAVING, _LEAVING_RUNNING = (0.0, 2.0, 5.0), (40.0, 45.0, 66.0)


def lay_out(call: Call, server: Object, templates: dict[str, Any], image: Object | None) -> list[Object]:
    """Fill ``server["volumes"]`` from the templates and the image.

    Returns what the driver has to make: ``{"volume": id, "snapshot": id or None, "image_label": str or None}``.
    """
    desired = {index: dict(template or {}) for index, template in templates.items()}
    if image:
        desired.setdefault("0", {})
        for index, extra in image["extra_volumes"].items():
            desired.setdefault(index, {"base_snapshot": extra["id"], "name": extra["name"]})
    if "0" not in desired:
        raise errors.required("image")
    makes = []
    for index in sorted(desired, key=int):
        template = desired[index]
        if template.get("id"):
            volume = _existing(call, template["id"])
        else:
            root = image if index == "0" and not template.get("base_snapshot") else None
            volume, make = _make(call, server, template, root)
            makes.append(make)
        server["volumes"][index] = volume["id"]
        _note_boot(server, volume["id"], template)
        attach(call.cloud, volume, server)
    check_local_size(call, server, server["commercial_type"])
    return makes


def _note_boot(server: Object, ident: str, asked: Object) -> None:
    """One disk at most is the one to boot from, whatever its place."""
    if asked.get("boot"):
        server["boot_volume"] = ident


def _existing(call: Call, ident: str) -> Object:
    volume = call.cloud.store.get("instance_volume", ident) or call.cloud.store.get("block_volume", ident)
    if volume is None or volume["zone"] != call.zone:
        raise errors.not_found("instance_volume", ident)
    if machine_of(call.cloud, volume):
        raise errors.constraint("volumes", f"volume {ident} is already attached to a server")
    return volume


def _make(call: Call, server: Object, template: Object, image: Object | None) -> tuple[Object, Object]:
    """A new disk (and what the driver must know to make it): from the image, from a snapshot, or empty."""
    asked_type, size, name = template.get("volume_type"), template.get("size"), template.get("name")
    make: Object = {"snapshot": None, "image_label": None}
    source: str | None = template.get("base_snapshot") or (image["root_volume"]["id"] if image else None)
    on_block, smallest = asked_type == "sbs_volume", 0
    if source:
        on_block, smallest = _origin(call, source, None if template.get("base_snapshot") else image, make)
        if asked_type and (asked_type == "sbs_volume") != on_block:
            raise errors.constraint("volumes", f"a {asked_type} cannot be made of this image or snapshot")
        size = size or (_local_room(call, server) if make["image_label"] and not on_block else smallest)
    if not size:
        raise errors.constraint("volumes", "a size is expected")
    if size < smallest:
        raise errors.constraint("volumes", f"size {size} is less than the {smallest} of its source")
    called = image["name"] if image else "volume"
    if on_block:
        volume = _block_volume(call, server, name or f"{called}_sbs_volume_0", size, source)
    else:
        volume = new_volume(call, name or called, asked_type or "l_ssd", size, owner_of(server))
    make["volume"] = volume["id"]
    return volume, make


def _origin(call: Call, source: str, image: Object | None, make: Object) -> tuple[bool, int]:
    """Where a disk's content comes from, noted in `make`; returns whether that is on block storage, and its size."""
    local = images.local_image(image["id"]) if image else None
    if local:
        make["image_label"] = local["label"]
        return local["type"] == "instance_sbs", images.root_size(local["label"])
    store = call.cloud.store
    snapshot = store.get("instance_snapshot", source) or store.get("block_snapshot", source)
    if snapshot is None or snapshot["zone"] != call.zone:
        raise errors.not_found("instance_snapshot", source)
    make["snapshot"] = source
    return "class" in snapshot, snapshot["size"]


def owner_of(server: Object) -> dict[str, str]:
    return {"organization": server["organization"], "project": server["project"]}


def _local_room(call: Call, server: Object) -> int:
    """A local root with no size takes all that the type has."""
    return server_types(call.zone)[server["commercial_type"]]["volumes_constraint"]["max_size"]


def _block_volume(call: Call, server: Object, name: str, size: int, snapshot: str | None) -> Object:
    volume = new_block_volume(call, name, size, server["project"], parent_snapshot=snapshot)
    volume["status"] = "in_use"
    return volume


def check_local_size(call: Call, server: Object, commercial_type: str) -> None:
    """All local disks together must fit what the type has."""
    local = [call.cloud.store.get("instance_volume", ident) for ident in server["volumes"].values()]
    total = sum(volume["size"] for volume in local if volume and volume["volume_type"] == "l_ssd")
    most = server_types(call.zone)[commercial_type]["volumes_constraint"]["max_size"]
    if total > most:
        raise errors.constraint(
            "volumes", f"{commercial_type} has {most} bytes of local storage, {total} are asked for"
        )


def attach(cloud: Cloud, volume: Object, server: Object, status: str = "attached") -> None:
    """Note on the volume that the server has it."""
    if "volume_type" in volume:
        volume["server"] = server["id"]
        cloud.store.put("instance_volume", volume)
        return
    moment = now()
    volume["references"] = [
        {
            "id": cloud.new_id(),
            "product_resource_type": "instance_server",
            "product_resource_id": server["id"],
            "created_at": moment,
            "type": "exclusive",
            "status": status,
        }
    ]
    volume["status"], volume["updated_at"] = "in_use", moment
    cloud.store.put("block_volume", volume)


def begin_to_let_go(cloud: Cloud, ident: str) -> None:
    """The server is gone for the API, its machine perhaps not yet: block volumes say so."""
    volume = cloud.store.get("instance_volume", ident)
    if volume:
        let_go(cloud, ident)
    block = cloud.store.get("block_volume", ident)
    if block:
        for reference in block["references"]:
            reference["status"] = "detaching"
        cloud.store.put("block_volume", block)


@job
async def volume_leave(cloud: Cloud, server_id: str, volume_id: str) -> None:
    """The server goes on without this disk; a block volume is free when the machine has let go of it."""
    server = server_seen(cloud, server_id)
    if server:
        await cloud.driver.server_update(server)
    running = server is not None and server["state"] == "running"
    cloud.jobs.start(volume_left, [volume_id], volume_id=volume_id, running=running)


@job
async def volume_left(cloud: Cloud, volume_id: str, running: bool) -> None:
    """A guest that runs takes its time to let go."""
    await cloud.pretend(*(_LEAVING_RUNNING if running else _LEAVING), floor=0.15)
    let_go(cloud, volume_id)


@job
async def volume_join(cloud: Cloud, volume_id: str) -> None:
    """Block storage says so a moment later than the server."""
    block = cloud.store.get("block_volume", volume_id)
    if block:
        for reference in block["references"]:
            if reference["status"] == "attaching":
                reference["status"] = "attached"
        cloud.store.put("block_volume", block)


def let_go(cloud: Cloud, ident: str) -> None:
    """Note on a volume that no server has it any more."""
    volume = cloud.store.get("instance_volume", ident)
    if volume:
        volume["server"] = None
        cloud.store.put("instance_volume", volume)
        return
    block = cloud.store.get("block_volume", ident)
    if block:
        moment = now()
        block["references"], block["status"] = [], "available"
        block["updated_at"] = block["last_detached_at"] = moment
        cloud.store.put("block_volume", block)


def mark_written(cloud: Cloud, server: Object) -> None:
    """From now on the server's local disks hold more than their image: snapshots will take their time."""
    for ident in server["volumes"].values():
        volume = cloud.store.get("instance_volume", ident)
        if volume and not volume["written"]:
            volume["written"] = True
            cloud.store.put("instance_volume", volume)


def replace_all(call: Call, server: Object, desired: dict[str, Any]) -> None:
    """PATCH of ``volumes``: the whole map is the new one. Block storage follows a moment later."""
    for index, template in desired.items():
        if not isinstance(template, dict) or not template.get("id"):
            raise errors.constraint("volumes", f"volume {index} has no id")
    kept = set(server["volumes"].values())
    new = {index: template["id"] for index, template in desired.items()}
    for ident in kept - set(new.values()):
        if call.cloud.store.get("instance_volume", ident):
            let_go(call.cloud, ident)
        else:
            call.cloud.jobs.start(volume_leave, [server["id"], ident], server_id=server["id"], volume_id=ident)
    for ident in set(new.values()) - kept:
        attach(call.cloud, _existing(call, ident), server, "attaching")
        call.cloud.jobs.start(volume_join, [ident], volume_id=ident)
    server["volumes"] = new
    for template in desired.values():
        _note_boot(server, template["id"], template)


def attach_one(call: Call, server: Object) -> None:
    """POST attach-volume."""
    call.need("volume_id")
    volume = _existing(call, call.body["volume_id"])
    free = next(str(index) for index in range(1, 100) if str(index) not in server["volumes"])
    server["volumes"][free] = volume["id"]
    _note_boot(server, volume["id"], call.body)
    check_local_size(call, server, server["commercial_type"])
    attach(call.cloud, volume, server)


def detach_one(call: Call, server: Object) -> None:
    """POST detach-volume."""
    call.need("volume_id")
    ident = call.body["volume_id"]
    index = next((index for index, held in server["volumes"].items() if held == ident), None)
    if index is None:
        raise errors.constraint("volume_id", f"Volume {ident} is not attached to this server")
    del server["volumes"][index]
    begin_to_let_go(call.cloud, ident)
    if call.cloud.store.get("block_volume", ident):
        call.cloud.jobs.start(volume_leave, [server["id"], ident], server_id=server["id"], volume_id=ident)

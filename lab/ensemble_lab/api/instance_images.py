# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance v1: images of one's own, made of snapshots; marketplace images can be read here too."""

from __future__ import annotations

from typing import Any

from ensemble_lab import errors
from ensemble_lab.api.instance import SERVICE, comma_tags, created, find, in_zone, owner, touch
from ensemble_lab.api.instance_snapshots import image_snapshots
from ensemble_lab.catalog import images
from ensemble_lab.cloud import Cloud
from ensemble_lab.store import Object
from ensemble_lab.times import now, now_instance
from ensemble_lab.web.lists import containing, equal, having_tags, instance_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply

KIND = "instance_image"
ARCHITECTURES = ("x86_64", "arm64", "arm", "unknown_arch")


def find_image(call: Call, ident: str) -> Object:
    """An image of the project or of the marketplace, by id."""
    public = images.instance_image(ident)
    if public and public["zone"] == call.zone:
        return public
    return find(call, KIND, ident)


def _part(call: Call, ident: str) -> Object:
    """A snapshot inside an image: local ones with name and size, block ones with hardly more than their id."""
    local = call.cloud.store.get("instance_snapshot", ident)
    if local and local["zone"] == call.zone:
        return {"id": ident, "name": local["name"], "volume_type": local["volume_type"], "size": local["size"]}
    block = call.cloud.store.get("block_snapshot", ident)
    if block and block["zone"] == call.zone:
        return {"volume_type": "sbs_snapshot", "id": ident, "size": 0, "name": ""}
    raise errors.not_found("instance_snapshot", ident)


def _extra(call: Call, asked: Any) -> Object:
    if not isinstance(asked, dict) or not all(isinstance(part, dict) and part.get("id") for part in asked.values()):
        raise errors.invalid(("extra_volumes", "format", 'a map of index to {"id": snapshot} is expected'))
    return {index: _part(call, part["id"]) for index, part in asked.items()}


def _refer(cloud: Cloud, image: Object) -> None:
    """Block snapshots know the images that use them."""
    for ident in image_snapshots(image):
        snapshot = cloud.store.get("block_snapshot", ident)
        if snapshot and not any(
            reference["product_resource_id"] == image["id"] for reference in snapshot["references"]
        ):
            moment = now()
            snapshot["references"].append(
                {
                    "id": cloud.new_id(),
                    "product_resource_type": "instance_image",
                    "product_resource_id": image["id"],
                    "created_at": moment,
                    "type": "link",
                    "status": "attached",
                }
            )
            if snapshot["status"] == "available":
                snapshot["status"] = "in_use"
            snapshot["updated_at"] = moment
            cloud.store.put("block_snapshot", snapshot)


def _unrefer(cloud: Cloud, image: Object, idents: list[str]) -> None:
    for ident in idents:
        snapshot = cloud.store.get("block_snapshot", ident)
        if snapshot:
            snapshot["references"] = [
                reference for reference in snapshot["references"] if reference["product_resource_id"] != image["id"]
            ]
            if snapshot["status"] == "in_use" and not snapshot["references"]:
                snapshot["status"] = "available"
            snapshot["updated_at"] = now()
            cloud.store.put("block_snapshot", snapshot)


def new_image(call: Call, name: str, root: str, extra: Object, owned_by: dict[str, str], **more: Any) -> Object:
    """An image of snapshots; `more`: arch, public, tags, from_server."""
    call.cloud.check_quota(KIND, KIND)
    moment = now_instance()
    image = {
        "id": call.cloud.new_id(),
        "name": name,
        **owned_by,
        "root_volume": _part(call, root),
        "extra_volumes": _extra(call, extra),
        "public": False,
        "arch": "x86_64",
        "creation_date": moment,
        "modification_date": moment,
        "default_bootscript": None,
        "from_server": "",
        "state": "available",
        "tags": [],
        "zone": call.zone,
        **more,
    }
    _refer(call.cloud, image)
    return call.cloud.store.put(KIND, image)


@SERVICE.get("/images")
def list_images(call: Call) -> Reply:
    """Own images; public ones as well unless ``public=false`` (so the real API does)."""
    found = in_zone(call, KIND)
    if call.asked("public") != "false" and not call.asked("project") and not call.asked("organization"):
        found = found + [
            image for local in images.local_images(call.zone) if (image := images.instance_image(local["id"]))
        ]
    found = having_tags(equal(call, containing(call, found), "arch", "public"), comma_tags(call))
    return instance_list(call, "images", found, lambda image: image)


@SERVICE.post("/images")
def create_image(call: Call) -> Reply:
    body = call.body
    call.need("name", "root_volume", "arch")
    if body["arch"] not in ARCHITECTURES:
        raise errors.constraint("arch", f"{body['arch']} is not one of {', '.join(ARCHITECTURES)}")
    image = new_image(
        call,
        body["name"],
        body["root_volume"],
        body.get("extra_volumes") or {},
        owner(call),
        arch=body["arch"],
        public=bool(body.get("public")),
        tags=body.get("tags") or [],
    )
    return created(call, "image", image["id"], image)


@SERVICE.get("/images/{image}")
def get_image(call: Call) -> Object:
    return {"image": find_image(call, call["image"])}


@SERVICE.patch("/images/{image}")
@SERVICE.put("/images/{image}")
def update_image(call: Call) -> Object:
    image, body = find(call, KIND, call["image"]), call.body
    for name in ("name", "tags", "public", "arch"):
        if body.get(name) is not None:
            image[name] = body[name]
    if body.get("extra_volumes") is not None:
        before = image_snapshots(image)
        image["extra_volumes"] = _extra(call, body["extra_volumes"])
        _unrefer(call.cloud, image, [ident for ident in before if ident not in image_snapshots(image)])
        _refer(call.cloud, image)
    touch(image)
    call.cloud.store.put(KIND, image)
    return {"image": image}


@SERVICE.delete("/images/{image}")
def delete_image(call: Call) -> Reply:
    image = find(call, KIND, call["image"])
    _unrefer(call.cloud, image, image_snapshots(image))
    call.cloud.store.delete(KIND, image["id"])
    return NO_CONTENT

# SPDX-License-Identifier: GPL-3.0-or-later
"""Registry v1: namespaces, and the images that were pushed into them."""

from __future__ import annotations

import re

from ensemble_lab import errors
from ensemble_lab.cloud import Cloud
from ensemble_lab.jobs import job
from ensemble_lab.store import Object
from ensemble_lab.times import now, written
from ensemble_lab.web.lists import containing, equal, plain_list
from ensemble_lab.web.service import Call, Service

SERVICE = Service("/registry/v1/regions/{region}")
NAMESPACE, IMAGE, TAG = "registry_namespace", "registry_image", "registry_tag"
_NAME = re.compile(r"^[a-z0-9]([a-z0-9-]{2,61})[a-z0-9]$")
_SHOWN = {
    NAMESPACE: (
        "id",
        "name",
        "description",
        "organization_id",
        "project_id",
        "status",
        "status_message",
        "endpoint",
        "is_public",
        "size",
        "created_at",
        "updated_at",
        "image_count",
        "region",
    ),
    IMAGE: (
        "id",
        "name",
        "namespace_id",
        "status",
        "status_message",
        "visibility",
        "size",
        "created_at",
        "updated_at",
        "tags",
    ),
    TAG: ("id", "name", "image_id", "status", "digest", "created_at", "updated_at"),
}


def _view(call: Call, kind: str, obj: Object) -> Object:
    if kind == IMAGE:
        obj = {**obj, "tags": [tag["name"] for tag in call.cloud.store.iterate(TAG) if tag["image_id"] == obj["id"]]}
    return {key: obj[key] for key in _SHOWN[kind]}


def _find(call: Call, kind: str, ident: str) -> Object:
    obj = call.cloud.store.get(kind, ident)
    if obj is None or obj["region"] != call.region:
        raise errors.message_only(404, f"{kind.removeprefix('registry_').capitalize()} was not found")
    return obj


@SERVICE.get("/namespaces")
def list_namespaces(call: Call) -> Object:
    spaces = [space for space in call.cloud.store.iterate(NAMESPACE) if space["region"] == call.region]
    spaces = equal(call, spaces, "name", "project_id", "organization_id")
    return plain_list(call, "namespaces", spaces, lambda space: _view(call, NAMESPACE, space))


@SERVICE.post("/namespaces")
def create_namespace(call: Call) -> Object:
    call.need("name")
    body, cloud, name = call.body, call.cloud, call.body["name"]
    if not isinstance(name, str) or not _NAME.match(name):
        raise errors.constraint("name", "4 to 63 lower case letters, digits and dashes are expected")
    if any(space["name"] == name and space["region"] == call.region for space in cloud.store.iterate(NAMESPACE)):
        raise errors.constraint("name", f"the name {name} is taken")
    cloud.check_quota(NAMESPACE, NAMESPACE)
    registry = cloud.driver.info().get("registry") or f"rg.{call.region}.scw.cloud"
    moment = now()
    space = {
        "id": cloud.new_id(),
        "name": name,
        "description": body.get("description") or "",
        "organization_id": cloud.settings.organization,
        "project_id": cloud.project_of(body.get("project_id")),
        "status": "ready",
        "status_message": "",
        "endpoint": f"{registry}/{name}",
        "is_public": bool(body.get("is_public")),
        "size": 0,
        "created_at": moment,
        "updated_at": moment,
        "image_count": 0,
        "region": call.region,
    }
    return written(_view(call, NAMESPACE, cloud.store.put(NAMESPACE, space)))


@SERVICE.get("/namespaces/{namespace}")
def get_namespace(call: Call) -> Object:
    return _view(call, NAMESPACE, _find(call, NAMESPACE, call["namespace"]))


@SERVICE.patch("/namespaces/{namespace}")
def update_namespace(call: Call) -> Object:
    space = _find(call, NAMESPACE, call["namespace"])
    for name in ("description", "is_public"):
        if call.body.get(name) is not None:
            space[name] = call.body[name]
    space["updated_at"] = now()
    return written(_view(call, NAMESPACE, call.cloud.store.put(NAMESPACE, space)))


@SERVICE.delete("/namespaces/{namespace}")
def delete_namespace(call: Call) -> Object:
    space = _find(call, NAMESPACE, call["namespace"])
    space["status"], space["updated_at"] = "deleting", now()
    call.cloud.store.put(NAMESPACE, space)
    call.cloud.jobs.start(namespace_remove, [space["id"]], namespace_id=space["id"])
    return written(_view(call, NAMESPACE, space))


@job
async def namespace_remove(cloud: Cloud, namespace_id: str) -> None:
    space = cloud.store.get(NAMESPACE, namespace_id)
    if space is None:
        return
    await cloud.driver.namespace_delete(space)
    for image in cloud.store.list(IMAGE):
        if image["namespace_id"] == namespace_id:
            _drop_image(cloud, image)
    cloud.store.delete(NAMESPACE, namespace_id)


def _drop_image(cloud: Cloud, image: Object) -> None:
    for tag in cloud.store.list(TAG):
        if tag["image_id"] == image["id"]:
            cloud.store.delete(TAG, tag["id"])
    cloud.store.delete(IMAGE, image["id"])


def image_pushed(cloud: Cloud, namespace: str, name: str, tag: str, digest: str, size: int) -> None:
    """The registry has a new image, or a tag of a known one moved."""
    space = next((space for space in cloud.store.iterate(NAMESPACE) if space["name"] == namespace), None)
    if space is None:
        return
    moment = now()
    image = next(
        (
            image
            for image in cloud.store.iterate(IMAGE)
            if (image["namespace_id"], image["name"]) == (space["id"], name)
        ),
        None,
    )
    if image is None:
        image = {
            "id": cloud.new_id(),
            "name": name,
            "namespace_id": space["id"],
            "status": "ready",
            "status_message": "",
            "visibility": "inherit",
            "size": 0,
            "created_at": moment,
            "region": space["region"],
        }
    image |= {"size": size, "updated_at": moment}
    cloud.store.put(IMAGE, image)
    entry = next(
        (entry for entry in cloud.store.iterate(TAG) if (entry["image_id"], entry["name"]) == (image["id"], tag)), None
    )
    if entry is None:
        entry = {
            "id": cloud.new_id(),
            "name": tag,
            "image_id": image["id"],
            "status": "ready",
            "created_at": moment,
            "region": space["region"],
        }
    cloud.store.put(TAG, entry | {"digest": digest, "updated_at": moment})
    _count(cloud, space)


def _count(cloud: Cloud, space: Object) -> None:
    images = [image for image in cloud.store.iterate(IMAGE) if image["namespace_id"] == space["id"]]
    space["image_count"], space["size"], space["updated_at"] = (
        len(images),
        sum(image["size"] for image in images),
        now(),
    )
    cloud.store.put(NAMESPACE, space)


@SERVICE.get("/images")
def list_images(call: Call) -> Object:
    images = [image for image in call.cloud.store.iterate(IMAGE) if image["region"] == call.region]
    images = equal(call, containing(call, images), "namespace_id")
    return plain_list(call, "images", images, lambda image: _view(call, IMAGE, image))


@SERVICE.get("/images/{image}")
def get_image(call: Call) -> Object:
    return _view(call, IMAGE, _find(call, IMAGE, call["image"]))


@SERVICE.patch("/images/{image}")
def update_image(call: Call) -> Object:
    image = _find(call, IMAGE, call["image"])
    image["visibility"], image["updated_at"] = call.body.get("visibility") or image["visibility"], now()
    return written(_view(call, IMAGE, call.cloud.store.put(IMAGE, image)))


@SERVICE.delete("/images/{image}")
def delete_image(call: Call) -> Object:
    image = _find(call, IMAGE, call["image"])
    shown = written(_view(call, IMAGE, {**image, "status": "deleting", "updated_at": now()}))
    _drop_image(call.cloud, image)
    space = call.cloud.store.get(NAMESPACE, image["namespace_id"])
    if space:
        _count(call.cloud, space)
    return shown


@SERVICE.get("/images/{image}/tags")
def list_tags(call: Call) -> Object:
    image = _find(call, IMAGE, call["image"])
    tags = equal(call, [tag for tag in call.cloud.store.iterate(TAG) if tag["image_id"] == image["id"]], "name")
    return plain_list(call, "tags", tags, lambda tag: _view(call, TAG, tag))


@SERVICE.get("/tags/{tag}")
def get_tag(call: Call) -> Object:
    return _view(call, TAG, _find(call, TAG, call["tag"]))


@SERVICE.delete("/tags/{tag}")
def delete_tag(call: Call) -> Object:
    tag = _find(call, TAG, call["tag"])
    call.cloud.store.delete(TAG, tag["id"])
    return written(_view(call, TAG, {**tag, "status": "deleting", "updated_at": now()}))

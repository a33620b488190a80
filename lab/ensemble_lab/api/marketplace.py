# SPDX-License-Identifier: GPL-3.0-or-later
"""Marketplace v2: images by label, and the ids they have in a zone. Open to everybody, as the real one is."""

from __future__ import annotations

from ensemble_lab import errors
from ensemble_lab.catalog import images
from ensemble_lab.settings import ZONES
from ensemble_lab.store import Object
from ensemble_lab.web.lists import plain_list
from ensemble_lab.web.service import Call, Service

SERVICE = Service("/marketplace/v2", public=True)


@SERVICE.get("/images")
def list_images(call: Call) -> Object:
    category, arch = call.asked("category"), call.asked("arch")
    found = [image for image in images.marketplace_images() if category is None or category in image["categories"]]
    if arch:
        found = [
            image
            for image in found
            if any(
                local["label"] == image["label"] and local["arch"] == arch for local in images.local_images(ZONES[0])
            )
        ]
    return plain_list(call, "images", found, order="name_asc")


@SERVICE.get("/images/{image}")
def get_image(call: Call) -> Object:
    found = next((image for image in images.marketplace_images() if image["id"] == call["image"]), None)
    if found is None:
        raise errors.not_found("MarketplaceImage", call["image"])
    return found


@SERVICE.get("/local-images")
def list_local_images(call: Call) -> Object:
    """One of image_label and image_id is expected; zone and type narrow it."""
    label, ident = call.asked("image_label"), call.asked("image_id")
    if ident:
        label = next((image["label"] for image in images.marketplace_images() if image["id"] == ident), None)
    if label is None or not images.known_label(label):
        raise errors.not_found("MarketplaceImage", ident or label or "")
    zone = call.asked("zone")
    if zone is not None and zone not in ZONES:
        raise errors.constraint("zone", f"unknown zone {zone}")
    kind, arch = call.asked("type", "unknown_type"), call.asked("arch")
    found = [
        image
        for place in ([zone] if zone else ZONES)
        for image in images.local_images(place)
        if image["label"] == label and kind in ("unknown_type", image["type"]) and arch in (None, image["arch"])
    ]
    return plain_list(call, "local_images", found, order="type_asc")


@SERVICE.get("/local-images/{image}")
def get_local_image(call: Call) -> Object:
    found = images.local_image(call["image"])
    if found is None:
        raise errors.not_found("local_image", call["image"])
    return found


def _version(image: Object) -> Object:
    """The only version that the lab knows of an image."""
    moments = dict.fromkeys(("created_at", "updated_at", "published_at"), image["updated_at"])
    return {"id": images.version_id(image["label"]), "name": image["updated_at"][:19] + "Z", **moments}


@SERVICE.get("/versions")
def list_versions(call: Call) -> Object:
    found = [image for image in images.marketplace_images() if call.asked("image_id") in (None, image["id"])]
    return plain_list(call, "versions", found, _version)


@SERVICE.get("/versions/{version}")
def get_version(call: Call) -> Object:
    for image in images.marketplace_images():
        if images.version_id(image["label"]) == call["version"]:
            return _version(image)
    raise errors.not_found("version", call["version"])


def _categories() -> list[Object]:
    names = sorted({category for image in images.marketplace_images() for category in image["categories"]})
    return [{"id": images.category_id(name), "name": name, "description": ""} for name in names]


@SERVICE.get("/categories")
def list_categories(call: Call) -> Object:
    return plain_list(call, "categories", _categories())


@SERVICE.get("/categories/{category}")
def get_category(call: Call) -> Object:
    for category in _categories():
        if category["id"] == call["category"]:
            return category
    raise errors.not_found("category", call["category"])

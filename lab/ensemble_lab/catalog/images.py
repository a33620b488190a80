# SPDX-License-Identifier: GPL-3.0-or-later
"""The marketplace: which images there are, and the ids they have in each zone.

A label has up to three local images in a zone: ``instance_sbs`` for x86_64 and arm64, and ``instance_local`` (x86_64).
Ids are made from zone, label, type and architecture, so they are stable for a lab and differ from zone to zone.
"""

from __future__ import annotations

import uuid
from functools import cache
from typing import Any

from ensemble_lab.catalog.server_types import type_names, windows_type_names
from ensemble_lab.settings import ZONES

_NAMESPACE = uuid.UUID("5ca1eeca-1ab0-4000-8000-00000000cafe")
PUBLISHED = "2026-05-12T15:06:26.845576+00:00"
_ROOT_SIZE, _WINDOWS_ROOT_SIZE = 10 * 10**9, 25 * 10**9

# label, name, category, kinds: s = block storage x86_64, a = block storage arm64, l = local x86_64, w = Windows only
_TABLE = """
almalinux_8             | AlmaLinux 8                  | distribution     | sal
almalinux_9             | AlmaLinux 9                  | distribution     | sal
centos_stream_9         | Centos Stream 9              | distribution     | sal
debian_bullseye         | Debian 11 (Bullseye)         | distribution     | sal
debian_bookworm         | Debian 12 (Bookworm)         | distribution     | sal
debian_trixie           | Debian 13 (Trixie)           | distribution     | sal
docker                  | Docker                       | instantapp       | sl
fedora_40               | Fedora 40                    | distribution     | sal
fedora_41               | Fedora 41                    | distribution     | sal
fedora_42               | Fedora 42                    | distribution     | sal
fedora_43               | Fedora 43                    | distribution     | sal
gitlab                  | GitLab                       | instantapp       | sl
kapsule                 | Kapsule                      | kapsule          | s
kapsule_jammy           | Kapsule Jammy                | kapsule          | s
kapsule_noble           | Kapsule Noble                | kapsule          | s
nextcloud               | NextCloud                    | instantapp       | sl
openvpn                 | OpenVPN                      | instantapp       | s
rockylinux_8            | Rocky Linux 8                | distribution     | sal
rockylinux_9            | Rocky Linux 9                | distribution     | sal
ubuntu_focal            | Ubuntu 20.04 Focal Fossa     | distribution     | sal
ubuntu_jammy            | Ubuntu 22.04 Jammy Jellyfish | distribution     | sal
ubuntu_noble            | Ubuntu 24.04 Noble Numbat    | distribution     | sal
ubuntu_jammy_gpu_os_12  | Ubuntu Jammy GPU OS 12       | Machine Learning | s
ubuntu_noble_gpu_os_12  | Ubuntu Noble GPU OS 12       | Machine Learning | s
windows_server_2022     | Windows Server 2022          | distribution     | w
windows_server_2022_core | Windows Server 2022 Core    | distribution     | w
wordpress               | WordPress                    | instantapp       | sl
"""
# Out of the list, but still to be had by label.
_OLD = """
ubuntu_bionic           | Ubuntu 18.04 Bionic Beaver   | distribution     | sl
"""


def _id(*parts: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, "/".join(parts)))


def version_id(label: str) -> str:
    return _id(label, "version")


def category_id(name: str) -> str:
    return _id("category", name)


OWNER = _id("organization")
"""The organisation whose images these are."""


def _rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in table.splitlines() if line]


@cache
def marketplace_images() -> list[dict[str, Any]]:
    """The list of images, as marketplace v2 shows it."""
    return [
        {
            "id": _id(label),
            "name": name,
            "label": label,
            "description": f"{name}, as a machine of the lab",
            "logo": f"https://scw-marketplace-logos.s3.fr-par.scw.cloud/{label.split('_')[0]}.png",
            "categories": [category],
            "valid_until": None,
            "created_at": "2021-07-21T09:09:36.581723Z",
            "updated_at": "2025-09-16T09:00:55.306346Z",
        }
        for label, name, category, _ in _rows(_TABLE)
    ]


def _local(label: str, kind: str, zone: str) -> dict[str, Any]:
    arch = "arm64" if kind == "a" else "x86_64"
    image_type = "instance_local" if kind == "l" else "instance_sbs"
    types = windows_type_names() if kind == "w" else type_names(arch, local=kind == "l")
    return {
        "id": _id(zone, label, image_type, arch),
        "arch": arch,
        "zone": zone,
        "compatible_commercial_types": types,
        "label": label,
        "type": image_type,
    }


@cache
def local_images(zone: str) -> list[dict[str, Any]]:
    """All local images of a zone, as marketplace v2 shows them; arm64 before x86_64, as the real list often has it."""
    return [_local(label, kind, zone) for label, _, _, kinds in _rows(_TABLE + _OLD) for kind in sorted(kinds)]


@cache
def _by_id() -> dict[str, dict[str, Any]]:
    return {image["id"]: image for zone in ZONES for image in local_images(zone)}


def local_image(ident: str) -> dict[str, Any] | None:
    return _by_id().get(ident)


def root_size(label: str) -> int:
    """Bytes of the root volume that an image wants."""
    return _WINDOWS_ROOT_SIZE if label.startswith("windows") else _ROOT_SIZE


def known_label(label: str) -> bool:
    return any(row[0] == label for row in _rows(_TABLE + _OLD))


@cache
def _names() -> dict[str, str]:
    """By label: what an image is called in instance v1; ready-made applications go by their label there."""
    return {row[0]: row[0] if row[2] == "instantapp" else row[1] for row in _rows(_TABLE + _OLD)}


@cache
def instance_image(ident: str) -> dict[str, Any] | None:
    """A marketplace image as instance v1 shows it (``{"id", "name", "root_volume", ...}``), by its id in a zone."""
    local = local_image(ident)
    if local is None:
        return None
    name, snapshot = _names()[local["label"]], _id(ident, "root")
    if local["type"] == "instance_local":
        root = {"id": snapshot, "name": name, "volume_type": "l_ssd", "size": root_size(local["label"])}
    else:
        root = {"volume_type": "sbs_snapshot", "id": snapshot, "size": 0, "name": ""}
    return {
        "id": ident,
        "name": name,
        "organization": OWNER,
        "project": OWNER,
        "root_volume": root,
        "extra_volumes": {},
        "public": True,
        "arch": local["arch"],
        "creation_date": PUBLISHED,
        "modification_date": PUBLISHED,
        "default_bootscript": None,
        "from_server": "",
        "state": "available",
        "tags": [],
        "zone": local["zone"],
    }


@cache
def public_snapshots() -> frozenset[str]:
    """Ids of the root snapshots of marketplace images: they exist, but belong to somebody else."""
    return frozenset(_id(ident, "root") for ident in _by_id())


def by_label(label: str, zone: str, arch: str, local: bool) -> dict[str, Any] | None:
    """The local image that a server of an architecture gets for a label."""
    desired = "instance_local" if local else "instance_sbs"
    return next(
        (
            image
            for image in local_images(zone)
            if (image["label"], image["type"], image["arch"]) == (label, desired, arch)
        ),
        None,
    )

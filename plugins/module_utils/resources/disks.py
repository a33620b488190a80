# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks that are removed with their server: the API would leave most of them behind, billed.

Tags tell whose they are: the system's disk has them from the moment when its server is to be removed, further disks
from their beginning. So the next run completes an interrupted one, and volumes in their own right are left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..client import Client
from ..errors import ApiError
from ..ownership import carries
from ..wait import Waiter

MARK = "ensemble:disk-of-server"

Disk = tuple[str, str]  # (kind of API, id)


def _collections(client: Client) -> dict[str, str]:
    zone = client.settings.zone
    return {"block": f"/block/v1/zones/{zone}/volumes", "instance": f"/instance/v1/zones/{zone}/volumes"}


def of_server(client: Client, server: dict[str, Any]) -> list[Disk]:
    """The disks that go with a server: the system's, and those that are marked as its own."""
    volumes = server.get("volumes") or {}
    return [_disk(each) for slot, each in volumes.items() if slot == "0" or MARK in _tags(client, each)]


def _disk(volume: dict[str, Any]) -> Disk:
    return ("block" if volume["volume_type"] == "sbs_volume" else "instance"), volume["id"]


def _tags(client: Client, volume: dict[str, Any]) -> list[str]:
    """The tags of a volume in a server, which shows them for local ones only."""
    if "tags" in volume:
        return volume["tags"]
    kind, ident = _disk(volume)
    return (client.find(f"{_collections(client)[kind]}/{ident}") or {}).get("tags") or []


def marks(server_name: str, owner_tag: str = "") -> list[str]:
    """The tags of a disk that goes with this server."""
    return [MARK, f"server:{server_name}", *([owner_tag] if owner_tag else [])]


def mark(client: Client, disks: list[Disk], server_name: str, owner_tag: str = "") -> None:
    """Tag disks as belonging to their server, so that they are removed with it."""
    paths = _collections(client)
    for kind, ident in disks:
        client.patch(f"{paths[kind]}/{ident}", {"tags": marks(server_name, owner_tag)})


def disown(client: Client, volumes: list[dict[str, Any]]) -> None:
    """Remove the mark from volumes, so that they are not removed with their server."""
    paths = _collections(client)
    for volume in volumes:
        if MARK in _tags(client, volume):
            kind, ident = _disk(volume)
            client.patch(f"{paths[kind]}/{ident}", {"tags": []})


def marked(client: Client, belongs: Callable[[str], bool], owner_tag: str = "") -> list[Disk]:
    """Disks that an interrupted removal left behind, of the owner's servers whose name `belongs`."""
    found = []
    for kind, path in _collections(client).items():
        project = {"project" if kind == "instance" else "project_id": client.project}
        for disk in client.list(path, "volumes", tags=MARK, **project):
            tags = disk.get("tags") or []
            references = disk.get("references") or []
            attached = disk.get("server") or any(each.get("status") != "detaching" for each in references)
            ours = MARK in tags and carries(owner_tag, tags) and not attached
            if ours and any(tag.startswith("server:") and belongs(tag[7:]) for tag in tags):
                found.append((kind, disk["id"]))
    return found


def delete(client: Client, disks: list[Disk], waiter: Waiter) -> None:
    """Delete disks as soon as their server has let go of them."""
    for kind, ident in disks:
        path = f"{_collections(client)[kind]}/{ident}"
        waiter.until(
            f"volume {ident} to be deleted",
            partial(client.find, path),
            partial(_deleted, client, path),
            lambda actual: str((actual or {}).get("status") or "in use"),
        )


def _deleted(client: Client, path: str, actual: dict[str, Any] | None) -> bool:
    """Whether the disk is gone, or the API took the deletion; one still `detaching` is refused for some seconds."""
    if actual is None:
        return True
    try:
        client.delete(path)
    except ApiError as error:
        if error.status in (400, 409, 412):
            return False
        raise
    return True

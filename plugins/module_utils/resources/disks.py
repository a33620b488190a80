# SPDX-License-Identifier: GPL-3.0-or-later
"""The disks of a server when it goes: the API leaves most of them behind, billed.

They are marked by tags before the server is removed, so that the next run completes an interrupted one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..client import Client
from ..errors import ApiError
from ..wait import Waiter

MARK = "ensemble:removing"

Disk = tuple[str, str]  # (kind of API, id)


def _collections(client: Client) -> dict[str, str]:
    zone = client.settings.zone
    return {"block": f"/block/v1/zones/{zone}/volumes", "instance": f"/instance/v1/zones/{zone}/volumes"}


def of_server(server: dict[str, Any]) -> list[Disk]:
    """The volumes in a server, by the API they live in."""
    volumes = (server.get("volumes") or {}).values()
    return [("block" if each.get("volume_type") == "sbs_volume" else "instance", each["id"]) for each in volumes]


def mark(client: Client, disks: list[Disk], server_name: str) -> None:
    """Note on the disks themselves that they go with their server."""
    paths = _collections(client)
    for kind, ident in disks:
        client.patch(f"{paths[kind]}/{ident}", {"tags": [MARK, f"server:{server_name}"]})


def marked(client: Client, belongs: Callable[[str], bool]) -> list[Disk]:
    """Disks that an interrupted removal left behind, of servers whose name `belongs`."""
    settings, found = client.settings, []
    for kind, path in _collections(client).items():
        project = {"project" if kind == "instance" else "project_id": settings.project_id or None}
        for disk in client.list(path, "volumes", tags=MARK, **project):
            tags = disk.get("tags") or []
            references = disk.get("references") or []
            attached = disk.get("server") or any(each.get("status") != "detaching" for each in references)
            if MARK in tags and not attached and any(tag.startswith("server:") and belongs(tag[7:]) for tag in tags):
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
            lambda seen: str((seen or {}).get("status") or "in use"),
        )


def _deleted(client: Client, path: str, seen: dict[str, Any] | None) -> bool:
    """Whether the disk is gone, or the API took the deletion; one still `detaching` is refused for some seconds."""
    if seen is None:
        return True
    try:
        client.delete(path)
    except ApiError as error:
        if error.status in (400, 409, 412):
            return False
        raise
    return True

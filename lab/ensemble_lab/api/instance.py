# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance v1: the service that the instance_* files fill, and what they share."""

from __future__ import annotations

from typing import Any

from ensemble_lab import errors
from ensemble_lab.cloud import Cloud
from ensemble_lab.store import Object
from ensemble_lab.times import now_instance
from ensemble_lab.web.service import Call, Reply, Service

SERVICE = Service("/instance/v1/zones/{zone}", wide_json=True)


def find(call: Call, kind: str, ident: str) -> Object:
    """An object of this zone, or 404 in the API's shape."""
    obj = call.cloud.store.get(kind, ident)
    if obj is None or obj["zone"] != call.zone:
        raise errors.not_found(kind, ident)
    return obj


def in_zone(call: Call, kind: str) -> list[Object]:
    """All of a kind in this zone, of the project asked for."""
    project, organization = call.asked("project"), call.asked("organization")
    return [
        obj
        for obj in call.cloud.store.iterate(kind)
        if obj["zone"] == call.zone
        and project in (None, obj["project"])
        and organization in (None, call.cloud.settings.organization)
    ]


def comma_tags(call: Call) -> list[str]:
    """Instance v1 takes all tags in one comma-joined parameter."""
    return (call.asked("tags") or "").split(",") if call.asked("tags") else []


def owner(call: Call) -> dict[str, str]:
    """``organization`` and ``project`` of a new object."""
    return {
        "organization": call.cloud.settings.organization,
        "project": call.cloud.project_of(call.body.get("project")),
    }


def created(call: Call, key: str, ident: str, shown: Any, **more: Any) -> Reply:
    """201 with Location."""
    root = call.url.partition("?")[0].rstrip("/")
    return Reply(201, {key: shown, **more}, {"Location": f"{root}/{ident}"})


def task(call: Call, href_from: str, href_result: str) -> Object:
    """The task that no client can poll: always the same since 2026."""
    return {
        "id": "00000000-0000-0000-0000-000000000000",
        "description": "fake task",
        "status": "pending",
        "href_from": href_from,
        "href_result": href_result,
        "started_at": now_instance(),
        "terminated_at": None,
        "progress": 0,
        "zone": call.zone,
    }


def touch(obj: Object) -> None:
    obj["modification_date"] = now_instance()


def name_of(cloud: Cloud, server_id: str | None) -> Object | None:
    """``{"id", "name"}`` of a server."""
    server = cloud.store.get("instance_server", server_id)
    return {"id": server["id"], "name": server["name"]} if server else None

# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed databases v1: instances."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from ensemble_lab import errors
from ensemble_lab.api import ipam
from ensemble_lab.api.rdb import (
    INSTANCE,
    PARTS,
    REPLICA,
    SERVICE,
    change,
    find_instance,
    full_view,
    instance_view,
    parts_of,
)
from ensemble_lab.api.rdb_endpoints import new_endpoint
from ensemble_lab.api.rdb_users import check_login, new_user
from ensemble_lab.catalog.database_engines import VOLUME_CLASSES, node_types, version_of, wrong_setting
from ensemble_lab.cloud import Cloud
from ensemble_lab.jobs import job
from ensemble_lab.store import Object
from ensemble_lab.times import now
from ensemble_lab.web.lists import containing, equal, having_tags, plain_list
from ensemble_lab.web.service import Call

_EVERYBODY = {"ip": "0.0.0.0/0", "description": "Allow all"}


@SERVICE.get("/instances")
def list_instances(call: Call) -> Object:
    instances = [one for one in call.cloud.store.iterate(INSTANCE) if one["region"] == call.region]
    instances = equal(call, containing(call, instances), "project_id", "organization_id")
    if call.asked("has_maintenances") == "true":
        instances = []
    instances = having_tags(instances, call.asked_all("tags"))
    return plain_list(call, "instances", instances, lambda one: full_view(call.cloud, one))


def known_node_type(name: object) -> str:
    kind = str(name).lower()
    if kind not in node_types():
        raise errors.constraint("node_type", f"{name} is not one of {', '.join(node_types())}")
    return kind


def volume_of(node_type: str, kind: str, size: int) -> Object:
    """Local disks come with the node; block volumes have a size of their own."""
    _cpus, _memory, local, most = node_types()[node_type]
    if kind not in VOLUME_CLASSES:
        raise errors.constraint("volume_type", f"{kind} is not one of {', '.join(VOLUME_CLASSES)}")
    if kind == "lssd":
        if not local:
            raise errors.constraint("volume_type", f"{node_type} has no local disk")
        size = local
    elif not 0 < size <= most:
        raise errors.constraint("volume_size", f"a size from 1 to {most} bytes is expected")
    return {"type": kind, "class": VOLUME_CLASSES[kind], "size": size}


def _known_engine(cloud: Cloud, name: object) -> str:
    version, real = version_of(str(name)), cloud.driver.info().get("database_engines")
    if real is not None and name not in real:
        raise errors.constraint("engine", f"this lab makes only {', '.join(real)} real")
    if version is None or version["disabled"]:
        raise errors.constraint("engine", f"no new instance can have {name}")
    return str(name)


def next_run(disabled: bool, hours: int) -> str | None:
    return None if disabled else (datetime.now(UTC) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def new_instance(call: Call, **fields: Any) -> Object:
    """A kept instance on its way, with everything that `fields` does not say as new ones have it."""
    cloud = call.cloud
    cloud.check_quota(INSTANCE, INSTANCE)
    instance = {
        "id": cloud.new_id(),
        "status": "provisioning",
        "organization_id": cloud.settings.organization,
        "region": call.region,
        "created_at": now(),
        "tags": [],
        "is_ha_cluster": False,
        "settings": [],
        "init_settings": [],
        "endpoints": [],
        "maintenances": [],
        "backup_same_region": False,
        "backup_schedule": {"frequency": 24, "retention": 7, "disabled": True, "next_run_at": None},
        "logs_policy": {"max_age_retention": 30, "total_disk_retention": None},
        "encryption": {"enabled": False},
        "acls": [dict(_EVERYBODY)],
        "certificate": None,
        "key": None,
        "source": None,
        "takes_endpoints_of": None,
        **fields,
    }
    return cloud.store.put(INSTANCE, instance)


@SERVICE.post("/instances")
def create_instance(call: Call) -> Object:
    body, cloud = call.body, call.cloud
    call.need("engine", "node_type")
    engine, node_type = _known_engine(cloud, body["engine"]), known_node_type(body["node_type"])
    volume = volume_of(node_type, body.get("volume_type") or "lssd", int(body.get("volume_size") or 0))
    user, password = body.get("user_name") or "", body.get("password") or ""
    if user:
        check_login(user, password)
    init = _checked_settings(engine, body.get("init_settings"))
    disabled = bool(body.get("disable_backup"))
    instance = new_instance(
        call,
        project_id=cloud.project_of(body.get("project_id") or body.get("organization_id")),
        name=body.get("name") or f"rdb-{cloud.new_id()[:8]}",
        engine=engine,
        node_type=node_type,
        volume=volume,
        tags=body.get("tags") or [],
        is_ha_cluster=bool(body.get("is_ha_cluster")),
        init_settings=init,
        backup_same_region=bool(body.get("backup_same_region")),
        backup_schedule={"frequency": 24, "retention": 7, "disabled": disabled, "next_run_at": next_run(disabled, 24)},
        encryption={"enabled": bool((body.get("encryption") or {}).get("enabled"))},
    )
    try:
        for spec in body.get("init_endpoints") or [{"load_balancer": {}}]:
            instance["endpoints"].append(new_endpoint(call, instance, spec))
    except errors.ApiError:
        cloud.store.delete(INSTANCE, instance["id"])
        ipam.release(cloud, instance["id"])
        raise
    if user:
        new_user(cloud, instance, user, password, is_admin=True)
    return full_view(cloud, change(call, instance, "provisioning"))


def _checked_settings(engine: str, asked: list[Object] | None) -> list[Object]:
    found = [{"name": str(one.get("name")), "value": str(one.get("value"))} for one in asked or []]
    known = {one["name"] for one in (version_of(engine) or {})["available_init_settings"]}
    for one in found:
        if one["name"] not in known:
            raise errors.constraint("init_settings", f"{engine} has no init setting {one['name']}")
    return found


def checked_settings(engine: str, asked: list[Object] | None) -> list[Object]:
    found = [{"name": str(one.get("name")), "value": str(one.get("value"))} for one in asked or []]
    for one in found:
        problem = wrong_setting(engine, one["name"], one["value"])
        if problem:
            raise errors.constraint("settings", problem)
    return found


@SERVICE.get("/instances/{instance}")
def get_instance(call: Call) -> Object:
    return full_view(call.cloud, find_instance(call))


@SERVICE.patch("/instances/{instance}")
def update_instance(call: Call) -> Object:
    """A new policy for logs is work for the machine; all else is only written down."""
    instance, body = find_instance(call), call.body
    for name in ("name", "tags", "backup_same_region"):
        if body.get(name) is not None:
            instance[name] = body[name]
    _change_schedule(instance["backup_schedule"], body)
    policy = body.get("logs_policy")
    if policy is None:
        call.cloud.store.put(INSTANCE, instance)
        return instance_view(call.cloud, instance)
    if instance["status"] != "ready":
        raise errors.transient("instance", instance["id"], instance["status"])
    instance["logs_policy"] = {name: policy.get(name) for name in ("max_age_retention", "total_disk_retention")}
    return instance_view(call.cloud, change(call, instance, "configuring"))


def _change_schedule(schedule: Object, body: Object) -> None:
    names = {
        "frequency": "backup_schedule_frequency",
        "retention": "backup_schedule_retention",
        "disabled": "is_backup_schedule_disabled",
    }
    asked = {name: body[field] for name, field in names.items() if body.get(field) is not None}
    for name in ("frequency", "retention"):
        if name in asked and not 1 <= int(asked[name]) <= 365 * 24:
            raise errors.constraint(names[name], f"{asked[name]} is too short or too long")
    if asked:
        before = dict(schedule)
        schedule |= asked
        if "frequency" in asked or schedule["disabled"] != before["disabled"]:
            schedule["next_run_at"] = next_run(schedule["disabled"], int(schedule["frequency"]))


@SERVICE.delete("/instances/{instance}")
def delete_instance(call: Call) -> Object:
    """With all that is in it; backups and snapshots stay."""
    instance = find_instance(call)
    instance["status"] = "deleting"
    call.cloud.store.put(INSTANCE, instance)
    call.cloud.jobs.start(rdb_delete, [instance["id"]], instance_id=instance["id"])
    return full_view(call.cloud, instance)


@job
async def rdb_delete(cloud: Cloud, instance_id: str) -> None:
    instance = cloud.store.get(INSTANCE, instance_id)
    if instance is None:
        return
    await cloud.driver.database_delete(instance)
    for kind in (*PARTS, REPLICA):
        for part in parts_of(cloud, kind, instance_id):
            cloud.store.delete(kind, part["id"])
    ipam.release(cloud, instance_id)
    cloud.store.delete(INSTANCE, instance_id)


@SERVICE.get("/instances/{instance}/certificate")
def get_certificate(call: Call) -> Object:
    instance = find_instance(call)
    if not instance["certificate"]:
        raise errors.not_found("certificate", instance["id"])
    content = base64.b64encode(instance["certificate"]["pem"].encode()).decode()
    return {"name": "ssl_certificate", "content_type": "application/x-pem-file", "content": content}

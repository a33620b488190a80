# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed databases v1: actions on whole instances."""

from __future__ import annotations

from ensemble_lab import errors
from ensemble_lab.api.rdb import (
    DATABASE,
    INSTANCE,
    PRIVILEGE,
    SERVICE,
    USER,
    change,
    instance_view,
    parts_of,
    ready_instance,
    renew_certificate,
)
from ensemble_lab.api.rdb_endpoints import new_endpoint
from ensemble_lab.api.rdb_instances import known_node_type, new_instance, volume_of
from ensemble_lab.catalog.database_engines import upgrades_of
from ensemble_lab.cloud import Cloud
from ensemble_lab.jobs import job
from ensemble_lab.store import Object
from ensemble_lab.web.service import NO_CONTENT, Call, Reply

_COPIED = ("project_id", "name", "engine", "node_type", "volume", "tags", "settings", "init_settings", "encryption")


def copy_of(call: Call, instance: Object, source: Object, **fields: object) -> Object:
    """A new instance with everything another one has (or had, when `source` was made) but endpoints and schedule."""
    copied = {name: instance[name] for name in _COPIED}
    made = new_instance(call, **{**copied, "source": source, **fields})
    for kind, parts in source["parts"].items():
        for part in parts:
            ident = part["id"].replace(part["instance_id"], made["id"])
            call.cloud.store.put(kind, {**part, "id": ident, "instance_id": made["id"]})
    return made


def content_of(cloud: Cloud, instance: Object) -> Object:
    """What a copy needs to know of what is in an instance."""
    return {
        kind: [dict(part) for part in parts_of(cloud, kind, instance["id"])] for kind in (DATABASE, USER, PRIVILEGE)
    }


@SERVICE.post("/instances/{instance}/upgrade")
def upgrade_instance(call: Call) -> Object:
    """One thing at a time: another node, another volume, a second node, encryption, or a new major version."""
    instance, body = ready_instance(call), call.body
    workflow = body.get("major_upgrade_workflow") or {}
    version = workflow.get("upgradable_version_id") or body.get("upgradable_version_id")
    if version:
        return _major_upgrade(call, instance, version, bool(workflow.get("with_endpoints")))
    kind, size = body.get("volume_type"), body.get("volume_size")
    if body.get("node_type"):
        instance["node_type"] = known_node_type(body["node_type"])
    elif kind or size:
        before = instance["volume"]
        if size and int(size) < before["size"]:
            raise errors.constraint("volume_size", "a volume cannot be made smaller")
        desired = int(size or before["size"])
        instance["volume"] = volume_of(instance["node_type"], kind or before["type"], desired)
    elif body.get("enable_ha"):
        instance["is_ha_cluster"] = True
    elif body.get("enable_encryption"):
        instance["encryption"] = {"enabled": True}
    else:
        raise errors.constraint("upgrade_target", "one of node_type, volume_size, volume_type, enable_ha ... is needed")
    return instance_view(call.cloud, change(call, instance, "initializing"))


def _major_upgrade(call: Call, instance: Object, version_id: str, with_endpoints: bool) -> Object:
    """A new instance of the new version; with endpoints, it takes over those of the one before, which stays."""
    version = next((one for one in upgrades_of(instance["engine"]) if one["id"] == version_id), None)
    if version is None:
        raise errors.not_found("upgradable_version", version_id)
    source = {"instance": instance["id"], "parts": content_of(call.cloud, instance)}
    takes = instance["id"] if with_endpoints else None
    made = copy_of(call, instance, source, engine=version["name"], takes_endpoints_of=takes, acls=instance["acls"])
    return instance_view(call.cloud, change(call, made, "provisioning"))


@SERVICE.post("/instances/{instance}/clone")
def clone_instance(call: Call) -> Object:
    instance = ready_instance(call)
    call.need("name")
    node_type = known_node_type(call.body.get("node_type") or instance["node_type"])
    source = {"instance": instance["id"], "parts": content_of(call.cloud, instance)}
    made = copy_of(call, instance, source, name=call.body["name"], node_type=node_type)
    made["endpoints"].append(new_endpoint(call, made, {"load_balancer": {}}))
    return instance_view(call.cloud, change(call, made, "provisioning"))


@SERVICE.post("/instances/{instance}/restart")
def restart_instance(call: Call) -> Object:
    instance = ready_instance(call)
    instance["status"] = "restarting"
    call.cloud.store.put(INSTANCE, instance)
    call.cloud.jobs.start(rdb_restart, [instance["id"]], instance_id=instance["id"])
    return instance_view(call.cloud, instance)


@job
async def rdb_restart(cloud: Cloud, instance_id: str) -> None:
    instance = cloud.store.get(INSTANCE, instance_id)
    if instance is None or instance["status"] != "restarting":
        return
    await cloud.driver.database_restart(instance)
    if instance["status"] == "restarting":
        instance["status"] = "ready"
        cloud.store.put(INSTANCE, instance)


@SERVICE.post("/instances/{instance}/renew-certificate")
def renew(call: Call) -> Reply:
    instance = ready_instance(call)
    renew_certificate(instance, instance["certificate"]["addresses"])
    change(call, instance, "ready")
    return NO_CONTENT

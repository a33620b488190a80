# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed databases v1: backups of one database, and snapshots of a whole instance. Both outlive their instance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ensemble_lab import errors
from ensemble_lab.api.rdb import (
    BACKUP,
    DATABASE,
    INSTANCE,
    SERVICE,
    SNAPSHOT,
    change,
    find,
    instance_view,
    rdb_sync,
    ready_instance,
)
from ensemble_lab.api.rdb_databases import find_database
from ensemble_lab.api.rdb_endpoints import new_endpoint
from ensemble_lab.api.rdb_instance_actions import content_of, copy_of
from ensemble_lab.api.rdb_instances import known_node_type, volume_of
from ensemble_lab.cloud import Cloud
from ensemble_lab.drivers.base import DriverError
from ensemble_lab.jobs import job
from ensemble_lab.store import Object
from ensemble_lab.times import now
from ensemble_lab.web.crud import Crud
from ensemble_lab.web.lists import containing, equal
from ensemble_lab.web.service import Call

_HIDDEN = ("project_id", "organization_id", "source", "copied")


def _view(kept: Object) -> Object:
    return {name: value for name, value in kept.items() if name not in _HIDDEN}


def _serve(kind: str, path: str, key: str) -> None:
    """What backups and snapshots share."""

    def choose(call: Call) -> list[Object]:
        kept = [one for one in call.cloud.store.iterate(kind) if one["region"] == call.region]
        return equal(call, containing(call, kept), "instance_id", "project_id", "organization_id")

    def update(call: Call, kept: Object) -> Object:
        for name in ("name", "expires_at"):
            if call.body.get(name) is not None:
                kept[name] = call.body[name]
        kept["updated_at"] = now()
        return call.cloud.store.put(kind, kept)

    def delete(call: Call, kept: Object) -> Object:
        kept["status"] = "deleting"
        call.cloud.store.put(kind, kept)
        call.cloud.jobs.start(rdb_dump_delete, [kept["id"]], kind=kind, ident=kept["id"])
        return _view(kept)

    Crud(
        path=path,
        item=kind.removeprefix("rdb_"),
        key=key,
        find=lambda call, ident: find(call, kind, ident),
        view=lambda _call, kept: _view(kept),
        choose=choose,
        change=update,
        delete=delete,
    ).serve(SERVICE)


_serve(BACKUP, "/backups", "database_backups")
_serve(SNAPSHOT, "/snapshots", "snapshots")


def _keep(call: Call, kind: str, instance: Object, **fields: object) -> Object:
    """A backup or snapshot that is being made."""
    kept = {
        "id": call.cloud.new_id(),
        "instance_id": instance["id"],
        "instance_name": instance["name"],
        "status": "creating",
        "size": None,
        "created_at": now(),
        "updated_at": None,
        "region": call.region,
        "project_id": instance["project_id"],
        "organization_id": instance["organization_id"],
        **fields,
    }
    call.cloud.store.put(kind, kept)
    call.cloud.jobs.start(rdb_dump, [kept["id"], instance["id"]], kind=kind, ident=kept["id"])
    return _view(kept)


@job
async def rdb_dump(cloud: Cloud, kind: str, ident: str) -> None:
    kept = cloud.store.get(kind, ident)
    instance = cloud.store.get(INSTANCE, kept["instance_id"]) if kept else None
    if kept is None or kept["status"] != "creating":
        return
    try:
        if instance is None:
            raise DriverError(f"the instance of {ident} is gone")
        size = await cloud.driver.database_dump(instance, ident, kept.get("database_name"))
    except DriverError:
        kept["status"] = "error"
        cloud.store.put(kind, kept)
        raise
    kept["size"] = instance["volume"]["size"] if kind == SNAPSHOT else size
    kept["updated_at"] = now()
    if kept["status"] == "creating":
        kept["status"] = "ready"
    cloud.store.put(kind, kept)


@job
async def rdb_dump_delete(cloud: Cloud, kind: str, ident: str) -> None:
    await cloud.driver.database_dump_delete(ident)
    cloud.store.delete(kind, ident)


@SERVICE.post("/backups")
def create_backup(call: Call) -> Object:
    body = call.body
    call.need("instance_id", "database_name")
    instance = ready_instance(call, body["instance_id"])
    find_database(call, instance, body["database_name"])
    return _keep(
        call,
        BACKUP,
        instance,
        database_name=body["database_name"],
        name=body.get("name") or f"{body['database_name']}_{now()}",
        expires_at=body.get("expires_at"),
        download_url=None,
        download_url_expires_at=None,
        same_region=instance["backup_same_region"],
    )


@SERVICE.post("/backups/{backup}/export")
def export_backup(call: Call) -> Object:
    """A link for a day. Nothing is behind it in the lab."""
    kept = _ready(call, BACKUP)
    moment = datetime.now(UTC) + timedelta(days=1)
    kept["download_url"] = f"https://s3.{call.region}.scw.cloud/rdb/{kept['instance_id']}/{kept['id']}.custom"
    kept["download_url_expires_at"] = moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return _view(call.cloud.store.put(BACKUP, kept))


def _ready(call: Call, kind: str) -> Object:
    kept = find(call, kind, call[kind.removeprefix("rdb_")])
    if kept["status"] != "ready":
        raise errors.transient(kind.removeprefix("rdb_"), kept["id"], kept["status"])
    return kept


@SERVICE.post("/backups/{backup}/restore")
def restore_backup(call: Call) -> Object:
    """Into the same or another database, of any instance; what is there in its place goes."""
    kept = _ready(call, BACKUP)
    call.need("instance_id")
    instance = ready_instance(call, call.body["instance_id"])
    name = call.body.get("database_name") or kept["database_name"]
    ident = f"{instance['id']}/{name}"
    if not call.cloud.store.get(DATABASE, ident):
        call.cloud.store.put(DATABASE, {"id": ident, "instance_id": instance["id"], "name": name})
    kept["status"] = "restoring"
    call.cloud.store.put(BACKUP, kept)
    keys = [kept["id"], instance["id"]]
    call.cloud.jobs.start(rdb_restore, keys, ident=kept["id"], instance_id=instance["id"], name=name)
    return _view(kept)


@job
async def rdb_restore(cloud: Cloud, ident: str, instance_id: str, name: str) -> None:
    kept, instance = cloud.store.get(BACKUP, ident), cloud.store.get(INSTANCE, instance_id)
    if kept is None or instance is None:
        return
    try:
        await cloud.driver.database_restore(instance, ident, name)
    finally:
        if kept["status"] == "restoring":
            kept["status"] = "ready"
            cloud.store.put(BACKUP, kept)
    cloud.jobs.start(rdb_sync, [instance_id], instance_id=instance_id, quick=True)


@SERVICE.post("/instances/{instance}/snapshots")
def create_snapshot(call: Call) -> Object:
    instance = ready_instance(call)
    year = datetime.now(UTC) + timedelta(days=365)
    volume = {name: instance["volume"][name] for name in ("type", "class")}
    return _keep(
        call,
        SNAPSHOT,
        instance,
        name=call.body.get("name") or f"snapshot-{call.cloud.new_id()[:8]}",
        expires_at=call.body.get("expires_at") or year.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        node_type=instance["node_type"],
        volume_type=volume,
        source={"parts": content_of(call.cloud, instance)},
        copied=dict(instance),
    )


@SERVICE.post("/snapshots/{snapshot}/create-instance")
def create_from_snapshot(call: Call) -> Object:
    kept = _ready(call, SNAPSHOT)
    call.need("instance_name")
    node_type = known_node_type(call.body.get("node_type") or kept["node_type"])
    volume = volume_of(node_type, kept["volume_type"]["type"], kept["size"])
    source = {"dump": kept["id"], **kept["source"]}
    is_ha = bool(call.body.get("is_ha_cluster"))
    fields = {"name": call.body["instance_name"], "node_type": node_type, "volume": volume, "is_ha_cluster": is_ha}
    made = copy_of(call, kept["copied"], source, **fields)
    made["endpoints"].append(new_endpoint(call, made, {"load_balancer": {}}))
    return instance_view(call.cloud, change(call, made, "provisioning"))

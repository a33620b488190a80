# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed databases v1: shared parts and the states.

An instance is written first, with a state on the way; a job has the driver make it so, and writes the final state.
"""

from __future__ import annotations

from typing import Any

from ensemble_lab import errors
from ensemble_lab.ca import self_signed
from ensemble_lab.catalog.database_engines import first_settings, upgrades_of
from ensemble_lab.cloud import Cloud
from ensemble_lab.drivers.base import DriverError
from ensemble_lab.jobs import job
from ensemble_lab.store import Object
from ensemble_lab.web.service import Call, Service

SERVICE = Service(
    "/rdb/v1/regions/{region}", texts=("ip",), objects=("private_network", "load_balancer", "direct_access")
)
INSTANCE, DATABASE, USER, PRIVILEGE = "rdb_instance", "rdb_database", "rdb_user", "rdb_privilege"
BACKUP, SNAPSHOT, REPLICA, LOG = "rdb_backup", "rdb_snapshot", "rdb_replica", "rdb_log"
PARTS = (DATABASE, USER, PRIVILEGE, LOG)
_RESOURCE = {INSTANCE: "instance", BACKUP: "database_backup", SNAPSHOT: "instance_snapshot", REPLICA: "read_replica"}
_HIDDEN = ("acls", "certificate", "key", "source", "takes_endpoints_of")


def find(call: Call, kind: str, ident: str) -> Object:
    obj = call.cloud.store.get(kind, ident)
    if obj is None or obj["region"] != call.region:
        raise errors.not_found(_RESOURCE.get(kind, kind.removeprefix("rdb_")), ident)
    return obj


def find_instance(call: Call) -> Object:
    """The instance of the path."""
    return find(call, INSTANCE, call["instance"])


def ready_instance(call: Call, ident: str | None = None) -> Object:
    """An instance that nothing is being done to, by default the one of the path."""
    instance = find(call, INSTANCE, ident or call["instance"])
    if instance["status"] != "ready":
        raise errors.transient("instance", instance["id"], instance["status"])
    return instance


def parts_of(cloud: Cloud, kind: str, instance_id: str) -> list[Object]:
    return [part for part in cloud.store.iterate(kind) if part["instance_id"] == instance_id]


def endpoints_view(owner: Object) -> list[Object]:
    """Endpoints that are there: a public one is not before the instance has taken it."""
    return [
        {name: value for name, value in endpoint.items() if name != "state"}
        for endpoint in owner["endpoints"]
        if endpoint["state"] != "coming" or "private_network" in endpoint
    ]


def replica_view(replica: Object) -> Object:
    return {**replica, "endpoints": endpoints_view(replica)}


def instance_view(cloud: Cloud, instance: Object) -> Object:
    endpoints = endpoints_view(instance)
    shown = {name: value for name, value in instance.items() if name not in _HIDDEN}
    return shown | {
        "endpoints": endpoints,
        "endpoint": next((endpoint for endpoint in endpoints if "load_balancer" in endpoint), None),
        "read_replicas": [replica_view(replica) for replica in parts_of(cloud, REPLICA, instance["id"])],
        "upgradable_version": upgrades_of(instance["engine"]),
    }


def full_view(cloud: Cloud, instance: Object) -> Object:
    """An instance as it is read, created and deleted; changes do not tell its availability mode."""
    return instance_view(cloud, instance) | {"high_availability_mode": "unknown_high_availability_mode"}


def change(call: Call, instance: Object, status: str) -> Object:
    """Keep an instance in a state on the way, and have the machine follow."""
    instance["status"] = status
    call.cloud.store.put(INSTANCE, instance)
    call.cloud.jobs.start(rdb_sync, [instance["id"]], instance_id=instance["id"])
    return instance


def change_replica(call: Call, replica: Object, status: str) -> Object:
    replica["status"] = status
    call.cloud.store.put(REPLICA, replica)
    keys = [replica["id"], replica["instance_id"]]
    call.cloud.jobs.start(rdb_replica_sync, keys, replica_id=replica["id"])
    return replica


async def follow(call: Call, instance_id: str) -> None:
    """Have the machine follow what was written of an instance's parts, and wait for it: these have no states."""
    call.cloud.jobs.start(rdb_sync, [instance_id], instance_id=instance_id, quick=True)
    await call.cloud.jobs.finished(instance_id)


@job
async def rdb_sync(cloud: Cloud, instance_id: str, quick: bool = False) -> None:
    instance = cloud.store.get(INSTANCE, instance_id)
    if instance is None or instance["status"] == "deleting":
        return
    _certify(instance)
    settings = instance["settings"] or first_settings(instance["engine"], instance["node_type"])
    try:
        await cloud.driver.database_apply(desired(cloud, {**instance, "settings": settings}), quick)
    except DriverError:
        instance["status"] = "error"
        cloud.store.put(INSTANCE, instance)
        raise
    if instance["status"] == "deleting":
        return
    instance["settings"] = settings
    _arrive(cloud, instance)


def desired(cloud: Cloud, instance: Object) -> Object:
    """All that a driver needs to know of an instance: its parts too."""
    parts: dict[str, Any] = {
        "databases": parts_of(cloud, DATABASE, instance["id"]),
        "users": parts_of(cloud, USER, instance["id"]),
        "privileges": parts_of(cloud, PRIVILEGE, instance["id"]),
    }
    here = [endpoint for endpoint in instance["endpoints"] if endpoint["state"] != "going"]
    return {**instance, **parts, "endpoints": here}


def _arrive(cloud: Cloud, instance: Object) -> None:
    """The machine is as it was asked for."""
    update_endpoints(instance)
    if instance["takes_endpoints_of"]:
        _take_endpoints(cloud, instance)
    instance["source"] = None
    instance["status"] = "ready"
    cloud.store.put(INSTANCE, instance)


@job
async def rdb_replica_sync(cloud: Cloud, replica_id: str) -> None:
    replica = cloud.store.get(REPLICA, replica_id)
    instance = cloud.store.get(INSTANCE, replica["instance_id"]) if replica else None
    if replica is None or instance is None or replica["status"] == "deleting":
        return
    try:
        await cloud.driver.database_replica(desired(cloud, instance), replica)
    except DriverError:
        replica["status"] = "error"
        cloud.store.put(REPLICA, replica)
        raise
    if replica["status"] != "deleting":
        update_endpoints(replica)
        replica["status"] = "ready"
        cloud.store.put(REPLICA, replica)


def update_endpoints(owner: Object) -> None:
    """What was coming is here, what was going is gone."""
    owner["endpoints"] = [endpoint for endpoint in owner["endpoints"] if endpoint["state"] != "going"]
    for endpoint in owner["endpoints"]:
        endpoint["state"] = "here"


def _take_endpoints(cloud: Cloud, instance: Object) -> None:
    """An upgraded instance answers where the one before it did."""
    before = cloud.store.get(INSTANCE, instance["takes_endpoints_of"])
    instance["takes_endpoints_of"] = None
    if before:
        instance["endpoints"], before["endpoints"] = before["endpoints"], []
        cloud.store.put(INSTANCE, before)
        for other in (instance, before):
            cloud.jobs.start(rdb_sync, [other["id"]], instance_id=other["id"], quick=True)


def _certify(instance: Object) -> None:
    """A certificate of its own for every name and address it has; a new one when they change."""
    addresses = [endpoint["ip"] for endpoint in instance["endpoints"] if endpoint["state"] != "going"]
    if not instance["certificate"] or addresses != instance["certificate"]["addresses"]:
        renew_certificate(instance, addresses)


def renew_certificate(instance: Object, addresses: list[str]) -> None:
    host = f"rw-{instance['id']}.rdb.{instance['region']}.scw.cloud"
    issued = self_signed("Scaleway", [*addresses, host])
    instance["certificate"], instance["key"] = {"pem": issued.certificate, "addresses": addresses}, issued.key

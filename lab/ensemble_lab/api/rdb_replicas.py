# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed databases v1: read replicas."""

from __future__ import annotations

from ensemble_lab import errors
from ensemble_lab.api.rdb import (
    INSTANCE,
    REPLICA,
    SERVICE,
    change,
    change_replica,
    find,
    instance_view,
    ready_instance,
    replica_view,
)
from ensemble_lab.api.rdb_endpoints import new_endpoint, release
from ensemble_lab.api.rdb_instance_actions import content_of, copy_of
from ensemble_lab.cloud import Cloud
from ensemble_lab.jobs import job
from ensemble_lab.store import Object
from ensemble_lab.web.service import Call


def _find(call: Call) -> Object:
    return find(call, REPLICA, call["replica"])


def _ready(call: Call) -> Object:
    replica = _find(call)
    if replica["status"] != "ready":
        raise errors.transient("read_replica", replica["id"], replica["status"])
    return replica


def _add_endpoints(call: Call, replica: Object) -> None:
    for spec in call.body.get("endpoint_spec") or [{"direct_access": {}}]:
        replica["endpoints"].append(new_endpoint(call, replica, spec))


@SERVICE.post("/read-replicas")
def create_replica(call: Call) -> Object:
    call.need("instance_id")
    instance = ready_instance(call, call.body["instance_id"])
    replica: Object = {
        "id": call.cloud.new_id(),
        "endpoints": [],
        "status": "provisioning",
        "region": call.region,
        "same_zone": call.body.get("same_zone") is not False,
        "instance_id": instance["id"],
    }
    _add_endpoints(call, replica)
    return replica_view(change_replica(call, replica, "provisioning"))


@SERVICE.get("/read-replicas/{replica}")
def get_replica(call: Call) -> Object:
    return replica_view(_find(call))


@SERVICE.post("/read-replicas/{replica}/endpoints")
def add_endpoints(call: Call) -> Object:
    replica = _ready(call)
    _add_endpoints(call, replica)
    return replica_view(change_replica(call, replica, "initializing"))


@SERVICE.post("/read-replicas/{replica}/reset")
def reset_replica(call: Call) -> Object:
    return replica_view(change_replica(call, _ready(call), "initializing"))


@SERVICE.delete("/read-replicas/{replica}")
def delete_replica(call: Call) -> Object:
    replica = _find(call)
    replica["status"] = "deleting"
    call.cloud.store.put(REPLICA, replica)
    keys = [replica["id"], replica["instance_id"]]
    call.cloud.jobs.start(rdb_replica_delete, keys, replica_id=replica["id"])
    return replica_view(replica)


@job
async def rdb_replica_delete(cloud: Cloud, replica_id: str) -> None:
    replica = cloud.store.get(REPLICA, replica_id)
    if replica is None:
        return
    await cloud.driver.database_replica_delete(replica)
    for endpoint in replica["endpoints"]:
        release(cloud, endpoint)
    cloud.store.delete(REPLICA, replica_id)


@SERVICE.post("/read-replicas/{replica}/promote")
def promote_replica(call: Call) -> Object:
    """It becomes an instance of its own, with all that the other one holds."""
    replica = _ready(call)
    instance = find(call, INSTANCE, replica["instance_id"])
    source = {"instance": instance["id"], "parts": content_of(call.cloud, instance)}
    made = copy_of(call, instance, source, name=f"promoted - {instance['name']}")
    made["endpoints"].append(new_endpoint(call, made, {"load_balancer": {}}))
    delete_replica(call)
    return instance_view(call.cloud, change(call, made, "initializing"))

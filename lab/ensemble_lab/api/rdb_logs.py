# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed databases v1: logs of an instance, to be fetched for a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ensemble_lab import errors
from ensemble_lab.api.rdb import LOG, SERVICE, find_instance, parts_of, ready_instance
from ensemble_lab.cloud import Cloud
from ensemble_lab.jobs import job
from ensemble_lab.store import Object
from ensemble_lab.times import now
from ensemble_lab.web.lists import plain_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply


def _view(log: Object) -> Object:
    return {name: value for name, value in log.items() if name != "instance_id"}


@SERVICE.post("/instances/{instance}/prepare-logs")
def prepare_logs(call: Call) -> Object:
    """One log for each node."""
    instance = ready_instance(call)
    made = []
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    for _node in range(2 if instance["is_ha_cluster"] else 1):
        log = {
            "id": call.cloud.new_id(),
            "instance_id": instance["id"],
            "status": "creating",
            "node_name": str(70_000_000 + call.cloud.random_int(10_000_000)),
            "region": call.region,
            "download_url": None,
            "created_at": now(),
            "expires_at": tomorrow.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
        call.cloud.store.put(LOG, log)
        call.cloud.jobs.start(rdb_log_ready, [log["id"]], log_id=log["id"])
        made.append(_view(log))
    return {"instance_logs": made}


@job
async def rdb_log_ready(cloud: Cloud, log_id: str) -> None:
    await cloud.pretend(5.0, 15.0, 30.0, floor=0.15)
    log = cloud.store.get(LOG, log_id)
    if log:
        log["status"] = "ready"
        log["download_url"] = f"https://s3.{log['region']}.scw.cloud/rdb-logs/{log['id']}.log"
        cloud.store.put(LOG, log)


@SERVICE.get("/instances/{instance}/logs")
def list_logs(call: Call) -> Object:
    return plain_list(call, "instance_logs", parts_of(call.cloud, LOG, find_instance(call)["id"]), _view)


@SERVICE.get("/instances/{instance}/logs-details")
def list_log_files(call: Call) -> Object:
    find_instance(call)
    return {"details": [{"log_name": f"postgresql-{datetime.now(UTC):%Y-%m-%d}.log", "size": 0}]}


@SERVICE.post("/instances/{instance}/purge-logs")
def purge_logs(call: Call) -> Reply:
    for log in parts_of(call.cloud, LOG, ready_instance(call)["id"]):
        call.cloud.store.delete(LOG, log["id"])
    return NO_CONTENT


@SERVICE.get("/logs/{log}")
def get_log(call: Call) -> Object:
    log = call.cloud.store.get(LOG, call["log"])
    if log is None or log["region"] != call.region:
        raise errors.not_found("instance_log", call["log"])
    return _view(log)

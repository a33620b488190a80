# SPDX-License-Identifier: GPL-3.0-or-later
"""Load balancer v1: balancers in private networks."""

from __future__ import annotations

from typing import Any

from ensemble_lab import errors
from ensemble_lab.api import ipam
from ensemble_lab.api.lb import LB, SERVICE, change, find, lb_sync, lb_view
from ensemble_lab.cloud import Cloud
from ensemble_lab.jobs import job
from ensemble_lab.store import Object
from ensemble_lab.times import now, written
from ensemble_lab.web.lists import plain_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply


def _attached_view(cloud: Cloud, lb: Object, attached: Object) -> Object:
    config: Any = {"ip_id": attached["ipam_ids"][0] if attached["ipam_ids"] else None}
    return {**attached, "dhcp_config": config, "lb": lb_view(cloud, lb)}


@SERVICE.get("/lbs/{lb}/private-networks")
def list_private_networks(call: Call) -> Object:
    lb = find(call, LB, call["lb"])
    return plain_list(
        call, "private_network", lb["private_networks"], lambda attached: _attached_view(call.cloud, lb, attached)
    )


def _attach(call: Call, network_id: str) -> Object:
    lb, cloud = find(call, LB, call["lb"]), call.cloud
    network = cloud.store.get("private_network", network_id)
    if network is None or network["region"] != call.region:
        raise errors.message_only(404, "privateNetwork not Found")
    if any(attached["private_network_id"] == network_id for attached in lb["private_networks"]):
        raise errors.constraint("private_network_id", "already attached")
    resource = {
        "type": "lb_server",
        "id": lb["id"],
        "mac_address": cloud.new_mac("02:00:00").upper(),
        "name": lb["name"],
    }
    booked = call.body.get("ipam_ids") or []
    idents = ipam.take(cloud, network, booked, resource)
    moment = now()
    attached = {
        "private_network_id": network_id,
        "ipam_ids": idents,
        "status": "pending",
        "created_at": moment,
        "updated_at": moment,
    }
    lb["private_networks"].append(attached)
    cloud.store.put(LB, lb)
    change(call, lb)
    return written(_attached_view(cloud, lb, attached))


@SERVICE.post("/lbs/{lb}/attach-private-network")
def attach_private_network(call: Call) -> Object:
    call.need("private_network_id")
    return _attach(call, call.body["private_network_id"])


@SERVICE.post("/lbs/{lb}/private-networks/{network}/attach")
def attach_private_network_old(call: Call) -> Object:
    return _attach(call, call["network"])


def _detach(call: Call, network_id: str) -> Reply:
    lb = find(call, LB, call["lb"])
    if not any(attached["private_network_id"] == network_id for attached in lb["private_networks"]):
        raise errors.message_only(404, "privateNetwork not Found")
    for attached in lb["private_networks"]:
        if attached["private_network_id"] == network_id:
            attached["status"] = "pending"
    call.cloud.store.put(LB, lb)
    call.cloud.jobs.start(private_network_leave, [lb["id"]], lb_id=lb["id"], network_id=network_id)
    return NO_CONTENT


@job
async def private_network_leave(cloud: Cloud, lb_id: str, network_id: str) -> None:
    await cloud.pretend(1.0, 15.0, 30.0, floor=0.15)
    lb = cloud.store.get(LB, lb_id)
    if lb is None:
        return
    lb["private_networks"] = [
        attached for attached in lb["private_networks"] if attached["private_network_id"] != network_id
    ]
    cloud.store.put(LB, lb)
    ipam.release(cloud, lb["id"], network_id)
    cloud.jobs.start(lb_sync, [lb_id], lb_id=lb_id)


@SERVICE.post("/lbs/{lb}/detach-private-network")
def detach_private_network(call: Call) -> Reply:
    call.need("private_network_id")
    return _detach(call, call.body["private_network_id"])


@SERVICE.post("/lbs/{lb}/private-networks/{network}/detach")
def detach_private_network_old(call: Call) -> Reply:
    return _detach(call, call["network"])

# SPDX-License-Identifier: GPL-3.0-or-later
"""VPC v2: connectors. One VPC asks for another; when both ask, they are peered."""

from __future__ import annotations

import ipaddress

from ensemble_lab import errors
from ensemble_lab.api.vpc import NETWORK, SERVICE, VPC, change, find, in_region
from ensemble_lab.cloud import Cloud
from ensemble_lab.store import Object
from ensemble_lab.times import now
from ensemble_lab.web.crud import Crud
from ensemble_lab.web.lists import equal, plain_list
from ensemble_lab.web.service import Call

KIND = "vpc_connector"


def _view(cloud: Cloud, connector: Object) -> Object:
    ends = (connector["vpc_id"], connector["target_vpc_id"])
    peered = any((other["target_vpc_id"], other["vpc_id"]) == ends for other in cloud.store.iterate(KIND))
    target = cloud.store.get(VPC, connector["target_vpc_id"])
    peer = target and {"vpc_name": target["name"]} | {key: target[key] for key in ("organization_id", "project_id")}
    return {**connector, "status": "peered" if peered else "orphan", "peer_info": peer if peered else None}


def _choose(call: Call) -> list[Object]:
    found, status = in_region(call, KIND), call.asked("status")
    if status and not status.startswith("unknown"):
        found = [connector for connector in found if _view(call.cloud, connector)["status"] == status]
    return equal(call, found, "vpc_id", "target_vpc_id")


def _create(call: Call) -> Object:
    call.need("vpc_id", "target_vpc_id")
    body, cloud, moment = call.body, call.cloud, now()
    vpc, target = (find(call, VPC, body[name]) for name in ("vpc_id", "target_vpc_id"))
    ends = {"vpc_id": vpc["id"], "target_vpc_id": target["id"]}
    if vpc is target or any(ends.items() <= other.items() for other in cloud.store.iterate(KIND)):
        raise errors.constraint("target_vpc_id", "two VPCs are expected that have no such connector yet")
    connector = {
        "id": cloud.new_id(),
        "name": body.get("name") or f"connector-{cloud.new_id()[:8]}",
        "tags": body.get("tags") or [],
        **ends,
        **{key: vpc[key] for key in ("organization_id", "project_id", "region")},
        "created_at": moment,
        "updated_at": moment,
    }
    return cloud.store.put(KIND, connector)


Crud(
    path="/vpc-connectors",
    item="connector",
    key="vpc_connectors",
    find=lambda call, ident: find(call, KIND, ident),
    view=lambda call, connector: _view(call.cloud, connector),
    choose=_choose,
    create=_create,
    change=lambda call, connector: change(call, KIND, connector, ("name", "tags")),
    delete=lambda call, connector: call.cloud.store.delete(KIND, connector["id"]),
).serve(SERVICE)


@SERVICE.get("/vpc-connectors/{connector}/subnet-overlaps")
def list_overlaps(call: Call) -> Object:
    """Subnets of the two VPCs that no packet could be told apart by."""
    connector = find(call, KIND, call["connector"])
    here, there = (_subnets(call.cloud, connector[end]) for end in ("vpc_id", "target_vpc_id"))
    overlaps = [
        {
            "subnet_id": one["id"],
            "subnet": one["subnet"],
            "target_subnet_id": other["id"],
            "target_subnet": other["subnet"],
        }
        for one in here
        for other in there
        if _overlap(one["subnet"], other["subnet"])
    ]
    return plain_list(call, "subnet_overlaps", overlaps)


def _subnets(cloud: Cloud, vpc_id: str) -> list[Object]:
    networks = (network for network in cloud.store.iterate(NETWORK) if network["vpc_id"] == vpc_id)
    return [subnet for network in networks for subnet in network["subnets"]]


def _overlap(one: str, other: str) -> bool:
    first, second = ipaddress.ip_network(one), ipaddress.ip_network(other)
    return first.version == second.version and first.overlaps(second)

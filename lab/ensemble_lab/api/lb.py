# SPDX-License-Identifier: GPL-3.0-or-later
"""Load balancer v1, by zone and in its old form by region: shared parts and the states."""

from __future__ import annotations

from ensemble_lab import errors
from ensemble_lab.cloud import Cloud
from ensemble_lab.drivers.base import DriverError
from ensemble_lab.jobs import job
from ensemble_lab.store import Object
from ensemble_lab.times import now
from ensemble_lab.web.service import Call, Service

SERVICE = Service("/lb/v1/zones/{zone}", "/lb/v1/regions/{region}", objects=("action",))
LB, IP = "lb", "lb_ip"
PARTS = ("lb_frontend", "lb_backend", "lb_certificate", "lb_acl", "lb_route")
_NO_SUCH = {
    LB: "lbs",
    IP: "ips",
    "lb_backend": "backend",
    "lb_frontend": "frontend",
    "lb_certificate": "certificate",
    "lb_acl": "acl",
    "lb_route": "privateNetwork",  # sic
    "lb_subscriber": "subscriber",
}


def find(call: Call, kind: str, ident: str) -> Object:
    obj = call.cloud.store.get(kind, ident)
    if obj is None or obj["zone"] != call.zone:
        raise errors.message_only(404, f"{_NO_SUCH[kind]} not Found")
    return obj


def parts_of(cloud: Cloud, kind: str, lb_id: str) -> list[Object]:
    return [part for part in cloud.store.iterate(kind) if part["lb_id"] == lb_id]


def lb_view(cloud: Cloud, lb: Object) -> Object:
    """A balancer as it also appears inside each of its parts."""
    shown = {key: value for key, value in lb.items() if key not in ("ip_ids", "private_networks", "instance")}
    return shown | {
        "instances": [lb["instance"]] if lb["instance"] else [],
        "ip": [ip for ident in lb["ip_ids"] if (ip := cloud.store.get(IP, ident))],
        "frontend_count": len(parts_of(cloud, "lb_frontend", lb["id"])),
        "backend_count": len(parts_of(cloud, "lb_backend", lb["id"])),
        "route_count": len(parts_of(cloud, "lb_route", lb["id"])),
        "private_network_count": len(lb["private_networks"]),
    }


def change(call: Call, lb: Object) -> None:
    """Have the machine follow what was written."""
    call.cloud.jobs.start(lb_sync, [lb["id"]], lb_id=lb["id"])


def keep_part(call: Call, kind: str, part: Object) -> Object:
    """Write a part of a balancer, and have the machine follow."""
    part["updated_at"] = now()
    part.setdefault("created_at", part["updated_at"])
    call.cloud.store.put(kind, part)
    change(call, {"id": part["lb_id"]})
    return part


@job
async def lb_sync(cloud: Cloud, lb_id: str) -> None:
    lb = cloud.store.get(LB, lb_id)
    if lb is None or lb["status"] == "to_delete":
        return
    if lb["status"] == "to_create":
        _set_status(cloud, lb, "creating")
        lb["instance"] = _instance(cloud, lb)
    _set_instance(cloud, lb, "pending")
    frontends, backends, certificates, acls, routes = ([*parts_of(cloud, kind, lb_id)] for kind in PARTS)
    try:
        await cloud.driver.lb_apply(lb_view(cloud, lb), frontends, backends, certificates, acls, routes)
    except DriverError:
        _set_status(cloud, lb, "error")
        raise
    _set_instance(cloud, lb, "ready")
    if lb["status"] in ("creating", "migrating", "error"):
        _set_status(cloud, lb, "ready")
    for attached in lb["private_networks"]:
        attached["status"] = "ready"
    cloud.store.put(LB, lb)


def _set_status(cloud: Cloud, lb: Object, status: str) -> None:
    if lb["status"] != "to_delete":
        lb["status"], lb["updated_at"] = status, now()
        cloud.store.put(LB, lb)
        cloud.store.commit()


def _instance(cloud: Cloud, lb: Object) -> Object:
    moment = now()
    place = {"region": lb["region"], "zone": lb["zone"]}
    return {
        "id": cloud.new_id(),
        "status": "ready",
        "ip_address": "",
        "created_at": moment,
        "updated_at": moment,
        **place,
    }


def _set_instance(cloud: Cloud, lb: Object, status: str) -> None:
    if lb["instance"]:
        lb["instance"] |= {"status": status, "updated_at": now()}
        cloud.store.put(LB, lb)

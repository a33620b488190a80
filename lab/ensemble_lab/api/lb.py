# SPDX-License-Identifier: GPL-3.0-or-later
"""Load balancer v1 (zoned): balancers, their addresses and private networks. Other lb_* files hold their parts."""

from __future__ import annotations

import ipaddress

from ensemble_lab import errors
from ensemble_lab.api import ipam
from ensemble_lab.cloud import Cloud
from ensemble_lab.drivers.base import DriverError
from ensemble_lab.jobs import job
from ensemble_lab.settings import region_of
from ensemble_lab.store import Object
from ensemble_lab.times import nanoseconds, now
from ensemble_lab.web.lists import containing, equal, having_tags, plain_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply, Service

SERVICE = Service("/lb/v1/zones/{zone}")
LB, IP = "lb", "lb_ip"
PARTS = ("lb_frontend", "lb_backend", "lb_certificate", "lb_acl", "lb_route")
TYPES = ("lb-s", "lb-gp-m", "lb-gp-l", "lb-gp-xl")
_NO_SUCH = {
    LB: "lbs",
    IP: "ips",
    "lb_backend": "backend",
    "lb_frontend": "frontend",
    "lb_certificate": "certificate",
    "lb_acl": "acl",
}
_NO_SUCH["lb_route"] = "privateNetwork"  # sic


def find(call: Call, kind: str, ident: str) -> Object:
    obj = call.cloud.store.get(kind, ident)
    if obj is None or obj["zone"] != call.zone:
        raise errors.message_only(404, f"{_NO_SUCH[kind]} not Found")
    return obj


def written(shown: Object) -> Object:
    """Answers to POST and PUT tell times to the nanosecond."""
    return shown | {key: nanoseconds(shown[key]) for key in ("created_at", "updated_at") if key in shown}


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
    if lb["status"] in ("creating", "error"):
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


# addresses


def _label(address: str) -> str:
    """``51-158-70-159``; of an IPv6 address the nibbles backwards, as in ip6.arpa."""
    if ":" not in address:
        return address.replace(".", "-")
    return ipaddress.ip_address(address).reverse_pointer.removesuffix(".ip6.arpa")


def _new_ip(call: Call, project: str, is_ipv6: bool = False, tags: list[str] | None = None) -> Object:
    cloud = call.cloud
    cloud.check_quota(IP, IP)
    address = cloud.driver.allocate_address("inet6" if is_ipv6 else "inet")
    if is_ipv6:
        address = address.partition("/")[0] + "1"
    ip = {
        "id": cloud.new_id(),
        "ip_address": address,
        "lb_id": None,
        "organization_id": cloud.settings.organization,
        "project_id": project,
        "region": call.region,
        "zone": call.zone,
        "reverse": f"{_label(address)}.lb.{call.region}.scw.cloud",
        "tags": tags or [],
    }
    return cloud.store.put(IP, ip)


@SERVICE.get("/ips")
def list_ips(call: Call) -> Object:
    ips = [ip for ip in call.cloud.store.iterate(IP) if ip["zone"] == call.zone]
    ips = equal(call, ips, "ip_address", "project_id", "organization_id")
    kind = call.asked("ip_type", "all")
    if kind != "all":
        ips = [ip for ip in ips if (":" in ip["ip_address"]) == (kind == "ipv6")]
    return plain_list(call, "ips", having_tags(ips, call.asked_all("tags")))


@SERVICE.post("/ips")
def create_ip(call: Call) -> Object:
    project = call.cloud.project_of(call.body.get("project_id"))
    return _new_ip(call, project, bool(call.body.get("is_ipv6")), call.body.get("tags"))


@SERVICE.get("/ips/{ip}")
def get_ip(call: Call) -> Object:
    return find(call, IP, call["ip"])


@SERVICE.patch("/ips/{ip}")
def update_ip(call: Call) -> Object:
    ip = find(call, IP, call["ip"])
    for name in ("reverse", "tags", "lb_id"):
        if call.body.get(name) is not None:
            ip[name] = call.body[name]
    return call.cloud.store.put(IP, ip)


@SERVICE.delete("/ips/{ip}")
def delete_ip(call: Call) -> Reply:
    ip = find(call, IP, call["ip"])
    if ip["lb_id"]:
        raise errors.precondition("resource_still_in_use", "the address belongs to a load balancer")
    call.cloud.store.delete(IP, ip["id"])
    return NO_CONTENT


# balancers


@SERVICE.get("/lbs")
def list_lbs(call: Call) -> Object:
    lbs = [lb for lb in call.cloud.store.iterate(LB) if lb["zone"] == call.zone]
    lbs = having_tags(equal(call, containing(call, lbs), "project_id", "organization_id"), call.asked_all("tags"))
    return plain_list(call, "lbs", lbs, lambda lb: lb_view(call.cloud, lb))


def _asked_ips(call: Call, project: str) -> list[Object]:
    body = call.body
    idents = body.get("ip_ids") or ([body["ip_id"]] if body.get("ip_id") else [])
    ips = [find(call, IP, ident) for ident in idents]
    for ip in ips:
        if ip["lb_id"]:
            raise errors.constraint("ip_ids", f"{ip['ip_address']} belongs to another load balancer")
    if not ips and body.get("assign_flexible_ip") is not False:
        ips.append(_new_ip(call, project))
    if body.get("assign_flexible_ipv6"):
        ips.append(_new_ip(call, project, is_ipv6=True))
    return ips


@SERVICE.post("/lbs")
def create_lb(call: Call) -> Object:
    body, cloud = call.body, call.cloud
    kind = str(body.get("type") or "lb-s").lower()
    if kind not in TYPES:
        raise errors.constraint("type", f"{body['type']} is not one of {', '.join(TYPES)}")
    cloud.check_quota(LB, LB)
    project = cloud.project_of(body.get("project_id"))
    ips = _asked_ips(call, project)
    moment = now()
    lb = {
        "id": cloud.new_id(),
        "name": body.get("name") or f"lb-{cloud.new_id()[:8]}",
        "description": body.get("description") or "",
        "status": "to_create",
        "organization_id": cloud.settings.organization,
        "project_id": project,
        "tags": body.get("tags") or [],
        "type": kind,
        "subscriber": None,
        "ssl_compatibility_level": body.get("ssl_compatibility_level") or "ssl_compatibility_level_intermediate",
        "created_at": moment,
        "updated_at": moment,
        "region": region_of(call.zone),
        "zone": call.zone,
        "ip_ids": [ip["id"] for ip in ips],
        "private_networks": [],
        "instance": None,
    }
    cloud.store.put(LB, lb)
    for ip in ips:
        ip["lb_id"] = lb["id"]
        cloud.store.put(IP, ip)
    change(call, lb)
    return written(lb_view(cloud, lb))


@SERVICE.get("/lbs/{lb}")
def get_lb(call: Call) -> Object:
    return lb_view(call.cloud, find(call, LB, call["lb"]))


@SERVICE.put("/lbs/{lb}")
def update_lb(call: Call) -> Object:
    """What is left out falls to its default."""
    lb, body = find(call, LB, call["lb"]), call.body
    call.need("name")
    lb |= {
        "name": body["name"],
        "description": body.get("description") or "",
        "tags": body.get("tags") or [],
        "ssl_compatibility_level": body.get("ssl_compatibility_level") or "ssl_compatibility_level_intermediate",
        "updated_at": now(),
    }
    call.cloud.store.put(LB, lb)
    change(call, lb)
    return lb_view(call.cloud, lb)


@SERVICE.post("/lbs/{lb}/migrate")
def migrate_lb(call: Call) -> Object:
    lb = find(call, LB, call["lb"])
    call.need("type")
    if call.body["type"].lower() not in TYPES:
        raise errors.constraint("type", f"{call.body['type']} is not one of {', '.join(TYPES)}")
    lb["type"], lb["updated_at"] = call.body["type"].lower(), now()
    call.cloud.store.put(LB, lb)
    change(call, lb)
    return written(lb_view(call.cloud, lb))


@SERVICE.delete("/lbs/{lb}")
def delete_lb(call: Call) -> Reply:
    """The addresses are free when the balancer is gone; with ``release_ip`` they go too."""
    lb = find(call, LB, call["lb"])
    lb["status"], lb["updated_at"] = "to_delete", now()
    call.cloud.store.put(LB, lb)
    call.cloud.jobs.start(lb_delete, [lb["id"]], lb_id=lb["id"], release_ip=call.asked("release_ip") == "true")
    return NO_CONTENT


@job
async def lb_delete(cloud: Cloud, lb_id: str, release_ip: bool) -> None:
    lb = cloud.store.get(LB, lb_id)
    if lb is None:
        return
    await cloud.driver.lb_delete(lb_view(cloud, lb))
    for kind in PARTS:
        for part in parts_of(cloud, kind, lb_id):
            cloud.store.delete(kind, part["id"])
    for ident in lb["ip_ids"]:
        ip = cloud.store.get(IP, ident)
        if ip and release_ip:
            cloud.store.delete(IP, ident)
        elif ip:
            ip["lb_id"] = None
            cloud.store.put(IP, ip)
    ipam.release(cloud, lb["id"])
    cloud.store.delete(LB, lb_id)


async def _stats(call: Call) -> list[Object]:
    lb = find(call, LB, call["lb"])
    return await call.cloud.driver.lb_stats(lb_view(call.cloud, lb))


@SERVICE.get("/lbs/{lb}/backend-stats")
async def backend_stats(call: Call) -> Object:
    stats = equal(call, await _stats(call), "backend_id")
    moment = now()
    shown = [{"instance_id": "", "server_state_changed_at": moment, **entry} for entry in stats]
    return {"backend_servers_stats": shown, "total_count": len(shown)}


@SERVICE.get("/lbs/{lb}/stats")
async def stats(call: Call) -> Object:
    shown = await _stats(call)
    return {"backend_servers_stats": shown, "total_count": len(shown)}


@SERVICE.get("/lb-types")
def list_types(call: Call) -> Object:
    types = [
        {"name": kind, "stock_status": "available", "description": "", "region": call.region, "zone": call.zone}
        for kind in TYPES
    ]
    return {"lb_types": types, "total_count": len(types)}

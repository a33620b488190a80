# SPDX-License-Identifier: GPL-3.0-or-later
"""Load balancer v1: balancers."""

from __future__ import annotations

from ensemble_lab import errors
from ensemble_lab.api import ipam
from ensemble_lab.api.lb import IP, LB, PARTS, SERVICE, change, find, lb_view, parts_of
from ensemble_lab.api.lb_ips import new_ip
from ensemble_lab.cloud import Cloud
from ensemble_lab.jobs import job
from ensemble_lab.settings import region_of
from ensemble_lab.store import Object
from ensemble_lab.times import now, written
from ensemble_lab.web.lists import containing, equal, having_tags, plain_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply

# Type -> megabits a second, and whether its backends may be anywhere.
TYPES = {"lb-s": (200, False), "lb-gp-m": (500, False), "lb-gp-l": (1000, True), "lb-gp-xl": (4000, True)}


def _type(name: object) -> str:
    kind = str(name).lower()
    if kind not in TYPES:
        raise errors.constraint("type", f"{name} is not one of {', '.join(TYPES)}")
    return kind


@SERVICE.get("/lbs")
def list_lbs(call: Call) -> Object:
    chosen = call.asked_all("lb_ids")
    lbs = [lb for lb in call.cloud.store.iterate(LB) if lb["zone"] == call.zone and (not chosen or lb["id"] in chosen)]
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
        ips.append(new_ip(call, project))
    if body.get("assign_flexible_ipv6"):
        ips.append(new_ip(call, project, is_ipv6=True))
    return ips


@SERVICE.post("/lbs")
def create_lb(call: Call) -> Object:
    body, cloud = call.body, call.cloud
    kind = _type(body.get("type") or "lb-s")
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
    return _changed(call, lb)


def _changed(call: Call, lb: Object) -> Object:
    """Keep a balancer, have its machine follow, and answer with it."""
    call.cloud.store.put(LB, lb)
    change(call, lb)
    return written(lb_view(call.cloud, lb))


@SERVICE.post("/lbs/{lb}/migrate")
def migrate_lb(call: Call) -> Object:
    lb = find(call, LB, call["lb"])
    call.need("type")
    lb |= {"type": _type(call.body["type"]), "status": "migrating", "updated_at": now()}
    return _changed(call, lb)


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
    shared = {"stock_status": "available", "description": "", "region": call.region, "zone": call.zone}
    types = [
        {"name": name, "bandwidth": speed * 10**6, "multicloud": anywhere, **shared}
        for name, (speed, anywhere) in TYPES.items()
    ]
    return plain_list(call, "lb_types", types, order="name_asc")

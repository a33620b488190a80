# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance v1: public addresses, reserved ones (objects of their own) and dynamic ones (part of a running server)."""

from __future__ import annotations

from ensemble_lab import errors
from ensemble_lab.api.domain import resolves
from ensemble_lab.api.instance import SERVICE, comma_tags, created, in_zone, owner
from ensemble_lab.api.instance_machines import start_update
from ensemble_lab.api.instance_views import ip_view
from ensemble_lab.cloud import Cloud
from ensemble_lab.store import Object
from ensemble_lab.web.lists import equal, having_tags, instance_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply

KIND = "instance_ip"


def new_ip(
    cloud: Cloud,
    zone: str,
    owned_by: dict[str, str],
    ip_type: str = "routed_ipv4",
    tags: list[str] | None = None,
    dynamic: bool = False,
) -> Object:
    cloud.check_quota(KIND, KIND)
    ident = cloud.new_id()
    address = cloud.driver.allocate_address("inet6" if ip_type == "routed_ipv6" else "inet")
    ip = {
        "id": ident,
        "address": None if ip_type == "routed_ipv6" else address,
        "prefix": address if ip_type == "routed_ipv6" else None,
        "reverse": None,
        "server": None,
        **owned_by,
        "zone": zone,
        "type": ip_type,
        "state": "detached",
        "tags": tags or [],
        "ipam_id": ident,
        "dynamic": dynamic,
    }
    return cloud.store.put(KIND, ip)


def attach(cloud: Cloud, ip: Object, server: Object) -> None:
    """Give the address to the server; a guest that has not booted yet has still to fetch it."""
    if ip["server"] and ip["server"] != server["id"]:
        detach(cloud, ip)
    booting = server["state"] in ("starting", "running") and server["state_detail"] != "booted"
    ip["server"], ip["state"] = server["id"], "pending" if booting else "attached"
    if ip["id"] not in server["public_ips"]:
        server["public_ips"].append(ip["id"])
    cloud.store.put(KIND, ip)
    cloud.store.put("instance_server", server)


def detach(cloud: Cloud, ip: Object) -> None:
    """Take the address from its server; a dynamic one ends there."""
    server = cloud.store.get("instance_server", ip["server"])
    if server:
        server["public_ips"] = [ident for ident in server["public_ips"] if ident != ip["id"]]
        cloud.store.put("instance_server", server)
    ip["server"], ip["state"] = None, "detached"
    if ip["dynamic"]:
        cloud.store.delete(KIND, ip["id"])
    else:
        cloud.store.put(KIND, ip)


def addresses_of(cloud: Cloud, server: Object) -> list[Object]:
    return [ip for ident in server["public_ips"] if (ip := cloud.store.get(KIND, ident))]


def find_ip(call: Call, ident: str) -> Object:
    """By id or by address."""
    ip = call.cloud.store.get(KIND, ident)
    if ip is None:
        ip = next((other for other in call.cloud.store.iterate(KIND) if other["address"] == ident), None)
    if ip is None or ip["zone"] != call.zone:
        raise errors.not_found(KIND, f"{ident}/32" if ident.count(".") == 3 else ident)
    return ip


@SERVICE.get("/ips")
def list_ips(call: Call) -> Reply:
    ips = [ip for ip in in_zone(call, KIND) if not ip["dynamic"]]
    name = call.asked("name")
    if name:
        ips = [ip for ip in ips if name in (ip["reverse"] or "") or name in (ip["address"] or "")]
    ips = having_tags(equal(call, ips, "type"), comma_tags(call))
    return instance_list(call, "ips", ips, lambda ip: ip_view(call.cloud, ip))


@SERVICE.post("/ips")
def create_ip(call: Call) -> Reply:
    ip_type = call.body.get("type") or "routed_ipv4"
    if ip_type not in ("routed_ipv4", "routed_ipv6"):
        raise errors.constraint("type", f"{ip_type} is not routed_ipv4 or routed_ipv6")
    server = _server(call, call.body["server"]) if call.body.get("server") else None
    ip = new_ip(call.cloud, call.zone, owner(call), ip_type, call.body.get("tags"))
    if server:
        attach(call.cloud, ip, server)
        _tell_machine(call, server)
    return created(call, "ip", ip["id"], ip_view(call.cloud, ip))


def _server(call: Call, ident: str) -> Object:
    server = call.cloud.store.get("instance_server", ident)
    if server is None or server["zone"] != call.zone:
        raise errors.not_found("instance_server", ident)
    return server


def _tell_machine(call: Call, server: Object) -> None:
    start_update(call.cloud, server)


@SERVICE.get("/ips/{ip}")
def get_ip(call: Call) -> Object:
    return {"ip": ip_view(call.cloud, find_ip(call, call["ip"]))}


@SERVICE.patch("/ips/{ip}")
def update_ip(call: Call) -> Object:
    ip, body = find_ip(call, call["ip"]), call.body
    if "reverse" in body:
        _set_reverse(call, ip, body["reverse"])
    if body.get("tags") is not None:
        ip["tags"] = body["tags"]
    if "server" in body:
        before = call.cloud.store.get("instance_server", ip["server"])
        if body["server"] is None:
            detach(call.cloud, ip)
        else:
            after = _server(call, body["server"])
            attach(call.cloud, ip, after)
            _tell_machine(call, after)
        if before and before["id"] != body["server"]:
            _tell_machine(call, before)
    call.cloud.store.put(KIND, ip)
    return {"ip": ip_view(call.cloud, ip)}


def _set_reverse(call: Call, ip: Object, reverse: str | None) -> None:
    """A name must resolve to the address: in the lab that means a record of one of its zones says so."""
    dashed = (ip["address"] or "").replace(".", "-")
    own = reverse == f"{dashed}.instances.scw.cloud"
    if reverse and not own and not resolves(call.cloud, reverse, ip["address"]):
        raise errors.constraint(
            "reverse", f"Your reverse must resolve. Ensure the command 'dig +short {reverse}' matches your IP address."
        )
    ip["reverse"] = reverse or None


@SERVICE.delete("/ips/{ip}")
def delete_ip(call: Call) -> Reply:
    ip = find_ip(call, call["ip"])
    server = call.cloud.store.get("instance_server", ip["server"])
    detach(call.cloud, ip)
    call.cloud.store.delete(KIND, ip["id"])
    if server:
        _tell_machine(call, server)
    return NO_CONTENT

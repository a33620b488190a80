# SPDX-License-Identifier: GPL-3.0-or-later
"""Load balancer v1: addresses. They are of another kind than those of servers."""

from __future__ import annotations

import ipaddress

from ensemble_lab import errors
from ensemble_lab.api.lb import IP, LB, SERVICE, change, find
from ensemble_lab.store import Object
from ensemble_lab.web.lists import equal, having_tags, plain_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply


def _label(address: str) -> str:
    """``51-158-70-159``; of an IPv6 address the nibbles backwards, as in ip6.arpa."""
    if ":" not in address:
        return address.replace(".", "-")
    return ipaddress.ip_address(address).reverse_pointer.removesuffix(".ip6.arpa")


def new_ip(call: Call, project: str, is_ipv6: bool = False, tags: list[str] | None = None) -> Object:
    cloud = call.cloud
    cloud.check_quota(IP, IP)
    address = cloud.driver.allocate_address("inet6" if is_ipv6 else "inet").partition("/")[0]
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
    return new_ip(call, project, bool(call.body.get("is_ipv6")), call.body.get("tags"))


@SERVICE.get("/ips/{ip}")
def get_ip(call: Call) -> Object:
    return find(call, IP, call["ip"])


@SERVICE.patch("/ips/{ip}")
def update_ip(call: Call) -> Object:
    ip = find(call, IP, call["ip"])
    for name in ("reverse", "tags"):
        if call.body.get(name) is not None:
            ip[name] = call.body[name]
    if call.body.get("lb_id") not in (None, ip["lb_id"]):
        _move(call, ip, find(call, LB, call.body["lb_id"]))
    return call.cloud.store.put(IP, ip)


def _move(call: Call, ip: Object, after: Object) -> None:
    """Give an address to a balancer, and take it from the one that had it."""
    before = call.cloud.store.get(LB, ip["lb_id"])
    if before:
        before["ip_ids"].remove(ip["id"])
        change(call, call.cloud.store.put(LB, before))
    after["ip_ids"].append(ip["id"])
    ip["lb_id"] = after["id"]
    change(call, call.cloud.store.put(LB, after))


@SERVICE.delete("/ips/{ip}")
def delete_ip(call: Call) -> Reply:
    ip = find(call, IP, call["ip"])
    if ip["lb_id"]:
        raise errors.precondition("resource_still_in_use", "the address belongs to a load balancer")
    call.cloud.store.delete(IP, ip["id"])
    return NO_CONTENT

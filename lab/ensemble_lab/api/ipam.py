# SPDX-License-Identifier: GPL-3.0-or-later
"""IPAM v1: addresses inside private networks, booked by hand or taken by NICs and load balancers."""

from __future__ import annotations

import ipaddress
from typing import Any

from ensemble_lab import errors
from ensemble_lab.cloud import Cloud
from ensemble_lab.store import Object
from ensemble_lab.times import now
from ensemble_lab.web.lists import equal, having_tags, plain_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply, Service

SERVICE = Service("/ipam/v1/regions/{region}")
KIND = "ipam_ip"
_SHOWN = (
    "id",
    "address",
    "project_id",
    "is_ipv6",
    "created_at",
    "updated_at",
    "source",
    "resource",
    "tags",
    "reverses",
    "region",
    "zone",
)


def _view(ip: Object) -> Object:
    return {key: ip[key] for key in _SHOWN}


def _free(cloud: Cloud, subnet: Object, is_ipv6: bool) -> str:
    """The next free address with its length: from .2 upwards, or anywhere in the /64."""
    network = ipaddress.ip_network(subnet["subnet"])
    taken = {
        ip["address"].partition("/")[0] for ip in cloud.store.iterate(KIND) if ip["source"]["subnet_id"] == subnet["id"]
    }
    if is_ipv6:
        return f"{network[cloud.random_int(2**64 - 2) + 2]}/{network.prefixlen}"
    for offset in range(2, network.num_addresses - 1):
        if str(network[offset]) not in taken:
            return f"{network[offset]}/{network.prefixlen}"
    raise errors.quota("ipam_ip", network.num_addresses - 3, len(taken))


def _subnet(network: Object, is_ipv6: bool) -> Object:
    return next(subnet for subnet in network["subnets"] if (":" in subnet["subnet"]) == is_ipv6)


def _book(
    cloud: Cloud, network: Object, is_ipv6: bool, resource: Object | None, address: str | None = None, **more: Any
) -> Object:
    subnet = _subnet(network, is_ipv6)
    if address:
        inside = ipaddress.ip_network(subnet["subnet"])
        desired = _address(address)
        if desired not in inside:
            raise errors.constraint("address", f"{address} is not in {inside}")
        full = f"{desired}/{inside.prefixlen}"
        if any(ip["address"] == full and ip["source"]["subnet_id"] == subnet["id"] for ip in cloud.store.iterate(KIND)):
            raise errors.constraint("address", f"{address} is taken")
    else:
        full = _free(cloud, subnet, is_ipv6)
    moment = now()
    ip = {
        "id": cloud.new_id(),
        "address": full,
        "project_id": network["project_id"],
        "is_ipv6": is_ipv6,
        "created_at": moment,
        "updated_at": moment,
        "source": {"subnet_id": subnet["id"]},
        "resource": resource,
        "tags": [],
        "reverses": [],
        "region": network["region"],
        "zone": None,
        "private_network_id": network["id"],
        "booked": resource is None,
        **more,
    }
    return cloud.store.put(KIND, ip)


def _address(text: str) -> Any:
    try:
        return ipaddress.ip_address(text.partition("/")[0])
    except ValueError:
        raise errors.constraint("address", f"{text} is not an address") from None


def take(cloud: Cloud, network: Object, booked: list[str], resource: Object) -> list[str]:
    """Addresses for a NIC or load balancer: the booked ones, or a fresh IPv4 and IPv6. Returns their ids."""
    if not booked:
        return [_book(cloud, network, is_ipv6, resource)["id"] for is_ipv6 in (False, True)]
    for ident in booked:
        ip = cloud.store.get(KIND, ident)
        if ip is None or ip["private_network_id"] != network["id"]:
            raise errors.not_found("ip", ident)
        if ip["resource"]:
            raise errors.constraint("ip_ids", f"{ident} is in use")
    for ident in booked:
        ip = cloud.store.get(KIND, ident)
        if ip:
            ip["resource"], ip["updated_at"] = resource, now()
            cloud.store.put(KIND, ip)
    return list(booked)


def take_for(cloud: Cloud, network: Object, resource: Object, address: str | None = None) -> str:
    """One IPv4 address with its length: a free one, or the one that is asked for (booked, or of nobody).

    An address outside the network is left to whoever asks for it.
    """
    if address is None:
        return str(_book(cloud, network, False, resource)["address"])
    booked = next((ip for ip in cloud.store.iterate(KIND) if _is_at(ip, network["id"], address)), None)
    if booked:
        if booked["resource"]:
            raise errors.constraint("service_ip", f"{address} is taken")
        booked["resource"], booked["updated_at"] = resource, now()
        cloud.store.put(KIND, booked)
    elif _address(address) in ipaddress.ip_network(_subnet(network, False)["subnet"]):
        _book(cloud, network, False, resource, address)
    return address


def _is_at(ip: Object, network_id: str, address: str) -> bool:
    return bool(ip["private_network_id"] == network_id and ip["address"].split("/")[0] == address.split("/")[0])


def release_address(cloud: Cloud, network_id: str, address: str) -> None:
    """Let go of one address: a booked one stays."""
    for ip in cloud.store.list(KIND):
        if _is_at(ip, network_id, address):
            _let_go(cloud, ip)


def _let_go(cloud: Cloud, ip: Object) -> None:
    if ip["booked"]:
        ip["resource"], ip["updated_at"] = None, now()
        cloud.store.put(KIND, ip)
    else:
        cloud.store.delete(KIND, ip["id"])


def release(cloud: Cloud, resource_id: str, network_id: str | None = None) -> None:
    """Let go of all that a resource holds (in one network): booked addresses stay, others end."""
    for ip in cloud.store.list(KIND):
        if network_id not in (None, ip["private_network_id"]):
            continue
        if ip["resource"] and ip["resource"]["id"] == resource_id:
            _let_go(cloud, ip)


def _find(call: Call, ident: str | None = None) -> Object:
    """The address of an id, by default the one of the path."""
    ident = call["ip"] if ident is None else ident
    ip = call.cloud.store.get(KIND, ident)
    if ip is None or ip["region"] != call.region:
        raise errors.not_found("ip", ident)
    return ip


def _held(ip: Object, name: str) -> str:
    """A field of the resource that holds an address; "" where nobody does."""
    return str((ip["resource"] or {}).get(name) or "")


@SERVICE.get("/ips")
def list_ips(call: Call) -> Object:
    ips = [ip for ip in call.cloud.store.iterate(KIND) if ip["region"] == call.region]
    ips = equal(call, ips, "project_id", "is_ipv6", "private_network_id")
    types = [
        kind for kind in call.asked_all("resource_type") + call.asked_all("resource_types") if "unknown" not in kind
    ]
    holders = call.asked_all("resource_id") + call.asked_all("resource_ids")
    for desired, value_of in (
        (call.asked_all("ip_ids"), lambda ip: ip["id"]),
        (types, lambda ip: _held(ip, "type")),
        (holders, lambda ip: _held(ip, "id")),
        ([mac.lower() for mac in call.asked_all("mac_address")], lambda ip: _held(ip, "mac_address").lower()),
        (call.asked_all("subnet_id"), lambda ip: ip["source"].get("subnet_id")),
        (call.asked_all("source_vpc_id"), lambda ip: ip["source"].get("vpc_id")),
        (call.asked_all("vpc_id"), lambda ip: _vpc_of(call.cloud, ip)),
        (call.asked_all("zonal"), lambda ip: ip["zone"]),
        (call.asked_all("attached"), lambda ip: "true" if ip["resource"] else "false"),
    ):
        if desired:
            ips = [ip for ip in ips if value_of(ip) in desired]
    name = call.asked("resource_name")
    if name:
        ips = [ip for ip in ips if name in _held(ip, "name")]
    return plain_list(call, "ips", having_tags(ips, call.asked_all("tags")), _view, order="created_at_desc")


def _vpc_of(cloud: Cloud, ip: Object) -> str | None:
    network = cloud.store.get("private_network", ip["private_network_id"])
    return network["vpc_id"] if network else None


def _custom(call: Call, field: str = "resource") -> Object:
    """A resource that the cloud knows nothing of but its MAC address."""
    resource = call.body[field]
    mac, name = (resource.get("mac_address") or "").upper(), resource.get("name") or ""
    return {"type": "custom", "id": call.cloud.new_id(), "mac_address": mac, "name": name}


@SERVICE.post("/ips")
def book_ip(call: Call) -> Object:
    body = call.body
    call.need("source")
    source, network = body["source"], None
    call.cloud.project_of(body.get("project_id"))
    if source.get("private_network_id"):
        network = call.cloud.store.get("private_network", source["private_network_id"])
    elif source.get("subnet_id"):
        everywhere = call.cloud.store.iterate("private_network")
        network = next(
            (known for known in everywhere if any(subnet["id"] == source["subnet_id"] for subnet in known["subnets"])),
            None,
        )
    if network is None or network["region"] != call.region:
        raise errors.not_found("private_network", source.get("private_network_id") or source.get("subnet_id") or "")
    custom = _custom(call) if body.get("resource") else None
    ip = _book(
        call.cloud,
        network,
        bool(body.get("is_ipv6")),
        custom,
        body.get("address"),
        tags=body.get("tags") or [],
        booked=True,
    )
    return _view(ip)


@SERVICE.get("/ips/{ip}")
def get_ip(call: Call) -> Object:
    return _view(_find(call))


@SERVICE.patch("/ips/{ip}")
def update_ip(call: Call) -> Object:
    ip = _find(call)
    for name in ("tags", "reverses"):
        if call.body.get(name) is not None:
            ip[name] = call.body[name]
    ip["updated_at"] = now()
    call.cloud.store.put(KIND, ip)
    return _view(ip)


@SERVICE.post("/ips/{ip}/attach")
def attach_ip(call: Call) -> Object:
    """To something of one's own that has this MAC address in the private network."""
    ip = _find(call)
    call.need("resource")
    if ip["resource"]:
        raise errors.precondition("resource_still_in_use", "the address is attached to a resource")
    ip["resource"], ip["updated_at"] = _custom(call), now()
    return _view(call.cloud.store.put(KIND, ip))


@SERVICE.post("/ips/{ip}/detach")
def detach_ip(call: Call) -> Object:
    ip = _find(call)
    if ip["resource"] and ip["resource"]["type"] != "custom":
        raise errors.precondition("resource_still_in_use", "the address belongs to a resource of the cloud")
    ip["resource"], ip["updated_at"] = None, now()
    return _view(call.cloud.store.put(KIND, ip))


@SERVICE.post("/ips/{ip}/move")
def move_ip(call: Call) -> Object:
    """From one thing of one's own to another."""
    ip = _find(call)
    call.need("from_resource")
    if _held(ip, "type") != "custom" or _held(ip, "mac_address") != _custom(call, "from_resource")["mac_address"]:
        raise errors.constraint("from_resource", "the address is not attached to this resource")
    ip["resource"] = _custom(call, "to_resource") if call.body.get("to_resource") else None
    ip["updated_at"] = now()
    return _view(call.cloud.store.put(KIND, ip))


@SERVICE.delete("/ips/{ip}")
def release_ip(call: Call) -> Reply:
    call.cloud.store.delete(KIND, _releasable(_find(call))["id"])
    return NO_CONTENT


@SERVICE.post("/ip-sets/release")
def release_ips(call: Call) -> Reply:
    """Several at once, or none of them."""
    ips = [_releasable(_find(call, ident)) for ident in call.body.get("ip_ids") or []]
    for ip in ips:
        call.cloud.store.delete(KIND, ip["id"])
    return NO_CONTENT


def _releasable(ip: Object) -> Object:
    if ip["resource"] and ip["resource"]["type"] != "custom":
        raise errors.precondition("resource_still_in_use", "the address is attached to a resource")
    return ip

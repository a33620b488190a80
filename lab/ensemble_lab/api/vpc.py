# SPDX-License-Identifier: GPL-3.0-or-later
"""VPC v2: VPCs and private networks. Other vpc_* files hold what leads from one to another."""

from __future__ import annotations

import ipaddress
from typing import Any

from ensemble_lab import errors
from ensemble_lab.cloud import Cloud
from ensemble_lab.store import Object
from ensemble_lab.times import now
from ensemble_lab.web.lists import containing, equal, having_tags, plain_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply, Service

SERVICE = Service("/vpc/v2/regions/{region}", texts=("source",))
VPC, NETWORK = "vpc", "private_network"
_GO_WITH_VPC = ("route", "ingress_rule", "vpc_acl", "vpc_connector")


def _vpc_view(cloud: Cloud, vpc: Object) -> Object:
    networks = sum(network["vpc_id"] == vpc["id"] for network in cloud.store.iterate(NETWORK))
    return {**vpc, "private_network_count": networks}


def _new_vpc(call: Call, name: str, project: str, **more: Any) -> Object:
    call.cloud.check_quota(VPC, VPC)
    moment = now()
    vpc = {
        "id": call.cloud.new_id(),
        "name": name,
        "tags": [],
        "organization_id": call.cloud.settings.organization,
        "created_at": moment,
        "updated_at": moment,
        "project_id": project,
        "is_default": False,
        "private_network_count": 0,
        "routing_enabled": True,
        "custom_routes_propagation_enabled": True,
        "transitivity_enabled": False,
        "s3_integration_enabled": False,
        "region": call.region,
        **more,
    }
    return call.cloud.store.put(VPC, vpc)


def _default_vpc(call: Call, project: str) -> Object:
    """Every project has one in a region, from the first time it is needed."""
    for vpc in call.cloud.store.iterate(VPC):
        if vpc["is_default"] and vpc["project_id"] == project and vpc["region"] == call.region:
            return vpc
    return _new_vpc(call, "default", project, tags=["default"], is_default=True)


def find(call: Call, kind: str, ident: str) -> Object:
    obj = call.cloud.store.get(kind, ident)
    if obj is None or obj["region"] != call.region:
        raise errors.not_found(kind, ident)
    return obj


def in_region(call: Call, kind: str) -> list[Object]:
    found = [obj for obj in call.cloud.store.iterate(kind) if obj["region"] == call.region]
    return having_tags(equal(call, containing(call, found), "project_id", "organization_id"), call.asked_all("tags"))


@SERVICE.get("/vpcs")
def list_vpcs(call: Call) -> Object:
    """The default project has its default VPC before anybody needs it; others have not."""
    if call.asked("is_default") == "true":
        _default_vpc(call, call.cloud.settings.project)
    vpcs = equal(call, in_region(call, VPC), "is_default", "routing_enabled")
    return plain_list(call, "vpcs", vpcs, lambda vpc: _vpc_view(call.cloud, vpc))


@SERVICE.post("/vpcs")
def create_vpc(call: Call) -> Object:
    body = call.body
    name = body.get("name") or f"vpc-{call.cloud.new_id()[:8]}"
    project = call.cloud.project_of(body.get("project_id"))
    transitive = bool(body.get("enable_transitivity"))
    return _vpc_view(
        call.cloud, _new_vpc(call, name, project, tags=body.get("tags") or [], transitivity_enabled=transitive)
    )


@SERVICE.get("/vpcs/{vpc}")
def get_vpc(call: Call) -> Object:
    return _vpc_view(call.cloud, find(call, VPC, call["vpc"]))


@SERVICE.patch("/vpcs/{vpc}")
def update_vpc(call: Call) -> Object:
    return _vpc_view(call.cloud, change(call, VPC, find(call, VPC, call["vpc"]), ("name", "tags")))


def change(call: Call, kind: str, obj: Object, names: tuple[str, ...]) -> Object:
    for name in names:
        if call.body.get(name) is not None:
            obj[name] = call.body[name]
    obj["updated_at"] = now()
    return call.cloud.store.put(kind, obj)


@SERVICE.delete("/vpcs/{vpc}")
def delete_vpc(call: Call) -> Reply:
    vpc = find(call, VPC, call["vpc"])
    if _vpc_view(call.cloud, vpc)["private_network_count"]:
        raise errors.precondition("resource_still_in_use", "the VPC still has private networks")
    for kind in _GO_WITH_VPC:
        for part in call.cloud.store.list(kind):
            if part["vpc_id"] == vpc["id"]:
                call.cloud.store.delete(kind, part["id"])
    call.cloud.store.delete(VPC, vpc["id"])
    return NO_CONTENT


@SERVICE.post("/vpcs/{vpc}/enable-routing")
@SERVICE.post("/vpcs/{vpc}/enable-custom-routes-propagation")
def enable_routing(call: Call) -> Object:
    """Both are always on."""
    return get_vpc(call)


# private networks


def _taken(cloud: Cloud, vpc: Object) -> list[Any]:
    """The subnets of all networks of a VPC."""
    networks = (network for network in cloud.store.iterate(NETWORK) if network["vpc_id"] == vpc["id"])
    return [ipaddress.ip_network(subnet["subnet"]) for network in networks for subnet in network["subnets"]]


def _free_subnet(call: Call, vpc: Object) -> str:
    """A /22 of 172.16.0.0/12 that no other network of the VPC has."""
    taken = [subnet for subnet in _taken(call.cloud, vpc) if subnet.version == 4]
    for candidate in list(ipaddress.IPv4Network("172.16.0.0/12").subnets(new_prefix=22))[1:]:
        if not any(candidate.overlaps(other) for other in taken):
            return str(candidate)
    raise errors.quota("subnet", 1023, len(taken))


def _ula(cloud: Cloud) -> str:
    """A /64 of the organisation's own /48."""
    organization = cloud.settings.organization.replace("-", "")
    return f"fd{organization[:2]}:{organization[2:6]}:{organization[6:10]}:{cloud.random_int(0x10000):x}::/64"


def _check_subnet(call: Call, vpc: Object, text: str) -> str:
    try:
        asked = ipaddress.ip_network(text)
    except ValueError:
        raise errors.constraint("subnets", f"{text} is not a network") from None
    if any(asked.version == other.version and asked.overlaps(other) for other in _taken(call.cloud, vpc)):
        raise errors.constraint("subnets", f"{text} overlaps with another subnet of the VPC")
    return text


def _subnet(cloud: Cloud, network: Object, text: str) -> Object:
    shared = {key: network[key] for key in ("created_at", "updated_at", "project_id", "vpc_id", "region")}
    return {"id": cloud.new_id(), "subnet": text, "private_network_id": network["id"], **shared}


@SERVICE.get("/private-networks")
def list_networks(call: Call) -> Object:
    networks = equal(call, in_region(call, NETWORK), "vpc_id", "dhcp_enabled")
    chosen = call.asked_all("private_network_ids")
    return plain_list(
        call, "private_networks", [network for network in networks if not chosen or network["id"] in chosen]
    )


@SERVICE.post("/private-networks")
def create_network(call: Call) -> Object:
    body, cloud = call.body, call.cloud
    cloud.check_quota(NETWORK, NETWORK)
    project = cloud.project_of(body.get("project_id"))
    vpc = find(call, VPC, body["vpc_id"]) if body.get("vpc_id") else _default_vpc(call, project)
    moment = now()
    network: Object = {
        "id": cloud.new_id(),
        "name": body.get("name") or f"pn-{cloud.new_id()[:8]}",
        "tags": body.get("tags") or [],
        "organization_id": cloud.settings.organization,
        "created_at": moment,
        "updated_at": moment,
        "project_id": project,
        "subnets": [],
        "vpc_id": vpc["id"],
        "dhcp_enabled": True,
        "default_route_propagation_enabled": bool(body.get("default_route_propagation_enabled")),
        "has_s3_integration": False,
        "region": call.region,
    }
    asked = [_check_subnet(call, vpc, text) for text in body.get("subnets") or []]
    texts = [text for text in asked if ":" not in text] or [_free_subnet(call, vpc)]
    texts += [text for text in asked if ":" in text] or [_ula(cloud)]
    network["subnets"] = [_subnet(cloud, network, text) for text in texts]
    return cloud.store.put(NETWORK, network)


@SERVICE.get("/private-networks/{network}")
def get_network(call: Call) -> Object:
    return find(call, NETWORK, call["network"])


@SERVICE.patch("/private-networks/{network}")
def update_network(call: Call) -> Object:
    return change(
        call, NETWORK, find(call, NETWORK, call["network"]), ("name", "tags", "default_route_propagation_enabled")
    )


@SERVICE.delete("/private-networks/{network}")
def delete_network(call: Call) -> Reply:
    network = find(call, NETWORK, call["network"])
    if any(
        nic["private_network_id"] == network["id"] and not _going(call.cloud, nic)
        for nic in call.cloud.store.iterate("instance_private_nic")
    ):
        raise errors.precondition("resource_still_in_use", "the private network still has NICs")
    if any(
        network["id"] in [part["private_network_id"] for part in lb["private_networks"]]
        for lb in call.cloud.store.iterate("lb")
    ):
        raise errors.precondition("resource_still_in_use", "the private network is attached to a load balancer")
    if any(
        _is_in(owner, network) for kind in ("rdb_instance", "rdb_replica") for owner in call.cloud.store.iterate(kind)
    ):
        raise errors.precondition("resource_still_in_use", "the private network is attached to a database instance")
    for ip in call.cloud.store.list("ipam_ip"):
        if ip["private_network_id"] == network["id"]:
            call.cloud.store.delete("ipam_ip", ip["id"])
    call.cloud.store.delete(NETWORK, network["id"])
    return NO_CONTENT


def _going(cloud: Cloud, nic: Object) -> bool:
    """NICs of a server that is being terminated do not hold the network."""
    server = cloud.store.get("instance_server", nic["server_id"])
    return server is not None and server["state_detail"] == "terminating"


def _is_in(owner: Object, network: Object) -> bool:
    """Whether a database answers in a network; one that is being deleted does not hold it."""
    places = [(one.get("private_network") or {}).get("private_network_id") for one in owner["endpoints"]]
    return network["id"] in places and owner["status"] != "deleting"


@SERVICE.post("/private-networks/{network}/enable-dhcp")
def enable_dhcp(call: Call) -> Object:
    return get_network(call)


@SERVICE.get("/subnets")
def list_subnets(call: Call) -> Object:
    chosen = call.asked_all("subnet_ids")
    everywhere = (subnet for network in in_region(call, NETWORK) for subnet in network["subnets"])
    subnets = [subnet for subnet in everywhere if not chosen or subnet["id"] in chosen]
    return plain_list(call, "subnets", equal(call, subnets, "vpc_id", "private_network_id"))

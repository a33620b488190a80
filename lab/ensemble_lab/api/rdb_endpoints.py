# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed databases v1: where instances and read replicas can be reached."""

from __future__ import annotations

import ipaddress

from ensemble_lab import errors
from ensemble_lab.api import ipam
from ensemble_lab.api.rdb import INSTANCE, REPLICA, SERVICE, change, change_replica, endpoints_view, ready_instance
from ensemble_lab.cloud import Cloud
from ensemble_lab.store import Object
from ensemble_lab.web.service import NO_CONTENT, Call, Reply

PORT = 5432


def new_endpoint(call: Call, owner: Object, spec: Object) -> Object:
    """What one entry of ``init_endpoints`` or ``endpoint_spec`` asks for: public, private or (replicas) direct."""
    ident = call.cloud.new_id()
    if spec.get("private_network") is not None:
        return {"id": ident, "state": "coming", "name": None, "port": PORT, **_private(call, owner, spec)}
    for kind, port in (("load_balancer", 1024 + call.cloud.random_int(28_000)), ("direct_access", PORT)):
        if spec.get(kind) is not None:
            address = call.cloud.driver.allocate_address("inet")
            return {"id": ident, "state": "coming", "name": None, "ip": address, "port": port, kind: {}}
    raise errors.required("endpoint_spec")


def _private(call: Call, owner: Object, spec: Object) -> Object:
    """A static address is taken as it is; else IPAM gives one."""
    asked = spec["private_network"]
    network = call.cloud.store.get("private_network", asked.get("private_network_id"))
    if network is None or network["region"] != call.region:
        raise errors.not_found("private_network", str(asked.get("private_network_id")))
    static = asked.get("service_ip")
    if static:
        try:
            ipaddress.ip_interface(static)
        except ValueError:
            raise errors.constraint("service_ip", f"{static} is not an address with its prefix length") from None
    instance_id = owner.get("instance_id") or owner["id"]
    mac = call.cloud.new_mac("02:00:00").upper()
    holder = {"type": "rdb_instance", "id": instance_id, "mac_address": mac, "name": owner.get("name") or ""}
    full = ipam.take_for(call.cloud, network, holder, static)
    details = {
        "private_network_id": network["id"],
        "service_ip": full,
        "zone": call.zone,
        "provisioning_mode": "static" if static else "ipam",
    }
    return {"ip": full.partition("/")[0], "private_network": details}


def release(cloud: Cloud, endpoint: Object) -> None:
    network = endpoint.get("private_network")
    if network:
        ipam.release_address(cloud, network["private_network_id"], network["service_ip"])


@SERVICE.post("/instances/{instance}/endpoints")
def create_endpoint(call: Call) -> Object:
    """A public endpoint has no address before the instance has taken it."""
    instance = ready_instance(call)
    call.need("endpoint_spec")
    spec = call.body["endpoint_spec"]
    if not isinstance(spec, dict):
        raise errors.constraint("endpoint_spec", "an object is expected")
    if spec.get("load_balancer") is not None and any("load_balancer" in one for one in instance["endpoints"]):
        raise errors.constraint("endpoint_spec", "the instance has a public endpoint")
    endpoint = new_endpoint(call, instance, spec)
    instance["endpoints"].append(endpoint)
    change(call, instance, "initializing")
    shown = [one for one in endpoints_view(instance) if one["id"] == endpoint["id"]]
    return shown[0] if shown else {"id": "", "name": None, "port": 0}


def _owner_of(call: Call) -> tuple[str, Object, Object]:
    """Kind, owner and endpoint of the path."""
    for kind in (INSTANCE, REPLICA):
        for owner in call.cloud.store.iterate(kind):
            for endpoint in owner["endpoints"]:
                if endpoint["id"] == call["endpoint"] and owner["region"] == call.region:
                    return kind, owner, endpoint
    raise errors.not_found("endpoint", call["endpoint"])


@SERVICE.get("/endpoints/{endpoint}")
def get_endpoint(call: Call) -> Object:
    _kind, owner, endpoint = _owner_of(call)
    shown = [one for one in endpoints_view(owner) if one["id"] == endpoint["id"]]
    if not shown:
        raise errors.not_found("endpoint", call["endpoint"])
    return shown[0]


@SERVICE.delete("/endpoints/{endpoint}")
def delete_endpoint(call: Call) -> Reply:
    kind, owner, endpoint = _owner_of(call)
    if owner["status"] != "ready":
        raise errors.transient("instance", owner["id"], owner["status"])
    endpoint["state"] = "going"
    release(call.cloud, endpoint)
    if kind == INSTANCE:
        change(call, owner, "configuring")
    else:
        change_replica(call, owner, "configuring")
    return NO_CONTENT


@SERVICE.post("/endpoints/{endpoint}/migrate")
def migrate_endpoint(call: Call) -> Object:
    """To another instance, which then answers at the same place."""
    kind, owner, endpoint = _owner_of(call)
    call.need("instance_id")
    if kind != INSTANCE:
        raise errors.constraint("endpoint_id", "an endpoint of a read replica stays there")
    ready_instance(call, owner["id"])
    other = ready_instance(call, call.body["instance_id"])
    owner["endpoints"].remove(endpoint)
    other["endpoints"].append(endpoint)
    change(call, owner, "configuring")
    change(call, other, "configuring")
    return {name: value for name, value in endpoint.items() if name != "state"}

# SPDX-License-Identifier: GPL-3.0-or-later
"""Private NICs of servers: instance v1, and the v2alpha1 form of the same objects."""

from __future__ import annotations

from ensemble_lab import errors
from ensemble_lab.api import ipam
from ensemble_lab.api.instance import SERVICE, comma_tags, created, find, touch
from ensemble_lab.api.instance_machines import server_update, start_update
from ensemble_lab.api.instance_v2 import SERVICE as V2
from ensemble_lab.api.instance_views import nic_view
from ensemble_lab.cloud import Cloud
from ensemble_lab.jobs import job
from ensemble_lab.store import Object
from ensemble_lab.times import now_instance, plain
from ensemble_lab.web.lists import having_tags, instance_list, token_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply

KIND = "instance_private_nic"
MOST_NICS = 8


def new_nic(call: Call, server: Object, network_id: str, ip_ids: list[str], tags: list[str]) -> Object:
    """A NIC with its addresses; it is there at once on a stopped server, and has to be plugged into a running one."""
    cloud = call.cloud
    network = cloud.store.get("private_network", network_id)
    if network is None or network["region"] != call.region:
        raise errors.not_found("private_network", network_id)
    if len(server["private_nics"]) >= MOST_NICS:
        raise errors.quota(KIND, MOST_NICS, len(server["private_nics"]))
    if any(cloud.store.get(KIND, ident)["private_network_id"] == network_id for ident in server["private_nics"]):  # type: ignore[index]
        raise errors.constraint("private_network_id", "the server already is in this private network")
    moment = now_instance()
    running = server["state"] not in ("stopped", "stopped in place")
    nic = {
        "id": cloud.new_id(),
        "private_network_id": network_id,
        "server_id": server["id"],
        "mac_address": cloud.new_mac("02:00:00"),
        "state": "attaching" if running else "available",
        "creation_date": moment,
        "modification_date": moment,
        "zone": call.zone,
        "tags": tags,
        "project": server["project"],
    }
    resource = {"type": KIND, "id": nic["id"], "mac_address": nic["mac_address"].upper(), "name": server["name"]}
    nic["ipam_ip_ids"] = ipam.take(cloud, network, ip_ids, resource)
    cloud.store.put(KIND, nic)
    server["private_nics"].append(nic["id"])
    cloud.store.put("instance_server", server)
    cloud.jobs.start(private_nic_attach, [server["id"]], nic_id=nic["id"])
    return nic


@job
async def private_nic_attach(cloud: Cloud, nic_id: str) -> None:
    nic = cloud.store.get(KIND, nic_id)
    if nic is None:
        return
    await server_update(cloud, nic["server_id"])
    if nic["state"] == "attaching":
        cloud.jobs.start(private_nic_attached, [nic_id], nic_id=nic_id)


@job
async def private_nic_attached(cloud: Cloud, nic_id: str) -> None:
    """Plugging into a running server takes a while."""
    await cloud.pretend(5.0, 56.0, 106.0)
    nic = cloud.store.get(KIND, nic_id)
    if nic:
        nic["state"] = "available"
        touch(nic)
        cloud.store.put(KIND, nic)


def remove(cloud: Cloud, nic: Object) -> None:
    """Unplug a NIC and free its addresses (booked ones stay booked)."""
    ipam.release(cloud, nic["id"])
    cloud.store.delete(KIND, nic["id"])
    server = cloud.store.get("instance_server", nic["server_id"])
    if server:
        server["private_nics"] = [ident for ident in server["private_nics"] if ident != nic["id"]]
        cloud.store.put("instance_server", server)
        start_update(cloud, server)


def _server(call: Call) -> Object:
    return find(call, "instance_server", call["server"])


def _nics(call: Call, server: Object) -> list[Object]:
    return [nic for ident in server["private_nics"] if (nic := call.cloud.store.get(KIND, ident))]


@SERVICE.get("/servers/{server}/private_nics")
def list_nics(call: Call) -> Reply:
    return instance_list(call, "private_nics", having_tags(_nics(call, _server(call)), comma_tags(call)), nic_view)


@SERVICE.post("/servers/{server}/private_nics")
def create_nic(call: Call) -> Reply:
    server = _server(call)
    call.need("private_network_id")
    body = call.body
    nic = new_nic(
        call,
        server,
        body["private_network_id"],
        body.get("ipam_ip_ids") or body.get("ip_ids") or [],
        body.get("tags") or [],
    )
    return created(call, "private_nic", nic["id"], nic_view(nic))


def _find(call: Call) -> Object:
    nic = find(call, KIND, call["nic"])
    if call.params.get("server", nic["server_id"]) != nic["server_id"]:
        raise errors.not_found(KIND, nic["id"])
    return nic


@SERVICE.get("/servers/{server}/private_nics/{nic}")
def get_nic(call: Call) -> Object:
    return {"private_nic": nic_view(_find(call))}


@SERVICE.patch("/servers/{server}/private_nics/{nic}")
def update_nic(call: Call) -> Object:
    nic = _find(call)
    if call.body.get("tags") is not None:
        nic["tags"] = call.body["tags"]
    touch(nic)
    call.cloud.store.put(KIND, nic)
    return {"private_nic": nic_view(nic)}


@SERVICE.delete("/servers/{server}/private_nics/{nic}")
def delete_nic(call: Call) -> Reply:
    remove(call.cloud, _find(call))
    return NO_CONTENT


# v2alpha1


def _view_v2(nic: Object) -> Object:
    return {
        "id": nic["id"],
        "private_network_id": nic["private_network_id"],
        "project_id": nic["project"],
        "server_id": nic["server_id"],
        "security_group_id": "",
        "mac_address": nic["mac_address"],
        "status": nic["state"],
        "ip_ids": nic["ipam_ip_ids"],
        "tags": nic["tags"],
        "created_at": plain(nic["creation_date"]),
        "updated_at": plain(nic["modification_date"]),
    }


@V2.get("/private-network-interfaces")
def list_nics_v2(call: Call) -> Object:
    servers = call.asked_all("server_ids")
    networks = call.asked_all("private_network_ids")
    found = [
        nic
        for nic in call.cloud.store.iterate(KIND)
        if nic["zone"] == call.zone
        and call.asked("project_id") in (None, nic["project"])
        and (not servers or nic["server_id"] in servers)
        and (not networks or nic["private_network_id"] in networks)
    ]
    return token_list(call, "private_network_interfaces", having_tags(found, call.asked_all("tags")), _view_v2)


@V2.post("/private-network-interfaces")
def create_nic_v2(call: Call) -> Object:
    call.need("private_network_id", "server_id")
    body = call.body
    server = find(call, "instance_server", body["server_id"])
    return _view_v2(new_nic(call, server, body["private_network_id"], body.get("ip_ids") or [], body.get("tags") or []))


@V2.get("/private-network-interfaces/{nic}")
def get_nic_v2(call: Call) -> Object:
    return _view_v2(_find(call))


@V2.patch("/private-network-interfaces/{nic}")
def update_nic_v2(call: Call) -> Object:
    update_nic(call)
    return _view_v2(_find(call))


@V2.delete("/private-network-interfaces/{nic}")
def delete_nic_v2(call: Call) -> Reply:
    return delete_nic(call)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance v1: products (server types with price and stock, volume types), and the usage of the account."""

from __future__ import annotations

from collections import Counter

from ensemble_lab.api.instance import SERVICE, find, in_zone
from ensemble_lab.api.instance_v2 import SERVICE as V2
from ensemble_lab.api.instance_volumes import TYPES as VOLUME_TYPES
from ensemble_lab.catalog.server_types import server_types
from ensemble_lab.store import Object
from ensemble_lab.web.lists import instance_page, token_list
from ensemble_lab.web.service import Call, Reply


@SERVICE.get("/products/servers")
def list_types(call: Call) -> Reply:
    types = server_types(call.zone)
    page, headers = instance_page(call, list(types))
    return Reply(200, {"servers": {name: types[name] for name in page}}, headers)


@SERVICE.get("/products/servers/availability")
def list_stock(call: Call) -> Reply:
    page, headers = instance_page(call, list(server_types(call.zone)))
    gone = call.cloud.out_of_stock
    return Reply(
        200,
        {"servers": {name: {"availability": "shortage" if name in gone else "available"} for name in page}},
        headers,
    )


@SERVICE.get("/products/volumes")
def list_volume_types(call: Call) -> Reply:
    page, headers = instance_page(call, list(VOLUME_TYPES.items()))
    types = {
        name: {
            "display_name": shown,
            "capabilities": {"snapshot": snapshot},
            "constraints": {"min": 10**9, "max": most * 10**9},
        }
        for name, (shown, most, snapshot) in page
    }
    return Reply(200, {"volumes": types}, headers)


@SERVICE.get("/servers/{server}/compatible-types")
def list_compatible_types(call: Call) -> Object:
    """What a server can become: types of its architecture with room for its local disks."""
    server = find(call, "instance_server", call["server"])
    types = server_types(call.zone)
    local = sum(volume["size"] for volume in _local_volumes(call, server))
    names = [
        name
        for name, known in types.items()
        if known["arch"] == server["arch"]
        and not known["end_of_service"]
        and known["volumes_constraint"]["max_size"] >= local
        and name.endswith("-WIN") == server["commercial_type"].endswith("-WIN")
        and name != server["commercial_type"]
    ]
    return {"compatible_types": names}


def _local_volumes(call: Call, server: Object) -> list[Object]:
    held = (call.cloud.store.get("instance_volume", ident) for ident in server["volumes"].values())
    return [volume for volume in held if volume and volume["volume_type"] == "l_ssd"]


@SERVICE.get("/dashboard")
def get_dashboard(call: Call) -> Object:
    """How much of everything there is in the zone."""
    servers, volumes, ips = (in_zone(call, f"instance_{kind}") for kind in ("server", "volume", "ip"))
    local = [volume for volume in volumes if volume["volume_type"] == "l_ssd"]
    reserved = [ip for ip in ips if not ip["dynamic"]]
    counts = {
        f"{name}s_count": len(in_zone(call, f"instance_{name}"))
        for name in ("volume", "image", "snapshot", "server", "security_group", "private_nic", "placement_group")
    }
    dashboard = counts | {
        "running_servers_count": sum(server["state"] == "running" for server in servers),
        "servers_by_types": dict(Counter(server["commercial_type"] for server in servers)),
        "ips_count": len(reserved),
        "ips_unused": sum(ip["server"] is None for ip in reserved),
        "volumes_l_ssd_count": len(local),
        "volumes_l_ssd_total_size": sum(volume["size"] for volume in local),
        "volumes_scratch_count": len(volumes) - len(local),
    }
    return {"dashboard": dashboard}


# v2alpha1


@V2.get("/server-types")
def list_types_v2(call: Call) -> Object:
    gone = call.cloud.out_of_stock
    types = [
        {
            "name": name,
            "vcpu_count": known["ncpus"],
            "gpu_count": known["gpu"] or 0,
            "memory": known["ram"],
            "architecture": known["arch"],
            "availability": "shortage" if name in gone else "available",
            "end_of_service": known["end_of_service"],
            "limits": None,
            "gpu_info": None,
        }
        for name, known in server_types(call.zone).items()
    ]
    return token_list(call, "server_types", types, lambda entry: entry)


@V2.get("/resource-counts")
def get_resource_counts(call: Call) -> Object:
    counts = get_dashboard(call)["dashboard"]
    shown = {
        f"{name}s": counts[f"{name}s_count"]
        for name in ("server", "security_group", "placement_group", "snapshot", "volume", "image")
    }
    gpus = {name for name, known in server_types(call.zone).items() if known["gpu"]}
    return shown | {
        "gpu_servers": sum(number for name, number in counts["servers_by_types"].items() if name in gpus),
        "servers_by_type": counts["servers_by_types"],
        "volumes_l_ssd": counts["volumes_l_ssd_count"],
        "volumes_l_ssd_total_size": counts["volumes_l_ssd_total_size"],
        "volumes_scratch": counts["volumes_scratch_count"],
        "private_network_interfaces": counts["private_nics_count"],
        "templates": len(in_zone(call, "instance_template")),
        "flexible_ips": counts["ips_count"],
        "unused_flexible_ips": counts["ips_unused"],
    }

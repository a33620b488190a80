# SPDX-License-Identifier: GPL-3.0-or-later
"""Views of servers and their parts: the store holds references, the API shows whole objects."""

from __future__ import annotations

import ipaddress
from typing import Any

from ensemble_lab.cloud import Cloud
from ensemble_lab.store import Object

ACTIONS = {
    "stopped": ["poweron", "backup"],
    "starting": ["stop_in_place", "backup"],
    "stopping": ["stop_in_place", "backup"],
    "running": ["poweroff", "terminate", "reboot", "stop_in_place", "backup"],
    "stopped in place": ["poweron", "poweroff", "terminate", "reboot", "backup"],
}
GATEWAY = "62.210.0.1"


def server_seen(cloud: Cloud, ident: str | None) -> Object | None:
    """The server of an id as GET shows it."""
    server = cloud.store.get("instance_server", ident)
    return server and server_view(cloud, server)


def machine_of(cloud: Cloud, volume: Object) -> Object | None:
    """The server that a volume (of either kind) is attached to, as GET shows it."""
    if "volume_type" in volume:
        return server_seen(cloud, volume.get("server"))
    held_by = (each for each in volume["references"] if each["product_resource_type"] == "instance_server")
    return next((server_seen(cloud, each["product_resource_id"]) for each in held_by), None)


def server_view(cloud: Cloud, server: Object) -> Object:
    """A server as GET /servers/ID shows it (without the envelope)."""
    store = cloud.store
    volumes = {
        index: {"boot": ident == server.get("boot_volume"), **attached_volume(cloud, ident)}
        for index, ident in server["volumes"].items()
    }
    ips = [store.get("instance_ip", ident) for ident in server["public_ips"]]
    public_ips = ips_view([ip for ip in ips if ip], server)
    group = store.get("instance_security_group", server["security_group"])
    placement = store.get("instance_placement_group", server["placement_group"])
    nics = [nic for ident in server["private_nics"] if (nic := store.get("instance_private_nic", ident))]
    busy = any(volume["volume_type"] != "sbs_volume" and volume["state"] != "available" for volume in volumes.values())
    return {
        "id": server["id"],
        "name": server["name"],
        "arch": server["arch"],
        "commercial_type": server["commercial_type"],
        "boot_type": server["boot_type"],
        "organization": server["organization"],
        "project": server["project"],
        "hostname": server["hostname"],
        "image": server["image"],
        "volumes": volumes,
        "tags": server["tags"],
        "state": server["state"],
        "protected": server["protected"],
        "state_detail": server["state_detail"],
        "public_ip": public_ips[0] if public_ips else None,
        "public_ips": public_ips,
        "mac_address": server["mac_address"],
        "routed_ip_enabled": True,
        "ipv6": None,
        "extra_networks": [],
        "dynamic_ip_required": server["dynamic_ip_required"],
        "enable_ipv6": False,
        "private_ip": None,
        "creation_date": server["creation_date"],
        "modification_date": server["modification_date"],
        "bootscript": None,
        "security_group": {"id": group["id"], "name": group["name"]} if group else None,
        "location": server["location"],
        "maintenances": [],
        "allowed_actions": [] if busy else ACTIONS[server["state"]],
        "placement_group": placement and {**placement_group_view(placement), "policy_respected": False},
        "private_nics": [nic_view(nic) for nic in nics],
        "zone": server["zone"],
        "filesystems": server["filesystems"],
        "end_of_service": server["end_of_service"],
        "dns": f"{server['id']}.pub.instances.scw.cloud",
        "admin_password_encryption_ssh_key_id": server["admin_password_encryption_ssh_key_id"],
    }


def attached_volume(cloud: Cloud, ident: str) -> Object:
    """A volume inside a server: local ones whole, block ones hardly more than their id."""
    local = cloud.store.get("instance_volume", ident)
    if local:
        return volume_view(cloud, local)
    block = cloud.store.get("block_volume", ident)
    zone = block["zone"] if block else None
    return {"volume_type": "sbs_volume", "id": ident, "state": "available", "zone": zone}


def volume_view(cloud: Cloud, volume: Object) -> Object:
    """A local volume as instance v1 shows it."""
    server = cloud.store.get("instance_server", volume["server"])
    return {
        "id": volume["id"],
        "name": volume["name"],
        "volume_type": volume["volume_type"],
        "export_uri": None,
        "organization": volume["organization"],
        "project": volume["project"],
        "server": {"id": server["id"], "name": server["name"]} if server else None,
        "size": volume["size"],
        "state": volume["state"],
        "creation_date": volume["creation_date"],
        "modification_date": volume["modification_date"],
        "tags": volume["tags"],
        "zone": volume["zone"],
    }


def ips_view(ips: list[Object], server: Object) -> list[Object]:
    """Addresses inside a server; the first IPv4 comes by DHCP, further ones the guest must configure."""
    shown, first = [], True
    for ip in ips:
        if ip["type"] == "routed_ipv6":
            family, netmask, mode = "inet6", "64", "slaac"
            address, gateway = _slaac(ip["prefix"], server["mac_address"])
        else:
            family, netmask, mode = "inet", "32", "dhcp" if first else "manual"
            address, gateway, first = ip["address"], GATEWAY, False
        shown.append(
            {
                "id": ip["id"],
                "address": address,
                "dynamic": ip["dynamic"],
                "gateway": gateway,
                "netmask": netmask,
                "family": family,
                "provisioning_mode": mode,
                "tags": ip["tags"],
                "state": ip["state"],
                "ipam_id": ip["ipam_id"],
            }
        )
    return shown


def _slaac(prefix: str, mac: str) -> tuple[str, str]:
    """The address that a guest makes of its prefix and MAC, and its gateway one further."""
    parts = [int(part, 16) for part in mac.split(":")]
    tail = bytes([parts[0] ^ 2, *parts[1:3], 0xFF, 0xFE, *parts[3:]])
    network = ipaddress.ip_network(prefix)
    number = int.from_bytes(tail, "big")
    return str(network[number]), str(ipaddress.ip_address((0xFE80 << 112) + number + 1))


def ip_view(cloud: Cloud, ip: Object) -> Object:
    server = cloud.store.get("instance_server", ip["server"])
    return {
        "id": ip["id"],
        "address": ip["address"],
        "prefix": ip["prefix"],
        "reverse": ip["reverse"],
        "server": {"id": server["id"], "name": server["name"]} if server else None,
        "organization": ip["organization"],
        "project": ip["project"],
        "zone": ip["zone"],
        "type": ip["type"],
        "state": ip["state"],
        "tags": ip["tags"],
        "ipam_id": ip["ipam_id"],
    }


def nic_view(nic: Object) -> Object:
    return {
        key: nic[key]
        for key in (
            "id",
            "private_network_id",
            "server_id",
            "mac_address",
            "state",
            "creation_date",
            "modification_date",
            "zone",
            "tags",
            "ipam_ip_ids",
        )
    }


def placement_group_view(group: Object) -> Object:
    return {
        key: group[key]
        for key in (
            "id",
            "name",
            "organization",
            "project",
            "policy_mode",
            "policy_type",
            "policy_respected",
            "tags",
            "zone",
        )
    }


def server_conf(cloud: Cloud, server_id: str) -> Object:
    """What the metadata service answers to ``/conf?format=json``."""
    server = cloud.store.get("instance_server", server_id)
    assert server is not None
    shown: dict[str, Any] = server_view(cloud, server)
    keys = [
        key for key in cloud.store.iterate("ssh_key") if key["project_id"] == server["project"] and not key["disabled"]
    ]
    return {
        **shown,
        "public_ips_v4": [ip for ip in shown["public_ips"] if ip["family"] == "inet"],
        "public_ips_v6": [ip for ip in shown["public_ips"] if ip["family"] == "inet6"],
        "timezone": "UTC",
        "location": shown["location"] or {},
        "ssh_public_keys": [
            {
                "id": key["id"],
                "key": key["public_key"],
                "fingerprint": key["fingerprint"],
                "description": key["name"],
                "creation_date": key["created_at"],
                "modification_date": key["updated_at"],
            }
            for key in keys
        ],
    }

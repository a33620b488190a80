# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance v2alpha1: servers, by the names of the SDK (nobody has recorded them). What they do is what v1 does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ensemble_lab import errors
from ensemble_lab.api import instance_actions, instance_disks, instance_ips, instance_servers
from ensemble_lab.api.instance import find, in_zone, touch
from ensemble_lab.api.instance_machines import start_update
from ensemble_lab.api.instance_servers import KIND
from ensemble_lab.api.instance_v2 import SERVICE
from ensemble_lab.api.instance_views import server_view
from ensemble_lab.cloud import Cloud, driver_volume
from ensemble_lab.jobs import job
from ensemble_lab.store import Object
from ensemble_lab.times import plain
from ensemble_lab.web.lists import containing, having_tags, token_list
from ensemble_lab.web.service import Call, Handler, Reply

_STATUS = {"running": "started", "stopped in place": "paused"}
_STATUS_ON_THE_WAY = {"stopping in place": "pausing", "rebooting": "rebooting"}
_VERBS = {"start": "poweron", "stop": "poweroff", "pause": "stop_in_place", "reboot": "reboot"}
_SUMMARY = (
    "id",
    "name",
    "project_id",
    "tags",
    "server_type",
    "status",
    "architecture",
    "rescue_mode",
    "placement_group_id",
    "created_at",
    "updated_at",
)


def _status(server: Object) -> str:
    state = server["state"]
    return str(_STATUS_ON_THE_WAY.get(server["state_detail"], _STATUS.get(state, state)))


def view(cloud: Cloud, server: Object) -> Object:
    """A server in the words of v2alpha1."""
    shown = server_view(cloud, server)
    volumes = shown["volumes"].values()
    boot = next((volume for volume in volumes if volume["boot"]), shown["volumes"].get("0"))
    return {
        "id": server["id"],
        "name": server["name"],
        "project_id": server["project"],
        "tags": server["tags"],
        "server_type": server["commercial_type"],
        "status": _status(server),
        "status_detail": server["state_detail"],
        "volumes": [{"id": each["id"], "volume_type": each["volume_type"].removesuffix("_volume")} for each in volumes],
        "filesystems": [],
        "architecture": server["arch"],
        "private_network_interfaces": [_nic(nic) for nic in shown["private_nics"]],
        "public_network_interface": _public_interface(shown),
        "rescue_mode": server["boot_type"] == "rescue",
        "placement_group_id": server["placement_group"],
        "boot_volume_id": boot["id"] if boot else None,
        "windows_rdp_password": None,
        "created_at": plain(server["creation_date"]),
        "updated_at": plain(server["modification_date"]),
        "zone": server["zone"],
    }


def _nic(nic: Object) -> Object:
    same = {name: nic[name] for name in ("id", "private_network_id", "mac_address")}
    return same | {"status": nic["state"], "ip_ids": nic["ipam_ip_ids"], "security_group_id": ""}


def _public_interface(shown: Object) -> Object:
    ips = [
        {"id": ip["id"], "dynamic": ip["dynamic"], "status": ip["state"], "default": number == 0}
        for number, ip in enumerate(shown["public_ips"])
    ]
    group = shown["security_group"]
    return {
        "status": "available",
        "mac_address": shown["mac_address"],
        "security_group_id": group["id"] if group else "",
        "ips": ips,
        "dns": shown["dns"],
    }


def _found(call: Call) -> Object:
    return find(call, KIND, call["server"])


def _as_v1(call: Call, body: Object) -> Call:
    """The call that v1 would have got."""
    return replace(call, body=body)


@SERVICE.get("/servers")
def list_servers(call: Call) -> Object:
    servers = having_tags(containing(call, in_zone(call, KIND)), call.asked_all("tags"))
    for name, field in (
        ("server_ids", "id"),
        ("project_id", "project"),
        ("placement_group_ids", "placement_group"),
        ("security_group_ids", "security_group"),
        ("server_type", "commercial_type"),
        ("mac_addresses", "mac_address"),
    ):
        desired = call.asked_all(name)
        servers = [server for server in servers if not desired or server[field] in desired]

    def summary(server: Object) -> Object:
        shown = view(call.cloud, server)
        return {name: shown[name] for name in _SUMMARY}

    return token_list(call, "servers", servers, summary, order="created_at_desc")


@SERVICE.post("/servers")
def create_server(call: Call) -> Object:
    """Disks are a list here, each there already or to be made; addresses likewise."""
    call.need("name", "server_type")
    body, public = call.body, call.body.get("public_network_interface") or {}
    asked: Any = body.get("volumes") or []
    group = public.get("security_group_id")
    asked_ips: Any = public.get("ips") or []
    if not all(isinstance(item, dict) for item in [*asked, *asked_ips]):
        raise errors.invalid(("volumes", "format", "a list of objects is expected"))
    old: Object = {
        "name": body["name"],
        "commercial_type": body["server_type"],
        "project": body.get("project_id"),
        "tags": body.get("tags"),
        "placement_group": body.get("placement_group_id"),
        "admin_password_encryption_ssh_key_id": body.get("windows_rdp_ssh_key_id"),
        "image": next((new["image_label"] for new in _new_disks(asked) if new.get("image_label")), None),
        "volumes": {str(index): _template(disk) for index, disk in enumerate(asked)},
        "dynamic_ip_required": False,
        "security_group": group,
        "public_ips": [ip["ipam_ip_id"] for ip in asked_ips if ip.get("ipam_ip_id")],
    }
    reply = instance_servers.create_server(_as_v1(call, old))
    server = call.cloud.store.get(KIND, reply.body["server"]["id"]) or {}
    for ip in asked_ips:
        if isinstance(ip.get("new_ip"), dict):
            _give_new_ip(call, server, ip["new_ip"])
    return view(call.cloud, server)


def _new_disks(asked: list[Object]) -> list[Object]:
    return [disk["new_volume"] for disk in asked if isinstance(disk.get("new_volume"), dict)]


def _template(disk: Object) -> Object:
    kind, new = str(disk.get("volume_type") or "sbs"), disk.get("new_volume")
    template: Object = {"volume_type": "sbs_volume" if kind == "sbs" else kind}
    if not isinstance(new, dict):
        return template | {"id": disk.get("volume_id")}
    return template | {"name": new.get("name"), "size": new.get("size"), "base_snapshot": new.get("base_snapshot_id")}


def _give_new_ip(call: Call, server: Object, asked: Object) -> None:
    kind = "routed_ipv6" if str(asked.get("type")).endswith("ipv6") else "routed_ipv4"
    owned_by = instance_disks.owner_of(server)
    ip = instance_ips.new_ip(call.cloud, call.zone, owned_by, kind, asked.get("tags"))
    instance_ips.attach(call.cloud, ip, server)


@SERVICE.get("/servers/{server}")
def get_server(call: Call) -> Object:
    return view(call.cloud, _found(call))


@SERVICE.patch("/servers/{server}")
def update_server(call: Call) -> Object:
    body, old = call.body, {}
    for name, v1 in (
        ("name", "name"),
        ("tags", "tags"),
        ("server_type", "commercial_type"),
        ("protected", "protected"),
    ):
        if body.get(name) is not None:
            old[v1] = body[name]
    if "placement_group_id" in body:
        old["placement_group"] = body["placement_group_id"] or None
    if body.get("rescue_mode") is not None:
        old["boot_type"] = "rescue" if body["rescue_mode"] else "local"
    public = body.get("public_network_interface") or {}
    if public.get("security_group_id"):
        old["security_group"] = public["security_group_id"]
    if body.get("boot_volume_id"):
        _set_boot_volume(call, body["boot_volume_id"])
    instance_servers.update_server(_as_v1(call, old))
    return get_server(call)


def _set_boot_volume(call: Call, ident: str) -> None:
    server = _found(call)
    if ident not in server["volumes"].values():
        raise errors.constraint("boot_volume_id", f"Volume {ident} is not attached to this server")
    server["boot_volume"] = ident


@SERVICE.delete("/servers/{server}")
def delete_server(call: Call) -> Reply:
    return instance_servers.delete_server(call)


def _verb(action: str) -> Handler:
    def act(call: Call) -> Object:
        instance_actions.act(_as_v1(call, {"action": action}))
        return get_server(call)

    return act


for _name, _action in _VERBS.items():
    SERVICE.post(f"/servers/{{server}}/{_name}")(_verb(_action))


@SERVICE.post("/servers/{server}/stop-and-delete")
def stop_and_delete(call: Call) -> Object:
    """Terminate, and take along what is named (or all) of the block volumes and addresses that would stay."""
    server, body = _found(call), call.body
    volumes = list(server["volumes"].values())
    ips = [ip["id"] for ip in instance_ips.addresses_of(call.cloud, server) if not ip["dynamic"]]
    instance_actions.act(_as_v1(call, {"action": "terminate"}))
    going = {
        "volumes": [each for each in volumes if body.get("delete_all_volumes") or each in _named(call, "volume")],
        "ips": [each for each in ips if body.get("delete_all_ips") or each in _named(call, "ip")],
    }
    call.cloud.jobs.start(delete_what_stayed, [server["id"], *volumes], **going)
    return get_server(call)


def _named(call: Call, what: str) -> list[str]:
    return call.body.get(f"delete_{what}_ids") or []


@job
async def delete_what_stayed(cloud: Cloud, volumes: list[str], ips: list[str]) -> None:
    for ident in ips:
        cloud.store.delete(instance_ips.KIND, ident)
    for ident in volumes:
        block = cloud.store.get("block_volume", ident)
        if block and not block["references"]:
            cloud.store.delete("block_volume", ident)
            await cloud.driver.volume_delete(driver_volume(block))


# disks and addresses


@SERVICE.post("/servers/{server}/attach-volume")
def attach_volume(call: Call) -> Object:
    body = {"volume_id": call.body.get("volume_id"), "boot": call.body.get("boot_volume")}
    instance_servers.attach_volume(_as_v1(call, body))
    return get_server(call)


@SERVICE.post("/servers/{server}/detach-volume")
def detach_volume(call: Call) -> Object:
    instance_servers.detach_volume(call)
    return get_server(call)


@SERVICE.post("/servers/{server}/attach-ip")
def attach_ip(call: Call) -> Object:
    """``move_allowed``: take it from another server; ``default``: it becomes the first one."""
    server, ip = _found(call), _ip(call)
    if ip["server"] not in (None, server["id"]) and not call.body.get("move_allowed"):
        raise errors.constraint("ip_id", "the address is attached to another server")
    instance_ips.attach(call.cloud, ip, server)
    if call.body.get("default"):
        _put_first(server, ip)
    return _changed(call, server)


@SERVICE.post("/servers/{server}/detach-ip")
def detach_ip(call: Call) -> Object:
    server = _found(call)
    instance_ips.detach(call.cloud, _held_ip(call, server))
    return _changed(call, server)


@SERVICE.post("/servers/{server}/set-default-ip")
def set_default_ip(call: Call) -> Object:
    server = _found(call)
    _put_first(server, _held_ip(call, server))
    return _changed(call, server)


def _ip(call: Call) -> Object:
    call.need("ip_id")
    return instance_ips.find_ip(call, call.body["ip_id"])


def _held_ip(call: Call, server: Object) -> Object:
    ip = _ip(call)
    if ip["server"] != server["id"]:
        raise errors.constraint("ip_id", "the address is not attached to this server")
    return ip


def _put_first(server: Object, ip: Object) -> None:
    server["public_ips"] = [ip["id"], *(ident for ident in server["public_ips"] if ident != ip["id"])]


def _changed(call: Call, server: Object) -> Object:
    touch(server)
    start_update(call.cloud, call.cloud.store.put(KIND, server))
    return view(call.cloud, server)

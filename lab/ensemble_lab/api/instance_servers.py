# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance v1: servers. Their power actions are in instance_actions, their disks in instance_disks."""

from __future__ import annotations

import re
import uuid
from typing import Any

from ensemble_lab import errors
from ensemble_lab.api import instance_disks as disks
from ensemble_lab.api import instance_images, instance_ips, instance_placement_groups, instance_private_nics
from ensemble_lab.api import instance_security_groups as groups
from ensemble_lab.api.instance import SERVICE, comma_tags, created, find, in_zone, owner, touch
from ensemble_lab.api.instance_machines import start_update
from ensemble_lab.api.instance_views import server_seen, server_view
from ensemble_lab.catalog import images
from ensemble_lab.catalog.server_types import server_types
from ensemble_lab.cloud import Cloud, driver_volume
from ensemble_lab.jobs import job
from ensemble_lab.store import Object
from ensemble_lab.times import now_instance
from ensemble_lab.web.lists import containing, equal, having_tags, instance_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply

KIND = "instance_server"
_NAME = re.compile(r"^[\w.\- ]{1,255}$")


def hostname_of(name: str) -> str:
    """``Test_testing`` -> ``test-testing``."""
    return re.sub(r"[^a-z0-9.-]+", "-", name.lower()).strip("-") or "server"


def _check_name(name: Any) -> str:
    if not isinstance(name, str) or not _NAME.match(name):
        raise errors.constraint("name", "letters, digits, dots, spaces and dashes are expected")
    return name


def _check_type(call: Call, name: Any) -> Object:
    known = server_types(call.zone).get(name)
    if known is None:
        raise errors.constraint("commercial_type", f"{name} is not a server type of {call.zone}")
    return known


def _check_boot_type(name: str) -> str:
    if name not in ("local", "rescue", "bootscript"):
        raise errors.constraint("boot_type", f"{name} is not local or rescue")
    return name


def _is_uuid(text: Any) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except (ValueError, AttributeError, TypeError):
        return False


def _image(call: Call, asked: str | None, server_type: Object) -> Object | None:
    """The image asked for, by id or by marketplace label."""
    if not asked:
        return None
    if _is_uuid(asked):
        image = instance_images.find_image(call, asked)
    else:
        root = (call.body.get("volumes") or {}).get("0") or {}
        local = images.by_label(asked, call.zone, server_type["arch"], root.get("volume_type") == "l_ssd")
        if local is None:
            raise errors.not_found("instance_image", asked)
        image = images.instance_image(local["id"]) or {}
    if image["arch"] != server_type["arch"]:
        raise errors.constraint("image", f"an image for {image['arch']} does not run on {call.body['commercial_type']}")
    return image


@SERVICE.get("/servers")
def list_servers(call: Call) -> Reply:
    servers = having_tags(containing(call, in_zone(call, KIND)), comma_tags(call))
    servers = equal(call, servers, "state", "commercial_type", "placement_group", "security_group")
    chosen = call.asked("servers")
    if chosen:
        servers = [server for server in servers if server["id"] in chosen.split(",")]
    networks = (call.asked("private_networks") or call.asked("private_network") or "").split(",")
    if networks != [""]:
        servers = [server for server in servers if _in_networks(call, server, networks)]
    for name, present in (("without_ip", False), ("with_ip", True)):
        value = call.asked(name)
        if value:
            servers = [
                server for server in servers if _has_address(call, server, value if present else None) is present
            ]
    order = call.asked("order") or "creation_date_desc"
    if order.startswith("modification_date"):
        servers.sort(key=lambda server: server["modification_date"])
    if order.endswith("_desc"):
        servers = servers[::-1]
    return instance_list(call, "servers", servers, lambda server: server_view(call.cloud, server))


def _in_networks(call: Call, server: Object, networks: list[str]) -> bool:
    nics = [call.cloud.store.get("instance_private_nic", ident) for ident in server["private_nics"]]
    return any(nic and nic["private_network_id"] in networks for nic in nics)


def _has_address(call: Call, server: Object, address: str | None) -> bool:
    held = instance_ips.addresses_of(call.cloud, server)
    return any(address in (None, ip["address"]) for ip in held)


@SERVICE.post("/servers")
def create_server(call: Call) -> Reply:
    cloud, body = call.cloud, call.body
    call.need("commercial_type")
    cloud.check_quota(KIND, KIND)
    server_type = _check_type(call, body["commercial_type"])
    image = _image(call, body.get("image"), server_type)
    owned_by = owner(call)
    name = _check_name(body.get("name") or f"srv-{cloud.new_id()[:8]}")
    volumes = body.get("volumes") or {}
    if not isinstance(volumes, dict) or not all(str(index).isdigit() for index in volumes):
        raise errors.invalid(("volumes", "format", "a map of index to volume is expected"))
    ips = _asked_ips(call)
    group = _asked_group(call) or groups.default_group(call, owned_by["project"])
    if body.get("placement_group"):
        instance_placement_groups.check_room(call, body["placement_group"])
    moment = now_instance()
    server = {
        "id": cloud.new_id(),
        "name": name,
        "arch": server_type["arch"],
        "commercial_type": body["commercial_type"],
        "boot_type": _check_boot_type(body.get("boot_type") or "local"),
        **owned_by,
        "hostname": hostname_of(name),
        "image": image,
        "volumes": {},
        "tags": body.get("tags") or [],
        "state": "stopped",
        "protected": bool(body.get("protected")),
        "state_detail": "",
        "public_ips": [],
        "mac_address": cloud.new_mac("de:00:00"),
        "dynamic_ip_required": body.get("dynamic_ip_required") is not False,
        "creation_date": moment,
        "modification_date": moment,
        "security_group": group["id"],
        "location": None,
        "placement_group": body.get("placement_group"),
        "private_nics": [],
        "zone": call.zone,
        "filesystems": [],
        "end_of_service": server_type["end_of_service"],
        "admin_password_encryption_ssh_key_id": body.get("admin_password_encryption_ssh_key_id"),
    }
    made: list[str] = []
    try:
        makes = disks.lay_out(call, server, volumes, image)
        made = [make["volume"] for make in makes]
    except errors.ApiError:
        _undo_disks(call, server, volumes)
        raise
    cloud.store.put(KIND, server)
    for ip in ips:
        instance_ips.attach(cloud, ip, server)
    sources = [make["snapshot"] for make in makes if make["snapshot"]]
    cloud.jobs.start(server_create, [server["id"], *made, *sources], server_id=server["id"], makes=makes)
    return created(call, "server", server["id"], server_view(cloud, server))


def _undo_disks(call: Call, server: Object, templates: dict[str, Any]) -> None:
    """A refused server leaves no disks behind."""
    for index, ident in server["volumes"].items():
        disks.let_go(call.cloud, ident)
        if not (templates.get(index) or {}).get("id"):
            call.cloud.store.delete("instance_volume", ident)
            call.cloud.store.delete("block_volume", ident)


def _asked_group(call: Call) -> Object | None:
    """The security group of an id, or of an object with one."""
    asked = call.body.get("security_group")
    ident = asked.get("id") if isinstance(asked, dict) else asked
    return find(call, groups.KIND, ident) if ident else None


def _asked_ips(call: Call) -> list[Object]:
    """The addresses of ``public_ips`` (ids, or objects with one), or of the older ``public_ip``."""
    body = call.body
    asked = body.get("public_ips") or ([body["public_ip"]] if body.get("public_ip") else [])
    idents = [item.get("id") if isinstance(item, dict) else item for item in asked]
    texts = [ident for ident in idents if isinstance(ident, str)]
    if len(texts) < len(idents):
        raise errors.invalid(("public_ips", "format", "ids of addresses are expected"))
    return [instance_ips.find_ip(call, ident) for ident in texts]


@job
async def server_create(cloud: Cloud, server_id: str, makes: list[Object]) -> None:
    """Have the disks made, then the machine around them."""
    for make in makes:
        volume = cloud.store.get("instance_volume", make["volume"]) or cloud.store.get("block_volume", make["volume"])
        snapshot = cloud.store.get("instance_snapshot", make["snapshot"]) or cloud.store.get(
            "block_snapshot", make["snapshot"]
        )
        if volume:
            await cloud.driver.volume_create(
                driver_volume(volume), snapshot and driver_volume(snapshot), make["image_label"]
            )
    server = server_seen(cloud, server_id)
    if server:
        root_id = (server["volumes"].get("0") or {}).get("id")
        root = cloud.store.get("instance_volume", root_id) or cloud.store.get("block_volume", root_id)
        await cloud.driver.server_create(server, root and driver_volume(root))


@SERVICE.get("/servers/{server}")
def get_server(call: Call) -> Object:
    return {"server": server_view(call.cloud, find(call, KIND, call["server"]))}


@SERVICE.patch("/servers/{server}")
def update_server(call: Call) -> Object:
    server, body, cloud = find(call, KIND, call["server"]), call.body, call.cloud
    if body.get("name") is not None:
        server["name"] = _check_name(body["name"])
        server["hostname"] = hostname_of(server["name"])
        _rename_nics(cloud, server)
    if "placement_group" in body:
        _set_placement_group(call, server, body["placement_group"])
    if body.get("commercial_type") not in (None, server["commercial_type"]):
        _set_type(call, server, body["commercial_type"])
    server["security_group"] = (_asked_group(call) or {"id": server["security_group"]})["id"]
    if body.get("boot_type") is not None:
        server["boot_type"] = _check_boot_type(body["boot_type"])
    for name in ("tags", "protected"):
        if body.get(name) is not None:
            server[name] = body[name]
    if "admin_password_encryption_ssh_key_id" in body:
        server["admin_password_encryption_ssh_key_id"] = body["admin_password_encryption_ssh_key_id"] or None
    if body.get("volumes") is not None:
        disks.replace_all(call, server, body["volumes"])
    if body.get("public_ips") is not None:
        _set_ips(call, server, _asked_ips(call))
    if body.get("dynamic_ip_required") is not None:
        server["dynamic_ip_required"] = body["dynamic_ip_required"]
        apply_dynamic_ip(cloud, server)
    if body:
        touch(server)
        cloud.store.put(KIND, server)
        start_update(cloud, server)
    return {"server": server_view(cloud, server)}


def _rename_nics(cloud: Cloud, server: Object) -> None:
    for ip in cloud.store.iterate("ipam_ip"):
        if ip["resource"] and ip["resource"]["id"] in server["private_nics"]:
            ip["resource"]["name"] = server["name"]
            cloud.store.put("ipam_ip", ip)


def _set_placement_group(call: Call, server: Object, asked: Any) -> None:
    if asked is not None and not _is_uuid(asked):
        raise errors.constraint("placement_group")
    if asked == server["placement_group"]:
        return
    if asked is not None:
        instance_placement_groups.check_room(call, asked)
        instance_placement_groups.check_off(server)
    server["placement_group"] = asked


def _set_type(call: Call, server: Object, name: Any) -> None:
    server_type = _check_type(call, name)
    if server["state"] != "stopped":
        raise errors.constraint("commercial_type", "the server must be stopped")
    if server["placement_group"]:
        raise errors.constraint("commercial_type", "the server is in a placement group")
    if server_type["arch"] != server["arch"]:
        raise errors.constraint("commercial_type", f"{name} has another architecture")
    disks.check_local_size(call, server, name)
    server["commercial_type"], server["end_of_service"] = name, server_type["end_of_service"]


def _set_ips(call: Call, server: Object, desired: list[Object]) -> None:
    """The whole list of reserved addresses, in this order."""
    idents = [ip["id"] for ip in desired]
    for ip in instance_ips.addresses_of(call.cloud, server):
        if ip["id"] not in idents and not (ip["dynamic"] and not desired):
            instance_ips.detach(call.cloud, ip)
    for ip in desired:
        instance_ips.attach(call.cloud, ip, server)
    server["public_ips"].sort(key=lambda ident: idents.index(ident) if ident in idents else len(idents))


def apply_dynamic_ip(cloud: Cloud, server: Object) -> None:
    """A running server that wants a dynamic address and has no IPv4 gets one; who does not run or want loses it."""
    held = instance_ips.addresses_of(cloud, server)
    dynamic = next((ip for ip in held if ip["dynamic"]), None)
    wants = server["dynamic_ip_required"] and server["state"] not in ("stopped",)
    if dynamic and not wants:
        instance_ips.detach(cloud, dynamic)
    elif wants and not any(ip["type"] == "routed_ipv4" for ip in held):
        owned_by = {"organization": server["organization"], "project": server["project"]}
        instance_ips.attach(cloud, instance_ips.new_ip(cloud, server["zone"], owned_by, dynamic=True), server)


def check_unprotected(server: Object) -> None:
    if server["protected"]:
        raise errors.precondition("protected_resource", "the server is protected")


@SERVICE.delete("/servers/{server}")
def delete_server(call: Call) -> Reply:
    """Stopped servers only; the disks stay."""
    server = find(call, KIND, call["server"])
    check_unprotected(server)
    if server["state"] != "stopped":
        raise errors.precondition("resource_still_in_use", "instance should be powered off")
    machine, held = server_view(call.cloud, server), list(server["volumes"].values())
    forget(call.cloud, server)
    for ident in held:
        disks.begin_to_let_go(call.cloud, ident)
    call.cloud.jobs.start(server_delete, [server["id"], *held], server=machine, volumes=held)
    return NO_CONTENT


@job
async def server_delete(cloud: Cloud, server: Object, volumes: list[str]) -> None:
    await cloud.driver.server_delete(server)
    for ident in volumes:
        disks.let_go(cloud, ident)


def forget(cloud: Cloud, server: Object) -> None:
    """Take a server out of the state, and off its addresses and networks (not off its disks)."""
    for ip in instance_ips.addresses_of(cloud, server):
        instance_ips.detach(cloud, ip)
    for ident in list(server["private_nics"]):
        nic = cloud.store.get("instance_private_nic", ident)
        if nic:
            instance_private_nics.remove(cloud, nic)
    cloud.store.delete(KIND, server["id"])
    cloud.store.delete("user_data", server["id"])


@SERVICE.post("/servers/{server}/attach-volume")
def attach_volume(call: Call) -> Object:
    return _change_disks(call, disks.attach_one)


@SERVICE.post("/servers/{server}/detach-volume")
def detach_volume(call: Call) -> Object:
    return _change_disks(call, disks.detach_one)


def _change_disks(call: Call, change: Any) -> Object:
    server = find(call, KIND, call["server"])
    change(call, server)
    touch(server)
    call.cloud.store.put(KIND, server)
    start_update(call.cloud, server)
    return {"server": server_view(call.cloud, server)}

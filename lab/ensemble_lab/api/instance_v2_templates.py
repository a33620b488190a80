# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance v2alpha1: templates, from which servers are made by name alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ensemble_lab import errors
from ensemble_lab.api import instance_v2_servers as servers
from ensemble_lab.api.instance import find, in_zone
from ensemble_lab.api.instance_private_nics import new_nic
from ensemble_lab.api.instance_v2 import SERVICE
from ensemble_lab.catalog.server_types import server_types
from ensemble_lab.store import Object
from ensemble_lab.times import now
from ensemble_lab.web.crud import Crud
from ensemble_lab.web.lists import containing, having_tags, token_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply

KIND = "instance_template"
_DEFAULTS: Object = {
    "tags": [],
    "server_tags": [],
    "public_ip_v4_count": 0,
    "public_ip_v6_count": 0,
    "security_group_id": None,
    "placement_group_id": None,
    "volumes": [],
    "private_networks": [],
    "filesystem_ids": [],
    "windows_rdp_ssh_key_id": None,
}
_MOST_IPS = 5


def _view(template: Object) -> Object:
    hidden = ("project", "organization")
    return {name: value for name, value in template.items() if name not in hidden} | {"project_id": template["project"]}


def _summary(template: Object) -> Object:
    hidden = ("volumes", "private_networks", "windows_rdp_ssh_key_id")
    return {name: value for name, value in _view(template).items() if name not in hidden}


def _find(call: Call) -> Object:
    return find(call, KIND, call["template"])


def _check(call: Call, template: Object) -> Object:
    """That servers could be made of it."""
    if template["server_type"] not in server_types(call.zone):
        raise errors.constraint("server_type", f"{template['server_type']} is not a server type of {call.zone}")
    for name in ("public_ip_v4_count", "public_ip_v6_count"):
        if not 0 <= template[name] <= _MOST_IPS:
            raise errors.constraint(name, f"{template[name]} is not between 0 and {_MOST_IPS}")
    for name in ("volumes", "private_networks"):
        if not all(isinstance(item, dict) for item in template[name]):
            raise errors.invalid((name, "format", "a list of objects is expected"))
    for name, kind in (
        ("security_group_id", "instance_security_group"),
        ("placement_group_id", "instance_placement_group"),
    ):
        if template[name]:
            find(call, kind, template[name])
    for network in template["private_networks"]:
        ident = network.get("private_network_id") or ""
        if call.cloud.store.get("private_network", ident) is None:
            raise errors.not_found("private_network", ident)
    return template


def _choose(call: Call) -> list[Object]:
    templates = having_tags(containing(call, in_zone(call, KIND)), call.asked_all("tags"))
    for name, field in (
        ("template_ids", "id"),
        ("project_id", "project"),
        ("placement_group_ids", "placement_group_id"),
        ("security_group_ids", "security_group_id"),
    ):
        desired = call.asked_all(name)
        templates = [template for template in templates if not desired or template[field] in desired]
    of_servers = set(call.asked_all("server_tags"))
    return [template for template in templates if of_servers <= set(template["server_tags"])]


def _create(call: Call) -> Object:
    call.need("name", "server_type")
    body, cloud, moment = call.body, call.cloud, now()
    asked = {name: body[name] if body.get(name) is not None else default for name, default in _DEFAULTS.items()}
    template = {
        "id": cloud.new_id(),
        "name": body["name"],
        "organization": cloud.settings.organization,
        "project": cloud.project_of(body.get("project_id")),
        "server_type": body["server_type"],
        **asked,
        "zone": call.zone,
        "created_at": moment,
        "updated_at": moment,
    }
    return cloud.store.put(KIND, _check(call, template))


def _change(call: Call, template: Object) -> Object:
    """Lists of objects come in objects of their own, so that an empty one can be told from none."""
    body = call.body
    plain = ("name", "server_type", *(name for name in _DEFAULTS if name not in ("volumes", "private_networks")))
    changed = {name: body[name] for name in plain if body.get(name) is not None}
    for name in ("volumes", "private_networks"):
        if body.get(f"update_{name}") is not None:
            changed[name] = body[f"update_{name}"].get(name) or []
    template |= _check(call, {**template, **changed}) | {"updated_at": now()}
    return call.cloud.store.put(KIND, template)


def _delete(call: Call, template: Object) -> None:
    call.cloud.store.delete(KIND, template["id"])
    call.cloud.store.delete("user_data", template["id"])


Crud(
    path="/templates",
    item="template",
    key="templates",
    find=lambda call, ident: find(call, KIND, ident),
    view=lambda _call, template: _view(template),
    summary=lambda _call, template: _summary(template),
    choose=_choose,
    page=token_list,
    create=_create,
    change=_change,
    delete=_delete,
).serve(SERVICE)


@SERVICE.get("/templates/{template}/check")
def check_template(call: Call) -> Reply:
    _check(call, _find(call))
    return NO_CONTENT


@SERVICE.post("/templates/{template}/create-server")
def create_server(call: Call) -> Object:
    """With new disks, new addresses, its networks and the template's user data."""
    template = _check(call, _find(call))
    call.need("name")
    ips: list[Any] = [{"new_ip": {"type": "zonal_ipv4"}}] * template["public_ip_v4_count"]
    ips += [{"new_ip": {"type": "zonal_ipv6"}}] * template["public_ip_v6_count"]
    volumes = [{"volume_type": disk.get("volume_type"), "new_volume": disk} for disk in template["volumes"]]
    same = {name: template[name] for name in ("server_type", "placement_group_id", "windows_rdp_ssh_key_id")}
    body = same | {
        "name": call.body["name"],
        "project_id": template["project"],
        "tags": template["server_tags"],
        "volumes": volumes,
        "public_network_interface": {"ips": ips, "security_group_id": template["security_group_id"]},
    }
    ident = servers.create_server(replace(call, body=body))["id"]
    server = find(call, "instance_server", ident)
    for network in template["private_networks"]:
        new_nic(call, server, network["private_network_id"], [], [])
    for key, value in call.cloud.user_data(template["id"]).items():
        call.cloud.set_user_data(ident, key, value)
    return servers.view(call.cloud, server)

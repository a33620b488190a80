# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance v2alpha1, by the Python SDK: the same servers, groups and disks as in v1."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from scaleway import Client, ScalewayException
from scaleway.instance.v2alpha1 import InstanceV2Alpha1API, InstanceV2Alpha1VolumeAPI
from scaleway.instance.v2alpha1 import types as v2

from .conftest import ACCESS_KEY, PROJECT, TOKEN, Lab


@pytest.fixture
def client(lab: Lab) -> Client:
    where = {"default_region": "fr-par", "default_zone": "fr-par-1", "default_project_id": PROJECT}
    return Client(access_key=ACCESS_KEY, secret_key=TOKEN, api_url=lab.url, **where)


@pytest.fixture
def api(client: Client) -> InstanceV2Alpha1API:
    return InstanceV2Alpha1API(client)


def server(api: InstanceV2Alpha1API, **fields: Any) -> v2.Server:
    disk = v2.CreateServerRequestCreateVolume(name="root", tags=[], size=2 * 10**10, image_label="debian_trixie")
    root = v2.CreateServerRequestServerVolume(volume_type="sbs", new_volume=disk)
    return api.create_server(name="h-1", server_type="DEV1-S", volumes=[root], **fields)


def test_a_server_and_its_verbs(lab: Lab, api: InstanceV2Alpha1API) -> None:
    made = server(api, tags=["t"])
    assert (made.status, made.server_type, made.volumes[0].volume_type) == ("stopped", "DEV1-S", "sbs")
    assert made.boot_volume_id == made.volumes[0].id
    assert lab.get(f"/block/v1/zones/fr-par-1/volumes/{made.boot_volume_id}")["size"] == 2 * 10**10
    path = f"servers/{made.id}"
    for verb, meanwhile, state in (
        (api.start_server, "starting", "running"),
        (api.pause_server, "pausing", "stopped in place"),
        (api.start_server, "starting", "running"),
        (api.reboot_server, "rebooting", "running"),
        (api.stop_server, "stopping", "stopped"),
    ):
        assert verb(server_id=made.id).status == meanwhile
        lab.wait(path, lambda body, state=state: body["server"]["state"] == state)
    with pytest.raises(ScalewayException):
        api.stop_server(server_id=made.id)
    assert [found.id for found in api.list_servers(tags=["t"]).servers] == [made.id]
    changed = api.update_server(server_id=made.id, name="h-2", rescue_mode=True, protected=True)
    assert (changed.name, changed.rescue_mode) == ("h-2", True)
    assert lab.get(path)["server"]["protected"] is True
    api.update_server(server_id=made.id, protected=False)
    api.delete_server(server_id=made.id)
    lab.gone(path)


def test_stop_and_delete_takes_along_what_is_named(lab: Lab, api: InstanceV2Alpha1API) -> None:
    new = v2.CreateServerRequestServerIP(new_ip=v2.CreateServerRequestBookIP(type_="zonal_ipv4", tags=["t"]))
    made = server(api, public_network_interface=v2.CreateServerRequestPublicNetworkInterface(ips=[new]))
    assert made.public_network_interface
    assert made.public_network_interface.ips[0].default
    api.start_server(server_id=made.id)
    lab.wait(f"servers/{made.id}", lambda body: body["server"]["state"] == "running")
    api.stop_and_delete_server(server_id=made.id, delete_all_ips=True, delete_volume_ids=[made.volumes[0].id])
    lab.gone(f"servers/{made.id}")
    lab.gone(f"/block/v1/zones/fr-par-1/volumes/{made.volumes[0].id}")
    assert lab.get("ips")["ips"] == []


def test_addresses_and_disks_come_and_go(lab: Lab, api: InstanceV2Alpha1API) -> None:
    made, other = server(api), server(api)
    first, second = (lab.post("ips", {}, 201)["ip"]["id"] for _ in range(2))
    api.attach_server_ip(server_id=made.id, ip_id=first, default=False, move_allowed=False)
    with pytest.raises(ScalewayException):
        api.attach_server_ip(server_id=other.id, ip_id=first, default=False, move_allowed=False)
    both = api.attach_server_ip(server_id=made.id, ip_id=second, default=True, move_allowed=False)
    assert both.public_network_interface
    assert [ip.id for ip in both.public_network_interface.ips] == [second, first]
    api.set_server_default_ip(server_id=made.id, ip_id=first)
    assert lab.get(f"servers/{made.id}")["server"]["public_ip"]["id"] == first
    left = api.detach_server_ip(server_id=made.id, ip_id=first)
    assert left.public_network_interface
    assert [ip.id for ip in left.public_network_interface.ips] == [second]
    volume = lab.post("volumes", {"name": "v", "volume_type": "l_ssd", "size": 10**10}, 201)["volume"]["id"]
    held = api.attach_server_volume(server_id=made.id, volume_id=volume, boot_volume=True)
    assert held.boot_volume_id == volume
    assert len(api.detach_server_volume(server_id=made.id, volume_id=volume).volumes) == 1


def test_user_data_in_base64(lab: Lab, api: InstanceV2Alpha1API) -> None:
    made = server(api)
    content = base64.b64encode(b"#cloud-config\n").decode()
    api.set_user_data(server_id=made.id, key="cloud-init", content=content)
    assert api.get_user_data(server_id=made.id, key="cloud-init").content == content
    assert lab.request("GET", f"servers/{made.id}/user_data/cloud-init").content == b"#cloud-config\n"
    assert api.list_user_data_keys(server_id=made.id).keys == ["cloud-init"]
    api.delete_user_data(server_id=made.id, key="cloud-init")
    with pytest.raises(ScalewayException):
        api.get_user_data(server_id=made.id, key="cloud-init")


def test_groups_and_their_rules(lab: Lab, api: InstanceV2Alpha1API) -> None:
    group = api.create_security_group(
        name="g",
        description="",
        disable_default_rules=True,
        project_default=False,
        stateless=False,
        inbound_default_action="drop",
    )
    assert (group.inbound_default_action, group.default_rules) == ("drop", [])
    ports = v2.SecurityGroupRulePortRange(start=22, end=22)
    ssh = v2.SecurityGroupRuleConfig("tcp", "inbound", "accept", "10.0.0.0/8", "", 1, destination_ports=ports)
    added = api.add_security_group_rules(security_group_id=group.id, security_group_rules=[ssh]).added_rules[0]
    kept = lab.get(f"security_groups/{group.id}/rules")["rules"][0]
    assert (kept["protocol"], kept["ip_range"], kept["dest_port_from"], kept["dest_port_to"]) == (
        "TCP",
        "10.0.0.0/8",
        22,
        None,
    )
    changed = api.update_security_group_rule(security_group_rule_id=added.id, action="drop").rules[0]
    assert (changed.action, changed.source_ip_range, changed.protocol) == ("drop", "10.0.0.0/8", "tcp")
    web = v2.SecurityGroupRuleConfig("any", "outbound", "drop", "", "192.0.2.0/24", 1)
    replaced = api.set_security_group_rules(security_group_id=group.id, security_group_rules=[web]).rules
    assert [(rule.direction, rule.destination_ip_range) for rule in replaced] == [("outbound", "192.0.2.0/24")]
    api.delete_security_group_rules(security_group_rule_ids=[replaced[0].id])
    assert api.get_security_group(security_group_id=group.id).rules == []
    api.delete_security_group(security_group_id=group.id)
    lab.get(f"security_groups/{group.id}", 404)


def test_local_disks_and_snapshots(lab: Lab, client: Client) -> None:
    api = InstanceV2Alpha1VolumeAPI(client)
    volume = api.create_volume(name="v", size=10**10, volume_type="l_ssd")
    snapshot = api.create_snapshot(name="s", base_volume_id=volume.id, public=False)
    assert (snapshot.status, snapshot.base_volume_id, snapshot.size) == ("available", volume.id, 10**10)
    assert [found.id for found in api.list_snapshots(base_volume_id=volume.id).snapshots] == [snapshot.id]
    assert api.update_volume(volume_id=volume.id, name="w").name == "w"
    api.delete_snapshot(snapshot_id=snapshot.id)
    api.delete_volume(volume_id=volume.id)
    assert api.list_volumes().volumes == []
    assert {kind.name for kind in api.list_volume_types().volume_types} == {"l_ssd", "scratch"}


def test_pages_follow_a_token(lab: Lab, api: InstanceV2Alpha1API) -> None:
    for number in range(23):
        api.create_placement_group(name=f"p-{number}", policy_type="max_availability")
    first = api.list_placement_groups()
    second = api.list_placement_groups(page_token=first.next_page_token)
    assert (first.total_count, second.next_page_token) == (23, None)
    assert len({group.id for page in (first, second) for group in page.placement_groups}) == 23
    assert api.list_server_types(page_size=50).total_count == 135
    assert api.get_resource_counts().placement_groups == 23


def test_servers_of_a_template(lab: Lab, api: InstanceV2Alpha1API) -> None:
    network = lab.post("/vpc/v2/regions/fr-par/private-networks", {"name": "n"}, 200)["id"]
    disk = v2.CreateTemplateRequestVolumeTemplate("sbs", "root", [], size=2 * 10**10, image_label="debian_trixie")
    made = api.create_template(
        name="jitsi",
        server_type="PLAY2-PICO",
        public_ip_v4_count=1,
        public_ip_v6_count=1,
        server_tags=["fleet"],
        volumes=[disk],
        private_networks=[v2.CreateTemplateRequestPrivateNetworkTemplate(network)],
    )
    api.set_template_user_data(template_id=made.id, key="cloud-init", content=base64.b64encode(b"#!/bin/sh").decode())
    api.check_template(template_id=made.id)
    server = api.create_server_from_template(template_id=made.id, name="h-1")
    assert (server.name, server.server_type, server.tags, server.status) == ("h-1", "PLAY2-PICO", ["fleet"], "stopped")
    assert server.public_network_interface
    assert len(server.public_network_interface.ips) == 2
    assert server.private_network_interfaces[0].private_network_id == network
    assert lab.request("GET", f"servers/{server.id}/user_data/cloud-init").content == b"#!/bin/sh"
    none = v2.UpdateTemplateRequestUpdatePrivateNetworks([])
    changed = api.update_template(template_id=made.id, name="jitsi-2", update_private_networks=none)
    assert (changed.name, changed.private_networks, len(changed.volumes)) == ("jitsi-2", [], 1)
    assert [found.id for found in api.list_templates(server_tags=["fleet"]).templates] == [made.id]
    with pytest.raises(ScalewayException):
        api.update_template(template_id=made.id, server_type="PLAY2-HUGE")
    api.delete_template(template_id=made.id)
    lab.get(f"/instance/v2alpha1/zones/fr-par-1/templates/{made.id}", 404)

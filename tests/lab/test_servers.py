# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance v1: servers, their states, what they are made of and what stays when they go."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import PROJECT, UUID, Lab

NOBODY = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"


def local_image(lab: Lab, label: str = "ubuntu_jammy", kind: str = "instance_local", zone: str = "fr-par-1") -> str:
    path = f"/marketplace/v2/local-images?image_label={label}&zone={zone}&type={kind}"
    return next(image["id"] for image in lab.get(path)["local_images"] if image["arch"] == "x86_64")


def test_a_new_server_is_stopped_and_complete(lab: Lab) -> None:
    server = lab.server("Test_testing 1", tags=["b", "a"])
    assert server["state"] == "stopped"
    assert server["hostname"] == "test-testing-1"
    assert server["tags"] == ["b", "a"]
    assert server["allowed_actions"] == ["poweron", "backup"]
    assert server["location"] is None
    assert server["public_ips"] == []
    assert server["image"]["name"] == "Debian 13 (Trixie)"
    assert server["security_group"]["name"] == "Default security group"
    assert server["dns"] == f"{server['id']}.pub.instances.scw.cloud"
    dead = {"routed_ip_enabled": True, "enable_ipv6": False, "private_ip": None, "ipv6": None, "bootscript": None}
    assert {key: server[key] for key in dead} == dead
    assert lab.get(f"servers/{server['id']}")["server"] == server


def test_dynamic_addresses_are_the_default_of_the_api(lab: Lab) -> None:
    body = {"name": "d", "commercial_type": "DEV1-S", "image": "debian_trixie"}
    server = lab.post("servers", body, 201)["server"]
    assert server["dynamic_ip_required"] is True
    lab.act(server, "poweron")
    path = f"servers/{server['id']}"
    up = lab.wait(path, lambda body: body["server"]["state_detail"] == "booted")["server"]
    assert up["public_ip"]["dynamic"] is True
    assert lab.get("ips")["ips"] == []
    lab.act(server, "poweroff")
    down = lab.wait(path, lambda body: body["server"]["state"] == "stopped")["server"]
    assert down["public_ip"] is None


def test_the_root_disk_of_a_label_is_on_block_storage(lab: Lab) -> None:
    server = lab.server(volumes={"0": {"size": 20 * 10**9}})
    root = server["volumes"]["0"]
    assert set(root) == {"boot", "volume_type", "id", "state", "zone"}
    lab.get(f"volumes/{root['id']}", 404)
    volume = lab.get(f"/block/v1/zones/fr-par-1/volumes/{root['id']}")
    assert volume["name"] == "Debian 13 (Trixie)_sbs_volume_0"
    assert (volume["size"], volume["status"]) == (20 * 10**9, "in_use")
    assert volume["references"][0]["product_resource_id"] == server["id"]
    denied = lab.get(f"/block/v1/zones/fr-par-1/snapshots/{volume['parent_snapshot_id']}", 403)
    assert denied["details"] == [{"resource": "snapshot", "action": "read"}]


def test_the_root_disk_of_a_local_image_is_local(lab: Lab) -> None:
    server = lab.server(image=local_image(lab), volumes={"0": {"volume_type": "l_ssd", "size": 15 * 10**9}})
    root = server["volumes"]["0"]
    assert (root["volume_type"], root["size"]) == ("l_ssd", 15 * 10**9)
    assert root["name"] == "Ubuntu 22.04 Jammy Jellyfish"
    assert root["server"] == {"id": server["id"], "name": server["name"]}
    assert lab.get(f"volumes/{root['id']}")["volume"]["server"]["id"] == server["id"]
    lab.get(f"/block/v1/zones/fr-par-1/volumes/{root['id']}", 404)


def test_a_local_root_without_a_size_takes_all_there_is(lab: Lab) -> None:
    server = lab.server(image=local_image(lab), commercial_type="DEV1-M")
    assert server["volumes"]["0"]["size"] == 40 * 10**9


@pytest.mark.parametrize(
    ("fields", "argument"),
    [
        ({"commercial_type": "NOPE-1"}, "commercial_type"),
        ({"name": "a/b"}, "name"),
        ({"volumes": {"0": {"size": 5 * 10**9}}}, "volumes"),
        ({"volumes": {"one": {}}}, "volumes"),
        ({"volumes": {"1": {"volume_type": "l_ssd", "name": "d", "size": 30 * 10**9}}}, "volumes"),
        ({"image": None}, "image"),
        ({"commercial_type": "PLAY2-PICO", "volumes": {"0": {"volume_type": "l_ssd", "size": 10**10}}}, "volumes"),
    ],
)
def test_servers_that_cannot_be(lab: Lab, fields: dict[str, Any], argument: str) -> None:
    if fields.get("volumes", {}).get("0", {}).get("volume_type") == "l_ssd":
        fields = {**fields, "image": local_image(lab)}
    body = {"name": "x", "commercial_type": "DEV1-S", "image": "debian_trixie", **fields}
    problem = lab.post("servers", body, 400)
    assert problem["details"][0]["argument_name"] == argument
    assert lab.get("servers")["servers"] == []
    assert lab.get("volumes")["volumes"] == lab.get("/block/v1/zones/fr-par-1/volumes")["volumes"] == []


@pytest.mark.parametrize(
    ("fields", "resource"),
    [
        ({"image": NOBODY}, "instance_image"),
        ({"image": "macos"}, "instance_image"),
        ({"public_ips": [NOBODY]}, "instance_ip"),
        ({"placement_group": NOBODY}, "instance_placement_group"),
        ({"security_group": NOBODY}, "instance_security_group"),
    ],
)
def test_servers_of_unknown_parts(lab: Lab, fields: dict[str, Any], resource: str) -> None:
    body = {"name": "x", "commercial_type": "DEV1-S", "image": "debian_trixie", **fields}
    assert lab.post("servers", body, 404)["resource"] == resource


def test_images_belong_to_a_zone(lab: Lab) -> None:
    other = local_image(lab, zone="fr-par-2")
    lab.post("servers", {"name": "x", "commercial_type": "DEV1-S", "image": other}, 404)


def test_the_way_through_the_states(lab: Lab) -> None:
    server = lab.server()
    path = f"servers/{server['id']}"
    task = lab.act(server, "poweron")["task"]
    assert task["description"] == "fake task"
    assert task["href_result"] == f"/servers/{server['id']}"
    up = lab.wait(path, lambda body: body["server"]["state_detail"] == "booted")["server"]
    assert up["state"] == "running"
    assert up["allowed_actions"] == ["poweroff", "terminate", "reboot", "stop_in_place", "backup"]
    assert up["location"]["zone_id"] == "fr-par-1"
    assert up["modification_date"] > server["modification_date"]
    lab.act(server, "stop_in_place")
    rest = lab.wait(path, lambda body: body["server"]["state"] == "stopped in place")["server"]
    assert rest["allowed_actions"] == ["poweron", "poweroff", "terminate", "reboot", "backup"]
    lab.act(server, "poweron")
    lab.wait(path, lambda body: body["server"]["state"] == "running")
    lab.act(server, "reboot")
    lab.wait(path, lambda body: body["server"]["state_detail"] == "booted")
    lab.act(server, "poweroff")
    down = lab.wait(path, lambda body: body["server"]["state"] == "stopped")["server"]
    assert (down["state_detail"], down["location"]) == ("", None)


def test_actions_at_the_wrong_time(lab: Lab) -> None:
    server = lab.server()
    for action in ("poweroff", "reboot", "terminate", "explode"):
        assert lab.act(server, action, 400)["details"][0]["argument_name"] == "action"
    up = lab.running("h-2")
    lab.act(up, "poweron", 400)
    assert lab.delete(f"servers/{up['id']}", 412)["type"] == "precondition_failed"


def test_terminate_keeps_block_disks_and_reserved_addresses(lab: Lab) -> None:
    ip = lab.post("ips", {}, 201)["ip"]
    server = lab.running(public_ips=[ip["id"]])
    lab.act(server, "terminate")
    leaving = lab.get(f"servers/{server['id']}")["server"]
    assert (leaving["state"], leaving["state_detail"]) == ("stopping", "terminating")
    assert leaving["public_ips"] == []
    lab.gone(f"servers/{server['id']}")
    volume = lab.get(f"/block/v1/zones/fr-par-1/volumes/{server['volumes']['0']['id']}")
    assert (volume["status"], volume["references"]) == ("available", [])
    assert volume["last_detached_at"]
    assert lab.get(f"ips/{ip['id']}")["ip"]["state"] == "detached"


def test_terminate_takes_local_disks_along(lab: Lab) -> None:
    server = lab.running(image=local_image(lab))
    lab.act(server, "terminate")
    lab.gone(f"servers/{server['id']}")
    lab.get(f"volumes/{server['volumes']['0']['id']}", 404)


def test_delete_keeps_all_disks(lab: Lab) -> None:
    local = lab.server("local", image=local_image(lab))
    block = lab.server("block")
    for server in (local, block):
        lab.delete(f"servers/{server['id']}")
        lab.get(f"servers/{server['id']}", 404)
    assert lab.get(f"volumes/{local['volumes']['0']['id']}")["volume"]["server"] is None
    path = f"/block/v1/zones/fr-par-1/volumes/{block['volumes']['0']['id']}"
    assert lab.get(path)["references"][0]["status"] == "detaching"
    assert lab.delete(path, 412)["precondition"] == "resource_still_in_use"
    lab.wait(path, lambda volume: volume["status"] == "available")
    lab.delete(path)


def test_protection(lab: Lab) -> None:
    server = lab.running(protected=True)
    assert lab.act(server, "terminate", 412)["precondition"] == "protected_resource"
    lab.patch(f"servers/{server['id']}", {"protected": False})
    lab.act(server, "terminate")


def test_changes(lab: Lab) -> None:
    server = lab.server(tags=["a"])
    path = f"servers/{server['id']}"
    changed = lab.patch(path, {"name": "New_Name", "tags": []})["server"]
    assert (changed["name"], changed["hostname"], changed["tags"]) == ("New_Name", "new-name", [])
    group = lab.post("security_groups", {"name": "g"}, 201)["security_group"]
    assert lab.patch(path, {"security_group": {"id": group["id"]}})["server"]["security_group"]["name"] == "g"
    assert lab.get(f"security_groups/{group['id']}")["security_group"]["servers"] == [
        {"id": server["id"], "name": "New_Name"}
    ]
    assert lab.patch(path, {"commercial_type": "DEV1-M"})["server"]["commercial_type"] == "DEV1-M"
    lab.act(server, "poweron")
    lab.patch(path, {"commercial_type": "DEV1-S"}, 400)
    assert lab.patch(path, {})["server"]["name"] == "New_Name"


def test_placement_groups_of_servers(lab: Lab) -> None:
    group = lab.post("placement_groups", {"name": "pg", "policy_type": "max_availability"}, 201)["placement_group"]
    servers = [lab.running(f"p-{number}", placement_group=group["id"]) for number in range(3)]
    assert len({server["location"]["hypervisor_id"] for server in servers}) == 3
    path = f"servers/{servers[0]['id']}"
    assert servers[0]["placement_group"]["name"] == "pg"
    assert lab.patch(path, {"placement_group": "1111"}, 400)["details"][0]["argument_name"] == "placement_group"
    assert lab.patch(path, {"placement_group": NOBODY}, 404)["resource"] == "instance_placement_group"
    assert lab.patch(path, {"placement_group": None})["server"]["placement_group"] is None
    refused = lab.patch(path, {"placement_group": group["id"]}, 400)["details"][0]
    assert (refused["argument_name"], refused["help_message"]) == ("placement_group", "the server must be stopped")
    lab.request("PUT", f"placement_groups/{group['id']}/servers", {"servers": [servers[0]["id"]]}, 400)
    assert len(lab.get(f"placement_groups/{group['id']}/servers")["servers"]) == 2


def test_a_placement_group_holds_twenty(lab: Lab) -> None:
    group = lab.post("placement_groups", {"name": "pg"}, 201)["placement_group"]
    for number in range(20):
        lab.server(f"p-{number}", placement_group=group["id"])
    body = {"name": "one-more", "commercial_type": "DEV1-S", "image": "debian_trixie", "placement_group": group["id"]}
    assert lab.post("servers", body, 403)["type"] == "quotas_exceeded"


def test_user_data(lab: Lab) -> None:
    server = lab.server()
    path = f"servers/{server['id']}/user_data"
    assert lab.get(path) == {"user_data": []}
    url = f"{lab.url}/instance/v1/zones/fr-par-1/{path}"
    for key, value in (("jitsi-env", b"DOMAIN=x\n"), ("cloud-init", "#cloud-config \u00e9\n".encode())):
        answer = lab.http.patch(f"{url}/{key}", data=value, headers={"Content-Type": "text/plain"}, timeout=10)
        assert answer.status_code == 204
        kept = lab.http.get(f"{url}/{key}", timeout=10)
        assert (kept.content, kept.headers["Content-Type"]) == (value, "text/plain")
    assert lab.get(path) == {"user_data": ["cloud-init", "jitsi-env"]}
    lab.delete(f"{path}/jitsi-env")
    missing = lab.request("GET", f"{path}/jitsi-env")
    assert (missing.status_code, missing.content) == (404, b"")


def test_a_guest_publishes_its_host_keys_after_it_booted(lab: Lab) -> None:
    server = lab.running()
    path = f"servers/{server['id']}/user_data"
    lab.wait(path, lambda body: body == {"user_data": ["ssh-host-fingerprints"]})


def test_out_of_stock(lab: Lab) -> None:
    lab.put("/_emulator/stock", {"out_of_stock": ["DEV1-S"]})
    server = lab.server()
    assert lab.act(server, "poweron", 503)["type"] == "out_of_stock"
    assert lab.get("products/servers/availability")["servers"]["DEV1-S"] == {"availability": "shortage"}
    lab.put("/_emulator/stock", {"out_of_stock": []})
    lab.act(server, "poweron")


def test_lists_newest_first_and_by_state(lab: Lab) -> None:
    lab.server("a")
    lab.running("b")
    lab.server("c")
    assert [server["name"] for server in lab.get("servers?order=creation_date_desc")["servers"]] == ["c", "b", "a"]
    assert [server["name"] for server in lab.get("servers?order=creation_date_asc")["servers"]] == ["a", "b", "c"]
    assert [server["name"] for server in lab.get("servers?state=running")["servers"]] == ["b"]
    assert lab.get(f"servers?project={PROJECT}&commercial_type=GP1-S")["servers"] == []


def test_ids_are_uuids(lab: Lab) -> None:
    assert UUID.match(lab.server()["id"])

# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes, snapshots and images, local and on block storage."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Lab

BLOCK = "/block/v1/zones/fr-par-1"


def local_server(lab: Lab, **fields: Any) -> Any:
    path = "/marketplace/v2/local-images?image_label=ubuntu_noble&zone=fr-par-1&type=instance_local"
    image = lab.get(path)["local_images"][0]["id"]
    return lab.server("local", image=image, volumes={"0": {"volume_type": "l_ssd", "size": 10**10}}, **fields)


def block_volume(lab: Lab, size: int = 10**10, **fields: Any) -> Any:
    volume = lab.post(f"{BLOCK}/volumes", {"name": "v", "from_empty": {"size": size}, **fields})
    return lab.wait(f"{BLOCK}/volumes/{volume['id']}", lambda body: body["status"] == "available")


def test_a_local_volume(lab: Lab) -> None:
    volume = lab.post("volumes", {"name": "v", "volume_type": "l_ssd", "size": 10**10, "tags": ["t"]}, 201)["volume"]
    assert (volume["state"], volume["server"], volume["export_uri"]) == ("available", None, None)
    path = f"volumes/{volume['id']}"
    assert lab.patch(path, {"name": "w", "tags": []})["volume"]["name"] == "w"
    assert lab.patch(path, {"size": 2 * 10**10}, 400)["details"][0]["argument_name"] == "size"
    lab.delete(path)
    lab.get(path, 404)


@pytest.mark.parametrize("wrong", [{"volume_type": "b_ssd"}, {"size": 5}, {"size": None}])
def test_local_volumes_that_cannot_be(lab: Lab, wrong: dict[str, Any]) -> None:
    lab.post("volumes", {"name": "v", "volume_type": "l_ssd", "size": 10**10, **wrong}, 400)


def test_a_block_volume_grows_in_its_own_time(lab: Lab) -> None:
    asked = lab.post(f"{BLOCK}/volumes", {"name": "v", "perf_iops": 15000, "from_empty": {"size": 10**10}})
    assert (asked["status"], asked["type"]) == ("creating", "sbs_15k")
    assert asked["specs"] == {"perf_iops": 15000, "class": "sbs"}
    path = f"{BLOCK}/volumes/{asked['id']}"
    lab.wait(path, lambda body: body["status"] == "available")
    changing = lab.patch(path, {"size": 2 * 10**10, "perf_iops": 5000})
    assert (changing["status"], changing["size"]) == ("updating", 10**10)
    grown = lab.wait(path, lambda body: body["status"] == "available")
    assert (grown["size"], grown["type"]) == (2 * 10**10, "sbs_5k")
    lab.patch(path, {"size": 10**10}, 400)
    lab.delete(path)
    lab.get(path, 404)


@pytest.mark.parametrize(
    "wrong",
    [{"perf_iops": 1}, {"from_empty": {"size": 1}}, {"from_empty": None}, {"from_snapshot": {"snapshot_id": "x"}}],
)
def test_block_volumes_that_cannot_be(lab: Lab, wrong: dict[str, Any]) -> None:
    lab.post(f"{BLOCK}/volumes", {"name": "v", "from_empty": {"size": 10**10}, **wrong}, 400)


def test_v1alpha1_knows_less(lab: Lab) -> None:
    volume = block_volume(lab)
    assert "kms_key_id" in volume
    assert "kms_key_id" not in lab.get(f"/block/v1alpha1/zones/fr-par-1/volumes/{volume['id']}")


def test_disks_attached_and_detached(lab: Lab) -> None:
    server, volume = lab.server(), block_volume(lab)
    path = f"servers/{server['id']}"
    held = lab.post(f"{path}/attach-volume", {"volume_id": volume["id"], "volume_type": "sbs_volume"}, 200)["server"][
        "volumes"
    ]
    assert held["1"]["id"] == volume["id"]
    assert lab.get(f"{BLOCK}/volumes/{volume['id']}")["status"] == "in_use"
    other = lab.server("h-2")
    lab.post(f"servers/{other['id']}/attach-volume", {"volume_id": volume["id"]}, 400)
    assert set(lab.post(f"{path}/detach-volume", {"volume_id": volume["id"]}, 200)["server"]["volumes"]) == {"0"}
    assert lab.get(f"{BLOCK}/volumes/{volume['id']}")["references"][0]["status"] == "detaching"
    lab.wait(f"{BLOCK}/volumes/{volume['id']}", lambda body: body["status"] == "available")
    problem = lab.post(f"{path}/detach-volume", {"volume_id": volume["id"]}, 400)
    assert problem["details"][0]["help_message"] == f"Volume {volume['id']} is not attached to this server"
    lab.patch(
        path,
        {
            "volumes": {
                "0": {"id": server["volumes"]["0"]["id"]},
                "1": {"id": volume["id"], "volume_type": "sbs_volume"},
            }
        },
    )
    assert lab.patch(path, {"volumes": {}})["server"]["volumes"] == {}
    lab.wait(f"{BLOCK}/volumes/{volume['id']}", lambda body: body["status"] == "available")


def test_a_local_snapshot_of_a_disk_that_never_ran_is_there_at_once(lab: Lab) -> None:
    server = local_server(lab)
    answer = lab.post("snapshots", {"name": "s", "volume_id": server["volumes"]["0"]["id"]}, 201)
    assert answer["snapshot"]["state"] == "available"
    assert answer["task"]["href_result"] == f"snapshots/{answer['snapshot']['id']}"


def test_a_local_snapshot_of_a_disk_that_ran_takes_time(lab: Lab) -> None:
    server = local_server(lab)
    lab.act(server, "poweron")
    lab.wait(f"servers/{server['id']}", lambda body: body["server"]["state"] == "running")
    snapshot = lab.post("snapshots", {"name": "s", "volume_id": server["volumes"]["0"]["id"]}, 201)["snapshot"]
    assert snapshot["state"] == "snapshotting"
    path = f"snapshots/{snapshot['id']}"
    lab.wait(path, lambda body: body["snapshot"]["state"] == "available")
    lab.act(server, "terminate")
    lab.gone(f"servers/{server['id']}")
    assert lab.get(path)["snapshot"]["base_volume"]["id"] == server["volumes"]["0"]["id"]


def test_the_golden_image_chain_on_block_storage(lab: Lab) -> None:
    builder = lab.running("builder", volumes={"0": {"size": 12 * 10**9}})
    lab.act(builder, "poweroff")
    lab.wait(f"servers/{builder['id']}", lambda body: body["server"]["state"] == "stopped")
    root = builder["volumes"]["0"]["id"]
    snapshot = lab.post(f"{BLOCK}/snapshots", {"volume_id": root, "name": "s", "tags": ["t"]})
    assert (snapshot["status"], snapshot["parent_volume"]["id"]) == ("creating", root)
    path = f"{BLOCK}/snapshots/{snapshot['id']}"
    lab.wait(path, lambda body: body["status"] == "available")
    image = lab.post("images", {"name": "golden", "root_volume": snapshot["id"], "arch": "x86_64", "tags": ["i"]}, 201)[
        "image"
    ]
    assert image["state"] == "available"
    assert image["root_volume"] == {"volume_type": "sbs_snapshot", "id": snapshot["id"], "size": 0, "name": ""}
    used = lab.get(path)
    assert used["status"] == "in_use"
    assert used["references"][0] | {"id": "", "created_at": ""} == {
        "id": "",
        "product_resource_type": "instance_image",
        "product_resource_id": image["id"],
        "created_at": "",
        "type": "link",
        "status": "attached",
    }
    lab.delete(path, 412)
    child = lab.server("child", image=image["id"])
    made = lab.get(f"{BLOCK}/volumes/{child['volumes']['0']['id']}")
    assert (made["size"], made["parent_snapshot_id"]) == (12 * 10**9, snapshot["id"])
    lab.delete(f"images/{image['id']}")
    assert lab.get(path)["status"] == "available"
    lab.delete(path)
    lab.get(path, 404)


def test_an_image_of_local_and_block_disks(lab: Lab) -> None:
    root = lab.post("snapshots", {"name": "r", "volume_id": local_server(lab)["volumes"]["0"]["id"]}, 201)["snapshot"]
    extra = lab.post(f"{BLOCK}/snapshots", {"volume_id": block_volume(lab, 3 * 10**10)["id"], "name": "e"})
    lab.wait(f"{BLOCK}/snapshots/{extra['id']}", lambda body: body["status"] == "available")
    body = {"name": "mixed", "arch": "x86_64", "root_volume": root["id"], "extra_volumes": {"1": {"id": extra["id"]}}}
    image = lab.post("images", body, 201)["image"]
    assert image["root_volume"] == {"id": root["id"], "name": "r", "volume_type": "l_ssd", "size": 10**10}
    assert image["extra_volumes"]["1"]["volume_type"] == "sbs_snapshot"
    server = lab.server("m", image=image["id"])
    assert [server["volumes"][index]["volume_type"] for index in "01"] == ["l_ssd", "sbs_volume"]
    assert lab.get(f"{BLOCK}/volumes/{server['volumes']['1']['id']}")["size"] == 3 * 10**10
    lab.patch(f"images/{image['id']}", {"extra_volumes": {}})
    assert lab.get(f"{BLOCK}/snapshots/{extra['id']}")["references"] == []
    assert [image["name"] for image in lab.get("images?public=false")["images"]] == ["mixed"]
    assert lab.get("images?name=mix&public=false")["images"][0]["id"] == image["id"]
    lab.delete(f"snapshots/{root['id']}", 412)


def test_a_backup_is_an_image_with_its_snapshots(lab: Lab) -> None:
    volume = block_volume(lab)
    server = lab.server("b", volumes={"1": {"id": volume["id"], "volume_type": "sbs_volume"}})
    task = lab.post(f"servers/{server['id']}/action", {"action": "backup", "name": "bak"}, 202)["task"]
    image = lab.get(task["href_result"].strip("/"))["image"]
    assert (image["name"], image["from_server"]) == ("bak", server["id"])
    names = [
        lab.get(f"{BLOCK}/snapshots/{part['id']}")["name"]
        for part in (image["root_volume"], image["extra_volumes"]["1"])
    ]
    assert names == ["bak_snap_0", "bak_snap_1"]


def test_a_server_without_an_image_boots_from_a_snapshot(lab: Lab) -> None:
    snapshot = lab.post("snapshots", {"name": "s", "volume_id": local_server(lab)["volumes"]["0"]["id"]}, 201)[
        "snapshot"
    ]
    disk = {"base_snapshot": snapshot["id"], "name": "root", "volume_type": "l_ssd"}
    body = {"name": "n", "commercial_type": "DEV1-S", "volumes": {"0": disk}}
    server = lab.post("servers", body, 201)["server"]
    assert server["image"] is None
    assert (server["volumes"]["0"]["name"], server["volumes"]["0"]["size"]) == ("root", 10**10)


def test_marketplace_images_can_be_read_as_images(lab: Lab) -> None:
    path = "/marketplace/v2/local-images?image_label=debian_trixie&zone=fr-par-1&type=instance_sbs"
    found = lab.get(path)["local_images"]
    assert sorted(image["arch"] for image in found) == ["arm64", "x86_64"]
    for local in found:
        image = lab.get(f"images/{local['id']}")["image"]
        assert (image["public"], image["arch"]) == (True, local["arch"])
        assert image["root_volume"]["volume_type"] == "sbs_snapshot"
        assert lab.get(f"/marketplace/v2/local-images/{local['id']}") == local
    lab.delete(f"images/{found[0]['id']}", 404)
    unknown = lab.get("/marketplace/v2/local-images?image_label=macos&zone=fr-par-1", 404)
    assert (unknown["resource"], unknown["resource_id"]) == ("MarketplaceImage", "macos")


def test_a_patch_of_the_disks_reaches_block_storage_a_moment_later(lab: Lab) -> None:
    server, volume = lab.server(volumes={"0": {"boot": True}}), block_volume(lab)
    assert server["volumes"]["0"]["boot"] is True
    path, held = f"servers/{server['id']}", {"0": {"id": server["volumes"]["0"]["id"]}}
    lab.patch(path, {"volumes": {**held, "1": {"id": volume["id"], "volume_type": "sbs_volume"}}})
    attached = lab.wait(f"{BLOCK}/volumes/{volume['id']}", lambda body: body["references"][0]["status"] == "attached")
    assert attached["status"] == "in_use"
    lab.patch(path, {"volumes": held})
    leaving = lab.get(f"{BLOCK}/volumes/{volume['id']}")
    assert (leaving["status"], leaving["references"][0]["status"]) == ("in_use", "attached")
    left = lab.wait(f"{BLOCK}/volumes/{volume['id']}", lambda body: body["status"] == "available")
    assert left["last_detached_at"]


def test_local_disks_have_the_sizes_that_are_sold(lab: Lab) -> None:
    sold = lab.get("products/volumes")["volumes"]
    assert set(sold) == {"l_ssd", "scratch"}
    for kind, entry in sold.items():
        most = entry["constraints"]["max"]
        lab.post("volumes", {"name": "v", "volume_type": kind, "size": most}, 201)
        lab.post("volumes", {"name": "v", "volume_type": kind, "size": most + 1}, 400)


def test_block_volumes_by_id_and_type(lab: Lab) -> None:
    slow, fast = block_volume(lab), block_volume(lab, perf_iops=15000)
    found = lab.get(f"{BLOCK}/volumes?volume_type=sbs_15k")["volumes"]
    assert [volume["id"] for volume in found] == [fast["id"]]
    assert lab.get(f"{BLOCK}/volumes?volume_ids={slow['id']}&volume_ids={fast['id']}")["total_count"] == 2
    assert [kind["type"] for kind in lab.get(f"{BLOCK}/volume-types")["volume_types"]] == ["sbs_5k", "sbs_15k"]

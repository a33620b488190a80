# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys, projects, registry, secrets, the marketplace and server types."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from .conftest import PROJECT, Lab

KEYS = "/iam/v1alpha1/ssh-keys"
SPACES = "/registry/v1/regions/fr-par/namespaces"
SECRETS = "/secret-manager/v1beta1/regions/fr-par/secrets"
BLOB = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


def test_the_comment_of_a_key_is_cut_off(lab: Lab) -> None:
    key = lab.post(KEYS, {"name": "k", "public_key": f"ssh-ed25519 {BLOB} me@home", "project_id": PROJECT}, 200)
    assert key["public_key"] == f"ssh-ed25519 {BLOB}"
    assert key["fingerprint"].startswith("256 MD5:")
    assert key["fingerprint"].endswith(" (ssh-ed25519)")
    assert lab.patch(f"{KEYS}/{key['id']}", {"disabled": True, "name": "l"})["disabled"] is True
    assert lab.get(f"{KEYS}?disabled=true")["total_count"] == 1
    assert lab.get(f"{KEYS}?disabled=false")["total_count"] == 0
    lab.delete(f"{KEYS}/{key['id']}")
    lab.get(f"{KEYS}/{key['id']}", 404)


@pytest.mark.parametrize("text", ["nonsense", "ssh-ed25519 AAAA", f"ssh-rsa {BLOB}", ""])
def test_keys_that_are_none(lab: Lab, text: str) -> None:
    lab.post(KEYS, {"name": "k", "public_key": text}, 400)


def test_projects(lab: Lab) -> None:
    assert [project["id"] for project in lab.get("/account/v3/projects")["projects"]] == [PROJECT]
    made = lab.post("/account/v3/projects", {"name": "p", "description": "d"}, 200)
    assert made["id"] != PROJECT
    server = lab.server(project=made["id"])
    assert server["project"] == made["id"]
    assert lab.get(f"servers?project={PROJECT}")["servers"] == []
    lab.delete(f"/account/v3/projects/{made['id']}", 412)
    lab.delete(f"servers/{server['id']}")
    volume = f"/block/v1/zones/fr-par-1/volumes/{server['volumes']['0']['id']}"
    lab.wait(volume, lambda body: body["status"] == "available")
    lab.delete(volume)
    lab.delete(f"security_groups/{server['security_group']['id']}")
    lab.delete(f"/account/v3/projects/{made['id']}")
    lab.get(f"/account/v3/projects/{made['id']}", 404)


def test_namespaces(lab: Lab) -> None:
    made = lab.post(SPACES, {"name": "ensemble", "description": "d", "is_public": False}, 200)
    assert (made["status"], made["endpoint"]) == ("ready", "rg.fr-par.scw.cloud/ensemble")
    lab.post(SPACES, {"name": "ensemble"}, 400)
    assert lab.get(f"{SPACES}?name=ensembl")["total_count"] == 0
    path = f"{SPACES}/{made['id']}"
    assert lab.patch(path, {"is_public": True})["is_public"] is True
    lab.post("/_emulator/registry-pushes", {"namespace": "ensemble", "image": "portal", "tag": "1", "size": 5})
    shown = lab.get(path)
    assert (shown["image_count"], shown["size"]) == (1, 5)
    image = lab.get("/registry/v1/regions/fr-par/images?name=portal")["images"][0]
    assert image["tags"] == ["1"]
    assert lab.get(f"/registry/v1/regions/fr-par/images/{image['id']}/tags")["tags"][0]["name"] == "1"
    assert lab.delete(path, 200)["status"] == "deleting"
    lab.gone(path)
    lab.get(f"/registry/v1/regions/fr-par/images/{image['id']}", 404)


def secret(lab: Lab, **fields: Any) -> Any:
    return lab.post(SECRETS, {"name": "s", "type": "opaque", "path": "/", "tags": None, **fields}, 200)


def version(lab: Lab, made: Any, text: str, **fields: Any) -> Any:
    data = base64.b64encode(text.encode()).decode()
    return lab.post(f"{SECRETS}/{made['id']}/versions", {"data": data, **fields}, 200)


def test_versions_of_a_secret(lab: Lab) -> None:
    made = secret(lab)
    path = f"{SECRETS}/{made['id']}/versions"
    assert [version(lab, made, text)["revision"] for text in ("one", "two")] == [1, 2]
    assert [(v["revision"], v["latest"]) for v in lab.get(path)["versions"]] == [(2, True), (1, False)]
    assert base64.b64decode(lab.get(f"{path}/1/access")["data"]) == b"one"
    assert lab.get(f"{path}/latest/access")["revision"] == 2
    version(lab, made, "three", disable_previous=True)
    assert lab.get(f"{path}?status=disabled")["versions"][0]["revision"] == 2
    assert lab.get(f"{path}/2/access", 412)["type"] == "precondition_failed"
    assert lab.patch(f"{path}/1", {"description": "d"})["description"] == "d"
    lab.delete(f"{path}/3")
    assert lab.get(f"{path}/3")["status"] == "scheduled_for_deletion"
    assert lab.get(f"{path}/latest_enabled/access")["revision"] == 1
    assert lab.get(f"{SECRETS}/{made['id']}")["version_count"] == 3


def test_a_deleted_secret_can_still_be_read(lab: Lab) -> None:
    made = secret(lab, path="/a/b/")
    assert made["path"] == "/a/b"
    lab.get(SECRETS, 400)
    assert lab.get(f"{SECRETS}?scheduled_for_deletion=false&path=/a/b&name=s&type=unknown_type")["total_count"] == 1
    lab.delete(f"{SECRETS}/{made['id']}")
    assert lab.get(f"{SECRETS}/{made['id']}")["deletion_requested_at"]
    assert lab.get(f"{SECRETS}?scheduled_for_deletion=false")["total_count"] == 0
    secret(lab, path="/a/b")


def test_protected_secrets(lab: Lab) -> None:
    made = secret(lab, protected=True)
    assert lab.delete(f"{SECRETS}/{made['id']}", 412) == {
        "type": "precondition_failed",
        "message": "precondition is not respected",
        "precondition": "protected_resource",
        "help_message": "cannot delete a protected secret",
    }
    lab.post(f"{SECRETS}/{made['id']}/unprotect", {}, 200)
    lab.delete(f"{SECRETS}/{made['id']}")


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (
            "basic_credentials",
            {"username": "u", "password": "p"},
            [{"username": "u"}, ["username"], "text"],
        ),
        ("key_value", {"key": "value", "number": 7}, [{"key": {}}, {"key": []}, [], 7]),
        ("ssh_key", {"ssh_private_key": "-----BEGIN"}, [{}, {"ssh_private_key": {}}]),
    ],
)
def test_structured_secrets_are_checked(lab: Lab, kind: str, right: Any, wrong: list[Any]) -> None:
    made = secret(lab, type=kind)
    path = f"{SECRETS}/{made['id']}/versions"
    for text in ("not json", *(json.dumps(content) for content in wrong)):
        data = base64.b64encode(text.encode()).decode()
        detail = lab.post(path, {"data": data}, 400)["details"][0]
        assert (detail["argument_name"], detail["reason"]) == ("data", "format")
    version(lab, made, json.dumps(right))
    lab.post(path, {"data": "%%%"}, 400)


def test_ephemeral_secrets(lab: Lab) -> None:
    policy = {"time_to_live": "1800.000000000s", "expires_once_accessed": True, "action": "disable"}
    made = secret(lab, ephemeral_policy=policy)
    assert made["ephemeral_policy"]["time_to_live"] == "1800s"
    version(lab, made, "once")
    path = f"{SECRETS}/{made['id']}/versions/1"
    lab.get(f"{path}/access")
    assert lab.get(path)["status"] == "disabled"


def test_the_marketplace(lab: Lab) -> None:
    first = lab.get("/marketplace/v2/images?order_by=name_asc")
    assert (len(first["images"]), first["total_count"]) == (20, 27)
    labels = {image["label"] for page in (1, 2) for image in lab.get(f"/marketplace/v2/images?page={page}")["images"]}
    assert {"debian_trixie", "debian_bookworm", "ubuntu_noble"} <= labels
    local = lab.get("/marketplace/v2/local-images?image_label=debian_trixie&zone=fr-par-1&type=instance_local")[
        "local_images"
    ]
    assert [image["arch"] for image in local] == ["x86_64"]
    assert "DEV1-S" in local[0]["compatible_commercial_types"]
    assert "PLAY2-PICO" not in local[0]["compatible_commercial_types"]
    ids = [
        lab.get(f"/marketplace/v2/local-images?image_label=debian_trixie&zone={zone}")["local_images"][0]["id"]
        for zone in ("fr-par-1", "fr-par-2")
    ]
    assert ids[0] != ids[1]


def test_server_types_and_prices(lab: Lab) -> None:
    pages = [lab.request("GET", f"products/servers?page={page}") for page in (1, 2, 3)]
    assert pages[0].headers["X-Total-Count"] == "135"
    assert pages[0].headers["Link"].startswith('</products/servers?page=2&per_page=50&>; rel="next"')
    types = {name: entry for page in pages for name, entry in page.json()["servers"].items()}
    assert len(types) == 135
    small = types["DEV1-L"]
    assert (small["ncpus"], small["ram"], small["hourly_price"]) == (4, 8 * 2**30, 0.04284)
    assert small["volumes_constraint"]["max_size"] == 80 * 10**9
    assert types["PRO2-S"]["volumes_constraint"]["max_size"] == 0
    assert types["START1-S"]["end_of_service"] is True
    assert lab.get("/instance/v1/zones/fr-par-3/products/servers")["servers"].keys() == {
        name
        for name in types
        if name.startswith(("PRO2", "POP2", "GP1")) and not name.endswith(("WIN", "GP1-L", "GP1-XL"))
    }


def test_versions_and_categories_of_marketplace_images(lab: Lab) -> None:
    image = lab.get("/marketplace/v2/images")["images"][0]
    found = lab.get(f"/marketplace/v2/versions?image_id={image['id']}")["versions"]
    assert lab.get(f"/marketplace/v2/versions/{found[0]['id']}") == found[0]
    categories = lab.get("/marketplace/v2/categories")["categories"]
    assert set(image["categories"]) <= {category["name"] for category in categories}
    assert lab.get(f"/marketplace/v2/categories/{categories[0]['id']}") == categories[0]
    lab.get(f"/marketplace/v2/versions/{image['id']}", 404)


def test_secrets_by_path(lab: Lab) -> None:
    for path in ("/", "/app", "/app/db", "/apple"):
        secret(lab, path=path, tags=[f"in:{path}"])
    found = lab.get(f"{SECRETS}/browse?prefix=/app")
    assert found["current_path"] == "/app"
    assert [(item["name"], "secret" in item) for item in found["items"]] == [("db", False), ("s", True)]
    region = SECRETS.removesuffix("/secrets")
    assert len(lab.get(f"{region}/tags")["tags"]) == 4
    assert "opaque" in lab.get(f"{region}/secret-types")["types"]
    path = f"{region}/secrets-by-path/versions/latest/access?secret_path=/app/db&secret_name=s"
    lab.get(path, 404)
    lab.post(f"{SECRETS}/{found['items'][1]['secret']['id']}/add-owner", {"product": "edge_services"}, 204)
    assert lab.get(f"{SECRETS}/{found['items'][1]['secret']['id']}")["used_by"] == ["edge_services"]


def test_what_there_is_and_what_a_server_can_become(lab: Lab) -> None:
    server = lab.running()
    lab.post("ips", {}, 201)
    counts = lab.get("dashboard")["dashboard"]
    assert (counts["servers_count"], counts["running_servers_count"], counts["ips_unused"]) == (1, 1, 1)
    assert counts["servers_by_types"] == {"DEV1-S": 1}
    types = lab.get(f"servers/{server['id']}/compatible-types")["compatible_types"]
    assert {"DEV1-M", "PRO2-S"} <= set(types)
    assert {"DEV1-S", "START1-S", "BASIC2-A2C-4G"}.isdisjoint(types)

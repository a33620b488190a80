# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed databases: states on the way, endpoints, what is kept of passwords, copies, refusals."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509

from .conftest import Lab

REGION = "/rdb/v1/regions/fr-par"
PASSWORD = "Good-Passw0rd"


def ready(body: Any) -> bool:
    return bool(body) and body["status"] == "ready"


def made(lab: Lab, **fields: Any) -> tuple[str, Any]:
    """The path of a new instance, and what it is when it is ready."""
    body = {"name": "db", "engine": "PostgreSQL-15", "node_type": "db-dev-s", "user_name": "me", "password": PASSWORD}
    answer = lab.post(f"{REGION}/instances", {**body, **fields}, 200)
    assert (answer["status"], answer["settings"], answer["endpoint"]) == ("provisioning", [], None)
    path = f"{REGION}/instances/{answer['id']}"
    return path, lab.wait(path, ready)


def names_of(lab: Lab, path: str) -> list[str]:
    pem = base64.b64decode(lab.get(f"{path}/certificate")["content"])
    extension = x509.load_pem_x509_certificate(pem).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return [str(name.value) for name in extension.value]


def test_its_certificate_is_for_the_addresses_it_has(lab: Lab) -> None:
    path, instance = made(lab)
    public = instance["endpoint"]["ip"]
    assert public in names_of(lab, path)
    network = lab.post("/vpc/v2/regions/fr-par/private-networks", {"name": "n"}, 200)
    spec = {"private_network": {"private_network_id": network["id"], "ipam_config": {}}}
    private = lab.post(f"{path}/endpoints", {"endpoint_spec": spec}, 200)
    lab.wait(path, ready)
    assert {public, private["ip"]} <= set(names_of(lab, path))
    lab.request("DELETE", f"/vpc/v2/regions/fr-par/private-networks/{network['id']}", expect=412)
    lab.delete(f"{REGION}/endpoints/{private['id']}")
    lab.wait(path, lambda body: ready(body) and len(body["endpoints"]) == 1)
    assert private["ip"] not in names_of(lab, path)
    assert lab.get(f"/ipam/v1/regions/fr-par/ips?resource_id={instance['id']}")["ips"] == []
    lab.delete(f"/vpc/v2/regions/fr-par/private-networks/{network['id']}")


def test_nobody_can_read_a_password_and_what_goes_takes_its_privileges(lab: Lab) -> None:
    path, _ = made(lab)
    lab.post(f"{path}/users", {"name": "app", "password": PASSWORD}, 200)
    lab.post(f"{path}/databases", {"name": "rooms"}, 200)
    grant = {"database_name": "rooms", "user_name": "app", "permission": "all"}
    assert lab.put(f"{path}/privileges", grant) == grant
    assert PASSWORD not in lab.request("GET", "/_emulator/state").text
    assert [user["name"] for user in lab.get(f"{path}/users")["users"]] == ["app", "me"]
    lab.delete(f"{path}/users/app")
    assert lab.get(f"{path}/privileges")["privileges"] == []


@pytest.mark.parametrize(
    ("fields", "argument"),
    [
        ({"engine": "PostgreSQL-9.6"}, "engine"),
        ({"engine": "Oracle-1"}, "engine"),
        ({"node_type": "db-huge"}, "node_type"),
        ({"password": "short"}, "password"),
        ({"volume_type": "sbs_5k"}, "volume_size"),
        ({"volume_type": "floppy"}, "volume_type"),
        ({"volume_size": "big"}, "volume_size"),
    ],
)
def test_what_no_instance_can_be_is_refused(lab: Lab, fields: Any, argument: str) -> None:
    body = {"name": "db", "engine": "PostgreSQL-15", "node_type": "db-dev-s", "user_name": "me", "password": PASSWORD}
    answer = lab.post(f"{REGION}/instances", {**body, **fields}, 400)
    assert answer["details"][0]["argument_name"] == argument
    assert lab.get(f"{REGION}/instances")["total_count"] == 0


def test_a_busy_instance_takes_no_orders_and_settings_are_checked(lab: Lab) -> None:
    path, _ = made(lab)
    wrong = {"settings": [{"name": "work_mem", "value": "-7"}]}
    assert lab.request("PUT", f"{path}/settings", wrong, 400).json()["details"][0]["argument_name"] == "settings"
    right = {"settings": [{"name": "work_mem", "value": "8"}]}
    assert {"name": "work_mem", "value": "8"} in lab.post(f"{path}/settings", right, 200)["settings"]
    assert lab.post(f"{path}/databases", {"name": "x"}, 409)["current_state"] == "configuring"
    assert len(lab.wait(path, ready)["settings"]) == 6


def test_backups_and_snapshots_outlive_their_instance(lab: Lab) -> None:
    path, instance = made(lab, volume_type="sbs_5k", volume_size=10**10, tags=["t"])
    lab.post(f"{path}/databases", {"name": "rooms"}, 200)
    snapshot = lab.post(f"{path}/snapshots", {"name": "s"}, 200)
    backup = lab.post(f"{REGION}/backups", {"instance_id": instance["id"], "database_name": "rooms", "name": "b"}, 200)
    for kind, kept in (("snapshots", snapshot), ("backups", backup)):
        lab.wait(f"{REGION}/{kind}/{kept['id']}", ready)
    lab.request("DELETE", path, expect=200)
    lab.gone(path)
    copy = lab.post(f"{REGION}/snapshots/{snapshot['id']}/create-instance", {"instance_name": "copy"}, 200)
    path = f"{REGION}/instances/{copy['id']}"
    assert lab.wait(path, ready)["tags"] == ["t"]
    assert [user["name"] for user in lab.get(f"{path}/users")["users"]] == ["me"]
    restored = {"instance_id": copy["id"], "database_name": "again"}
    assert lab.post(f"{REGION}/backups/{backup['id']}/restore", restored, 200)["status"] == "restoring"
    lab.wait(f"{REGION}/backups/{backup['id']}", ready)
    assert [one["name"] for one in lab.get(f"{path}/databases")["databases"]] == ["again", "rooms"]


def test_a_lab_that_was_killed_ends_what_it_began(make_lab: Callable[..., Lab]) -> None:
    lab = make_lab("--speed", "1000")
    body = {"name": "db", "engine": "PostgreSQL-15", "node_type": "db-dev-s"}
    path = f"{REGION}/instances/{lab.post(f'{REGION}/instances', body, 200)['id']}"
    lab.stop(9)
    lab.start()
    assert lab.wait(path, ready)["endpoint"]["port"]

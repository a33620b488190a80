# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys other than the owner's: what their policies grant they may, in the projects that are named; nothing else."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from ensemble_lab import access
from ensemble_lab.cloud import Cloud
from ensemble_lab.drivers.null import NullDriver
from ensemble_lab.settings import Settings
from ensemble_lab.store import Store

from .conftest import ACCESS_KEY, PROJECT, Lab

IAM = "/iam/v1alpha1"
SERVERS = "/instance/v1/zones/fr-par-1/servers"
NEW_SERVER = {"name": "h-9", "commercial_type": "DEV1-S", "image": "debian_trixie"}


class Key:
    """An application with one policy and one key."""

    def __init__(self, lab: Lab, *sets: str, **rule: Any):
        self.lab, self.application = lab, lab.post(f"{IAM}/applications", {"name": "reader"})
        rule = rule or {"project_ids": [PROJECT]}
        body = {"name": "reads", "application_id": self.application["id"]}
        self.policy = lab.post(f"{IAM}/policies", {**body, "rules": [{"permission_set_names": list(sets), **rule}]})
        self.key = lab.post(f"{IAM}/api-keys", {"application_id": self.application["id"]})

    def ask(self, method: str, path: str, body: Any = None) -> requests.Response:
        token = {"X-Auth-Token": self.key["secret_key"]}
        return requests.request(method, self.lab.url + path, json=body, headers=token, timeout=10)


def test_a_reader_of_servers_reads_servers_and_changes_nothing(lab: Lab) -> None:
    server, key = lab.server(), Key(lab, "InstancesReadOnly")
    assert [seen["id"] for seen in key.ask("GET", SERVERS).json()["servers"]] == [server["id"]]
    assert key.ask("GET", f"{SERVERS}/{server['id']}").ok
    refused = key.ask("POST", SERVERS, NEW_SERVER)
    assert refused.status_code == 403
    assert refused.json() == {
        "type": "permissions_denied",
        "message": "insufficient permissions",
        "details": [{"resource": "server", "action": "write"}],
    }
    for method, path in (
        ("DELETE", f"{SERVERS}/{server['id']}"),
        ("POST", f"{SERVERS}/{server['id']}/action"),
        ("GET", "/secret-manager/v1beta1/regions/fr-par/secrets"),
        ("GET", "/registry/v1/regions/fr-par/namespaces"),
        ("GET", f"{IAM}/api-keys"),
        ("POST", f"{IAM}/api-keys"),
        ("POST", f"{IAM}/policies"),
        ("GET", "/account/v3/projects"),
        ("GET", "/domain/v2beta1/dns-zones"),
    ):
        assert key.ask(method, path, {} if method == "POST" else None).status_code == 403, (method, path)
    assert len(lab.get("servers")["servers"]) == 1


def test_rights_end_at_the_project(lab: Lab) -> None:
    other = lab.post("/account/v3/projects", {"name": "other"})["id"]
    mine, foreign = lab.server("h-1", project=other), lab.server("h-2")
    key = Key(lab, "InstancesFullAccess", project_ids=[other])
    assert [seen["id"] for seen in key.ask("GET", SERVERS).json()["servers"]] == [mine["id"]]
    assert key.ask("GET", SERVERS).headers["x-total-count"] == "1"
    assert key.ask("GET", f"{SERVERS}?project={PROJECT}").status_code == 403
    assert key.ask("GET", f"{SERVERS}/{foreign['id']}").status_code == 403
    assert key.ask("DELETE", f"{SERVERS}/{foreign['id']}").status_code == 403
    assert key.ask("GET", f"{SERVERS}/{foreign['id']}/user_data").status_code == 403
    assert key.ask("POST", SERVERS, NEW_SERVER).status_code == 403
    assert key.ask("POST", SERVERS, {**NEW_SERVER, "project": other}).status_code == 201


def test_rights_follow_the_policy_at_once(lab: Lab) -> None:
    key = Key(lab, "InstancesReadOnly")
    rules = [{"permission_set_names": ["AllProductsFullAccess"], "project_ids": [PROJECT]}]
    lab.put(f"{IAM}/rules", {"policy_id": key.policy["id"], "rules": rules})
    assert key.ask("POST", SERVERS, NEW_SERVER).status_code == 201
    assert key.ask("GET", f"{IAM}/policies").status_code == 403, "that is no product"
    lab.patch(f"{IAM}/policies/{key.policy['id']}", {"no_principal": True})
    assert key.ask("GET", SERVERS).status_code == 403
    assert "application_id" not in lab.get(f"{IAM}/policies/{key.policy['id']}")


@pytest.mark.parametrize(
    ("sets", "path", "status"),
    [
        (["IAMManager"], f"{IAM}/applications", 200),
        (["IAMReadOnly"], f"{IAM}/policies", 200),
        (["SecretManagerReadOnly"], "/secret-manager/v1beta1/regions/fr-par/secrets/{secret}/versions/1/access", 403),
        (
            ["SecretManagerSecretAccess"],
            "/secret-manager/v1beta1/regions/fr-par/secrets/{secret}/versions/1/access",
            200,
        ),
        (["SecretManagerSecretAccess"], "/secret-manager/v1beta1/regions/fr-par/secrets", 403),
        (["AllProductsReadOnly"], "/lb/v1/zones/fr-par-1/lbs", 200),
        (["SSHKeysReadOnly"], f"{IAM}/ssh-keys", 200),
    ],
)
def test_each_permission_set_opens_its_part(lab: Lab, sets: list[str], path: str, status: int) -> None:
    secrets = "/secret-manager/v1beta1/regions/fr-par/secrets"
    secret = lab.post(secrets, {"name": "s", "project_id": PROJECT})["id"]
    lab.post(f"{secrets}/{secret}/versions", {"data": "eA=="})
    key = Key(lab, *sets, organization_id=PROJECT)
    assert key.ask("GET", path.format(secret=secret)).status_code == status


def test_a_key_ends_with_its_time_and_with_its_application(lab: Lab) -> None:
    key = Key(lab, "InstancesReadOnly")
    path = f"{IAM}/api-keys/{key.key['access_key']}"
    shown = lab.get(path)
    assert (shown["secret_key"], shown["application_id"]) == (None, key.application["id"])
    lab.patch(path, {"expires_at": "2100-01-01T00:00:00Z"})
    assert key.ask("GET", SERVERS).ok
    lab.patch(path, {"expires_at": "2020-01-01T00:00:00Z"})
    refused = key.ask("GET", SERVERS)
    assert (refused.status_code, refused.json()["reason"]) == (401, "expired")
    assert [k["access_key"] for k in lab.get(f"{IAM}/api-keys?expired=false")["api_keys"]] == [ACCESS_KEY]
    lab.delete(f"{IAM}/applications/{key.application['id']}")
    lab.get(path, 404)
    refused = key.ask("GET", SERVERS)
    assert (refused.status_code, refused.json()["reason"]) == (401, "not_found")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"permission_set_names": ["InstancesReadWrite"], "project_ids": [PROJECT]}, "no such permission set"),
        ({"permission_set_names": [], "project_ids": [PROJECT]}, "at least one"),
        ({"permission_set_names": ["InstancesReadOnly"]}, "either"),
        ({"permission_set_names": ["IAMManager"], "project_ids": [PROJECT]}, "for the organization"),
        ({"permission_set_names": ["IAMManager", "InstancesReadOnly"], "organization_id": PROJECT}, "some are for"),
    ],
)
def test_rules_that_make_no_sense_are_refused(lab: Lab, rule: Any, words: str) -> None:
    refused = lab.post(f"{IAM}/policies", {"name": "p", "rules": [rule]}, 400)
    assert words in refused["details"][0]["help_message"]
    assert lab.get(f"{IAM}/policies")["policies"] == []


@pytest.mark.parametrize(
    ("granted", "actions"),
    [
        ("ContainerRegistryReadOnly", {"pull"}),
        ("ContainerRegistryFullAccess", {"pull", "push", "delete", "*"}),
        ("InstancesFullAccess", set()),
    ],
)
def test_the_registry_asks_the_same_table(granted: str, actions: set[str]) -> None:
    cloud = Cloud(Settings(), NullDriver(0, None, None), Store(":memory:"))
    for name, project, public in (("mine", PROJECT, False), ("other", "of somebody", False), ("open", "of all", True)):
        cloud.store.put("registry_namespace", {"id": name, "name": name, "project_id": project, "is_public": public})
    cloud.store.put("policy", {"id": "p", "application_id": "a"})
    cloud.store.put("rule", {"id": "r", "policy_id": "p", "permission_set_names": [granted], "project_ids": [PROJECT]})
    cloud.store.put("iam_api_key", {"id": "k", "application_id": "a", "secret_key": "secret", "expires_at": None})
    assert access.registry_actions(cloud, "mine", "secret") == actions
    assert access.registry_actions(cloud, "other", "secret") == set()
    assert access.registry_actions(cloud, "open", "secret") == {"pull"}
    assert access.registry_actions(cloud, "mine", None) == set()

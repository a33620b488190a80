# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing is left to a default of the API that no recording shows: it is in the body of every creation.

Which fields a creation has comes from Scaleway's own SDK, so a field that is new there, or a module that forgets one,
fails here until somebody has looked.
"""

from __future__ import annotations

import dataclasses
import importlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from ansible_collections.ensemble.jitsi.plugins.module_utils.client import Client
from modules_lifecycles import LIFECYCLES
from modules_support import ROOT, Lab, Runner

IDENT = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
PLACE = re.compile(r"/(zones|regions)/[a-z0-9-]+")

# The SDK's request of each creation. "project" and "organization" are the account's, never a default.
CREATIONS = {
    "/instance/v1/security_groups": ("instance.v1", "CreateSecurityGroupRequest"),
    "/instance/v1/servers": ("instance.v1", "CreateServerRequest"),
    "/instance/v1/ips": ("instance.v1", "CreateIpRequest"),
    "/instance/v1/images": ("instance.v1", "CreateImageRequest"),
    "/instance/v1/snapshots": ("instance.v1", "CreateSnapshotRequest"),
    "/instance/v1/volumes": ("instance.v1", "CreateVolumeRequest"),
    "/instance/v1/placement_groups": ("instance.v1", "CreatePlacementGroupRequest"),
    "/block/v1/volumes": ("block.v1", "CreateVolumeRequest"),
    "/block/v1/snapshots": ("block.v1", "CreateSnapshotRequest"),
    "/lb/v1/lbs": ("lb.v1", "ZonedApiCreateLbRequest"),
    "/lb/v1/ips": ("lb.v1", "ZonedApiCreateIpRequest"),
    "/lb/v1/lbs/ID/backends": ("lb.v1", "ZonedApiCreateBackendRequest"),
    "/lb/v1/lbs/ID/frontends": ("lb.v1", "ZonedApiCreateFrontendRequest"),
    "/lb/v1/frontends/ID/acls": ("lb.v1", "ZonedApiCreateAclRequest"),
    "/lb/v1/lbs/ID/certificates": ("lb.v1", "ZonedApiCreateCertificateRequest"),
    "/rdb/v1/instances": ("rdb.v1", "CreateInstanceRequest"),
    "/rdb/v1/instances/ID/databases": ("rdb.v1", "CreateDatabaseRequest"),
    "/rdb/v1/instances/ID/users": ("rdb.v1", "CreateUserRequest"),
    "/registry/v1/namespaces": ("registry.v1", "CreateNamespaceRequest"),
    "/secret-manager/v1beta1/secrets": ("secret.v1beta1", "CreateSecretRequest"),
    "/vpc/v2/private-networks": ("vpc.v2", "CreatePrivateNetworkRequest"),
    "/vpc/v2/vpcs": ("vpc.v2", "CreateVPCRequest"),
    "/iam/v1alpha1/ssh-keys": ("iam.v1alpha1", "CreateSSHKeyRequest"),
    "/iam/v1alpha1/applications": ("iam.v1alpha1", "CreateApplicationRequest"),
    "/iam/v1alpha1/policies": ("iam.v1alpha1", "CreatePolicyRequest"),
    "/iam/v1alpha1/api-keys": ("iam.v1alpha1", "CreateAPIKeyRequest"),
    "/domain/v2beta1/dns-zones": ("domain.v2beta1", "CreateDNSZoneRequest"),
}
OF_THE_PATH = {
    "zone",
    "region",
    "lb_id",
    "frontend_id",
    "instance_id",
    "project",
    "organization",
    "project_id",
    "organization_id",
}

# What a creation may leave out: recordings show requests without it, and answers with what docs/api-defaults.md says.
CERTAIN = {
    "/instance/v1/security_groups": {"description", "project_default", "organization_default"},
    "/instance/v1/servers": {
        "image", "volumes", "enable_ipv6", "public_ip", "public_ips", "security_group", "placement_group",
        "admin_password_encryption_ssh_key_id", "routed_ip_enabled",
    },
    "/instance/v1/ips": {"server"},
    "/instance/v1/images": {"extra_volumes"},
    "/instance/v1/snapshots": {"volume_type", "bucket", "key", "size"},
    "/instance/v1/volumes": {"size", "base_snapshot"},  # one of the two
    "/block/v1/volumes": {"kms_key_id", "from_empty", "from_snapshot"},  # one of the last two
    "/lb/v1/lbs": {"ip_id", "assign_flexible_ip", "assign_flexible_ipv6"},
    "/lb/v1/ips": {"reverse"},
    "/lb/v1/lbs/ID/backends": {
        "send_proxy_v2", "failover_host", "ssl_bridging", "ignore_ssl_server_verify", "redispatch_attempt_count",
        "max_connections", "host",
    },
    "/lb/v1/lbs/ID/frontends": {"timeout_client", "certificate_id", "certificate_ids"},
    "/lb/v1/frontends/ID/acls": {"match"},
    "/lb/v1/lbs/ID/certificates": {"letsencrypt", "custom_certificate"},  # one of the two
    "/secret-manager/v1beta1/secrets": {"description", "ephemeral_policy", "key_id"},
    "/vpc/v2/private-networks": {"subnets", "vpc_id"},
    "/iam/v1alpha1/policies": {"user_id", "group_id", "application_id", "no_principal"},  # one of them
    "/iam/v1alpha1/api-keys": {"user_id", "expires_at"},
    "/rdb/v1/instances": {"high_availability_mode"},  # is_ha_cluster says it
}  # fmt: skip


def fields(creation: str) -> set[str]:
    module, name = CREATIONS[creation]
    request = getattr(importlib.import_module(f"scaleway.{module}.types"), name)
    return {entry.name.rstrip("_") for entry in dataclasses.fields(request)} - OF_THE_PATH


@pytest.fixture
def bodies(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Every creation that is sent: what for, and its body."""
    sent: list[tuple[str, dict[str, Any]]] = []
    post = Client.post

    def noted(client: Client, path: str, body: dict[str, Any], *more: Any, **options: Any) -> Any:
        creation = IDENT.sub("ID", PLACE.sub("", path))
        if creation in CREATIONS:
            sent.append((creation, body))
        return post(client, path, body, *more, **options)

    monkeypatch.setattr(Client, "post", noted)
    return sent


def test_creations_send_what_is_not_certain(bodies: list[tuple[str, dict[str, Any]]], lab: Lab, run: Runner) -> None:
    for lifecycle in LIFECYCLES.values():
        lab.reset()
        if "{lb}" in str(lifecycle):
            continue  # needs the address of a balancer; what it creates is made by others
        for module, arguments in (*lifecycle.before, (lifecycle.module, lifecycle.begin)):
            run.ok(module, **arguments)
    assert {creation for creation, _body in bodies} >= set(CREATIONS) - {
        "/domain/v2beta1/dns-zones",
        "/lb/v1/lbs/ID/certificates",
    }
    for creation, body in bodies:
        left_out = fields(creation) - set(body) - CERTAIN.get(creation, set())
        assert not left_out, f"POST {creation} leaves {sorted(left_out)} to the API"


def test_what_is_certain_is_still_a_field() -> None:
    for creation, certain in CERTAIN.items():
        assert certain <= fields(creation), creation


# PUT bodies are whole: what one leaves out falls to the API's default.
UPDATES = {
    "/lb/v1/lbs/ID": "ZonedApiUpdateLbRequest",
    "/lb/v1/backends/ID": "ZonedApiUpdateBackendRequest",
    "/lb/v1/backends/ID/healthcheck": "ZonedApiUpdateHealthCheckRequest",
    "/lb/v1/frontends/ID": "ZonedApiUpdateFrontendRequest",
    "/lb/v1/acls/ID": "ZonedApiUpdateAclRequest",
    "/lb/v1/certificates/ID": "ZonedApiUpdateCertificateRequest",
}
OLD_FORMS = {"send_proxy_v2", "certificate_id", "lb_id", "backend_id", "frontend_id", "acl_id"}
"""What the API has under newer names (proxy_protocol, certificate_ids), and ids that stand in the path."""
CHECKS = {f"{kind}_config" for kind in ("tcp", "mysql", "pgsql", "ldap", "redis", "http", "https")}  # one of them
WHEN_THERE = {"host", "match"}
"""What is repeated only where the object has it."""


def test_whole_writes_repeat_everything(lab: Lab, run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, dict[str, Any]]] = []
    send = Client.send

    def noted(client: Client, method: str, path: str, query: Any = None, body: Any = None) -> Any:
        if method == "PUT" and body is not None:
            sent.append((IDENT.sub("ID", PLACE.sub("", path)), body))
        return send(client, method, path, query, body)

    monkeypatch.setattr(Client, "send", noted)
    for lifecycle in LIFECYCLES.values():
        if lifecycle.module.startswith("lb") and "{lb}" not in str(lifecycle):
            lab.reset()
            for module, arguments in (*lifecycle.before, (lifecycle.module, lifecycle.begin)):
                run.ok(module, **arguments)
            run.ok(lifecycle.module, **{**lifecycle.begin, **lifecycle.change})
    whole = [(path, body) for path, body in sent if path in UPDATES]
    assert {path for path, _body in whole} >= set(UPDATES) - {"/lb/v1/certificates/ID"}
    types = importlib.import_module("scaleway.lb.v1.types")
    for path, body in whole:
        known = {entry.name.rstrip("_") for entry in dataclasses.fields(getattr(types, UPDATES[path]))}
        desired = known - OF_THE_PATH - OLD_FORMS - WHEN_THERE - (CHECKS if path.endswith("healthcheck") else set())
        assert not desired - set(body), f"PUT {path} leaves {sorted(desired - set(body))} to the API"


def test_every_group_of_the_playbooks_says_that_it_is_stateful() -> None:
    """With `drop` for what comes in, a group without a memory lets no answer through."""
    tasks = [
        task["ensemble.jitsi.scaleway_security_group"]
        for path in ROOT.glob("playbooks/**/*.yml")
        for task in _tasks(yaml.safe_load(path.read_text()))
        if "ensemble.jitsi.scaleway_security_group" in task
    ]
    assert len([task for task in tasks if task.get("state") != "absent"]) >= 5
    assert all(task.get("stateful") is True for task in tasks if task.get("state") != "absent")


def _tasks(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        for each in node:
            yield from _tasks(each)
    elif isinstance(node, dict):
        yield node
        for key in ("tasks", "block", "rescue", "always", "pre_tasks", "post_tasks"):
            yield from _tasks(node.get(key))


def test_the_lab_is_as_unkind_as_the_description(lab: Lab) -> None:
    """What the API's description says of a group that is told nothing: it has no memory."""
    import requests

    token = {"X-Auth-Token": "22222222-2222-4222-8222-222222222222"}
    body = {"name": "told nothing", "project": lab.account["project_id"]}
    url = f"{lab.url}/instance/v1/zones/fr-par-1/security_groups"
    made = requests.post(url, json=body, headers=token, timeout=10).json()["security_group"]
    assert made["stateful"] is False

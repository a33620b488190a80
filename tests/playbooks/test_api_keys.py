# SPDX-License-Identifier: GPL-3.0-or-later
"""The platform makes its own API keys, each for one thing; the operator's key stays with the operator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from modules_support import PROJECT, SECRET_KEY
from playbooks_support import Operator

SERVERS = "/instance/v1/zones/fr-par-1/servers"
NAMESPACES = "/registry/v1/regions/fr-par/namespaces"


def stored(operator: Operator, name: str) -> Any:
    return json.loads(operator.stored()[name])


def status(operator: Operator, key: dict[str, str], method: str, path: str, body: Any = None) -> int:
    token = {"X-Auth-Token": key["secret_key"]}
    return requests.request(method, operator.lab.url + path, json=body, headers=token, timeout=10).status_code


def there(operator: Operator) -> set[str]:
    return {each["access_key"] for each in operator.lab.state().get("iam_api_key", [])}


def test_each_key_may_do_one_thing(operator: Operator) -> None:
    server = {"name": "x", "commercial_type": "DEV1-S", "image": "debian_trixie", "project": PROJECT}
    prometheus, registry = stored(operator, "prometheus-api-key"), stored(operator, "registry-api-key")
    assert status(operator, prometheus, "GET", SERVERS) == 200
    assert status(operator, prometheus, "POST", SERVERS, server) == 403
    assert status(operator, prometheus, "GET", NAMESPACES) == 403
    assert status(operator, registry, "GET", NAMESPACES) == 200
    assert status(operator, registry, "POST", NAMESPACES, {"name": "other"}) == 403
    assert status(operator, registry, "GET", SERVERS) == 403
    for key in (prometheus, registry):
        assert status(operator, key, "GET", "/secret-manager/v1beta1/regions/fr-par/secrets") == 403
        assert status(operator, key, "GET", "/iam/v1alpha1/api-keys") == 403
    assert there(operator) == {prometheus["access_key"], registry["access_key"]}
    again = operator.play("monitoring.yml", "portal.yml", options=("-v",)).ok()
    assert again.changed == 0, again.output
    for secret in (prometheus["secret_key"], registry["secret_key"], SECRET_KEY):
        assert secret not in again.output


def test_keys_follow_each_other_without_a_gap(operator: Operator) -> None:
    """One whose run was killed between "made" and "stored", then one that is rotated: the last stored one remains."""
    first, registry = stored(operator, "prometheus-api-key"), stored(operator, "registry-api-key")
    operator.lose_secret("prometheus-api-key")
    operator.play("monitoring.yml").ok()
    second = stored(operator, "prometheus-api-key")
    assert there(operator) == {key["access_key"] for key in (first, second, registry)}
    assert status(operator, first, "GET", SERVERS) == 200, "Prometheus still has it"
    operator.play("monitoring.yml", "api_keys_revoke.yml", rotate="prometheus-api-key").ok()
    third = stored(operator, "prometheus-api-key")
    assert there(operator) == {third["access_key"], registry["access_key"]}
    assert [status(operator, key, "GET", SERVERS) for key in (first, second, third)] == [401, 401, 200]


def test_keys_of_the_inventory_come_first(operator: Operator) -> None:
    halves = {"prometheus_scaleway_secret_key": PROJECT}
    operator.play("preflight.yml", **halves).failed("belong together")
    operator.lab.forget_requests()
    operator.play("monitoring.yml", **halves, prometheus_scaleway_access_key="SCW00000000000000000").ok()
    assert not [each for each in operator.lab.requests() if each["path"].startswith("/iam/v1alpha1/a")]


def test_an_account_of_the_config_file_is_enough(
    operator: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.yaml"
    lines = {"access_key": "SCWLABLABLABLABLABLA", "secret_key": SECRET_KEY, "default_project_id": PROJECT}
    config.write_text("".join(f"{name}: {value}\n" for name, value in {**lines, "api_url": operator.lab.url}.items()))
    monkeypatch.setattr(Operator, "account", {"SCW_CONFIG_PATH": str(config)})
    done = operator.play("monitoring.yml", "api_keys_revoke.yml").ok()
    assert f"asks for project {PROJECT}" in done.output
    config.write_text(f"secret_key: {SECRET_KEY}\napi_url: {operator.lab.url}\n")
    operator.play("preflight.yml").failed("No project: set project_id")

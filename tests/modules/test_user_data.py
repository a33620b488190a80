# SPDX-License-Identifier: GPL-3.0-or-later
"""User data goes only when it is named, and tags give nothing away about what is secret in it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from modules_lifecycles import LOCAL_DISK, SERVER
from modules_support import SECRET_KEY, Lab, Runner

FLEET = {"prefix": "h", "count": 2, "commercial_type": "DEV1-L", "image": "debian_trixie", "volumes": LOCAL_DISK}


def data(lab: Lab, server: dict[str, Any], key: str) -> str | None:
    import requests

    url = f"{lab.url}/instance/v1/zones/fr-par-1/servers/{server['id']}/user_data/{key}"
    answer = requests.get(url, headers={"X-Auth-Token": SECRET_KEY}, timeout=10)
    return answer.text if answer.status_code == 200 else None


@pytest.mark.parametrize("option", ["user_data", "secret_user_data"])
@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_value_removes_nothing(option: str, empty: str | None, lab: Lab, run: Runner) -> None:
    server = run.ok("server", **SERVER, **{option: {"key": "kept"}})["server"]
    run.ok("fleet", **FLEET, **{option: {"key": "kept"}})
    lab.forget_requests()
    for check in (True, False):
        for module, desired in (("server", SERVER), ("fleet", FLEET)):
            refused = run(module, check=check, **desired, **{option: {"key": empty}})
            assert refused["failed"]
            assert "user data 'key' is empty" in refused["msg"]
    assert lab.writes() == []
    assert data(lab, server, "key") == "kept"


def test_keys_that_are_named_go(lab: Lab, run: Runner) -> None:
    two = {"user_data": {"a": "1"}, "secret_user_data": {"b": "2"}}
    server = run.ok("server", **SERVER, **two)["server"]
    servers = run.ok("fleet", **FLEET, **two)["servers"]
    less = {"user_data": {"a": "1"}, "absent_user_data": ["b", "never there"]}
    for module, desired in (("server", SERVER), ("fleet", FLEET)):
        assert run.ok(module, check=True, **desired, **less)["changed"]
        assert run.ok(module, **desired, **less)["changed"]
        lab.forget_requests()
        assert not run.ok(module, **desired, **less)["changed"]
        assert len(lab.requests()) <= 8
    for each in (server, *servers):
        assert data(lab, each, "a") == "1"
        assert data(lab, each, "b") is None


def test_a_key_is_not_given_and_absent(run: Runner) -> None:
    both = {"user_data": {"a": "1"}, "absent_user_data": ["a"]}
    assert "both set and in absent_user_data" in run.error("server", **SERVER, **both)
    assert "both set and in absent_user_data" in run.error("fleet", **FLEET, **both)


def test_numbers_are_the_texts_that_are_sent(run: Runner) -> None:
    run.ok("fleet", **FLEET, user_data={"n": 2})
    assert not run.ok("fleet", **FLEET, user_data={"n": "2"})["changed"]


def test_the_tag_is_no_digest_that_secrets_can_be_tried_against(run: Runner) -> None:
    server = run.ok("fleet", **FLEET, secret_user_data={"pin": "1234"})["servers"][0]
    tag = next(tag for tag in server["tags"] if tag.startswith("ensemble-user-data:")).partition(":")[2]
    for secret in ({"pin": "1234"}, {"secret_user_data": {"pin": "1234"}}, [{"secret_user_data": {"pin": "1234"}}, []]):
        text = json.dumps(secret, sort_keys=True).encode()
        assert tag not in {hashlib.new(kind, text).hexdigest()[:16] for kind in ("sha256", "sha1", "md5", "sha512")}


def test_an_empty_secret_is_refused(run: Runner) -> None:
    assert "value is empty" in run.error("secret", name="password", value="")

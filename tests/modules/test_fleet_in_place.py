# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that there are get what a task names, and keep what it does not name."""

from __future__ import annotations

import pytest
import requests
from modules_fleet import FLEET, names, tags_of
from modules_support import SECRET_KEY, Lab, Runner

DATA = {"user_data": {"jitsi-env": "DOMAIN=x"}, "secret_user_data": {"tls-private-key": "first"}}


def user_data(lab: Lab, name: str) -> dict[str, str]:
    server = next(each for each in lab.state()["instance_server"] if each["name"] == name)
    path = f"{lab.url}/instance/v1/zones/fr-par-1/servers/{server['id']}/user_data"
    token = {"X-Auth-Token": SECRET_KEY}
    keys = requests.get(path, headers=token, timeout=10).json()["user_data"]
    return {key: requests.get(f"{path}/{key}", headers=token, timeout=10).text for key in keys if key != "cloud-init"}


@pytest.fixture
def fleet(lab: Lab, run: Runner) -> None:
    run.ok("fleet", **FLEET, **DATA, count=3, tags=["jitsi"], dns={"zone": "ensemble.test"})


def test_some_servers_are_configured_in_place(fleet: None, lab: Lab, run: Runner) -> None:
    run.ok("server", name="h-2", state="stopped")
    before = {each["name"]: each["id"] for each in lab.state()["instance_server"]}
    desired = {
        "prefix": "h",
        "state": "configured",
        "numbers": [1, 2],
        "secret_user_data": {"tls-private-key": "second"},
    }
    planned = run.ok("fleet", check=True, **desired)
    assert planned["plan"]["updated"] == ["h-1", "h-2"]
    assert run.ok("fleet", **desired)["updated"] == ["h-1", "h-2"]
    assert not run.ok("fleet", **desired)["changed"]
    given = [user_data(lab, name)["tls-private-key"] for name in before]
    assert sorted(given) == ["first", "second", "second"]
    assert user_data(lab, "h-1")["jitsi-env"] == "DOMAIN=x"
    assert {each["name"]: each["id"] for each in lab.state()["instance_server"]} == before
    assert {each["name"]: each["state"] for each in lab.state()["instance_server"]}["h-2"] == "stopped"
    assert len(lab.state()["dns_record"]) == 3
    run.ok("fleet", prefix="h", state="configured", user_data={"more": "text"})
    assert {user_data(lab, name)["more"] for name in before} == {"text"}


def test_what_a_task_does_not_name_stays(fleet: None, lab: Lab, run: Runner) -> None:
    lab.forget_requests()
    assert not run.ok("fleet", prefix="h", state="configured")["changed"]
    assert not run.ok("fleet", **FLEET, count=3)["changed"]
    assert lab.writes() == []
    assert not run.ok("fleet", **FLEET, **DATA, count=3, tags=["jitsi"])["changed"]
    assert tags_of(run) == {"jitsi"}
    run.ok("fleet", **FLEET, count=3, tags=[])
    assert tags_of(run) == set()
    assert user_data(lab, "h-1") == {"jitsi-env": "DOMAIN=x", "tls-private-key": "first"}


def test_nothing_is_made_or_replaced(fleet: None, lab: Lab, run: Runner) -> None:
    lab.forget_requests()
    assert "There is no h-7" in run.error("fleet", prefix="h", state="configured", numbers=[1, 7])
    answer = run.ok(
        "fleet", **{**FLEET, "commercial_type": "DEV1-M"}, state="configured", recreate=True, max_change=100
    )
    assert answer["outdated"] == ["h-1", "h-2", "h-3"]
    assert lab.writes() == []
    assert names(lab) == ["h-1", "h-2", "h-3"]

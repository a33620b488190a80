# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed databases: what cannot be undone, passwords that nobody can ask for, certificates, busy instances."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.plugins.loader import lookup_loader
from modules_lifecycles import PORTAL, RDB
from modules_support import Lab, Runner

USER = {"instance": "rooms", "name": "portal", "password": "Open-Sesame-1"}
NEW = "Open-Sesame-2"


@pytest.fixture
def rooms(run: Runner) -> dict[str, Any]:
    return run.ok(RDB[0], **RDB[1], ha=True)["instance"]


@pytest.mark.parametrize(
    ("desired", "told"),
    [
        ({"ha": False}, "cannot be undone"),
        ({"volume_size": 10**10}, "node_type determines"),
        ({"volume_type": "sbs_5k", "volume_size": 10**9}, "cannot shrink below"),
        ({"acls": []}, "allow_empty"),
        ({"acls": ["everybody"]}, "neither an address nor a network"),
        ({"public_endpoint": False}, "would have no endpoint"),
        ({"engine": "PostgreSQL-16"}, "recreate: true"),
        ({"private_networks": ["none"]}, "no private network 'none'"),
    ],
)
def test_what_is_refused_before_anything_changes(
    rooms: dict[str, Any], lab: Lab, run: Runner, desired: dict[str, Any], told: str
) -> None:
    lab.forget_requests()
    assert told in run.error("rdb_instance", name="rooms", **desired)
    assert lab.writes() == []


def test_a_password_is_written_when_it_is_told_and_never_shown(rooms: dict[str, Any], lab: Lab, run: Runner) -> None:
    before = run.ok("rdb_user", **USER)
    verifier = lab.state()["rdb_user"][0]["verifier"]
    assert not run.ok("rdb_user", **{**USER, "password": NEW})["changed"]
    after = run.ok("rdb_user", **{**USER, "password": NEW}, update_password="always")
    assert after["changed"]
    assert lab.state()["rdb_user"][0]["verifier"] != verifier
    assert not {NEW, USER["password"]} & set(str([before, after]).replace("'", " ").split())


def test_parts_of_anothers_instance_stay(lab: Lab, run: Runner) -> None:
    mine, other = {"owner_tag": "ensemble:production"}, {"owner_tag": "ensemble:staging"}
    for module, arguments in (RDB, PORTAL):
        run.ok(module, **mine, **arguments)
    before = lab.state()
    assert "ensemble:staging" in run.error("rdb_user", **other, **USER)
    assert not run.ok("rdb_database", **other, **PORTAL[1], state="absent")["changed"]
    assert lab.state() == before


def test_parts_wait_for_an_instance_that_is_being_changed(rooms: dict[str, Any], lab: Lab, run: Runner) -> None:
    import requests

    url = f"{lab.url}/rdb/v1/regions/fr-par/instances/{rooms['id']}/restart"
    token = {"X-Auth-Token": lab.account["secret_key"]}
    assert requests.post(url, json={}, headers=token, timeout=10).json()["status"] == "restarting"
    assert run.ok(PORTAL[0], **PORTAL[1])["changed"]


def test_the_certificate_of_an_instance(rooms: dict[str, Any], lab: Lab) -> None:
    lookup = lookup_loader.get("ensemble.jitsi.scaleway_rdb_certificate")
    account = {**lab.account, "region": "fr-par"}
    (by_name,), (by_id,) = (lookup.run([term], {}, **account) for term in ("rooms", rooms["id"]))
    assert by_name == by_id
    assert by_name.startswith("-----BEGIN CERTIFICATE-----")
    with pytest.raises(Exception, match="no database instance 'none'"):
        lookup.run(["none"], {}, **account)


def test_instances_are_listed_by_name_and_tags(rooms: dict[str, Any], run: Runner) -> None:
    run.ok(RDB[0], **{**RDB[1], "name": "journal", "tags": ["a", "b"]})
    for query, names in (
        ({}, ["journal", "rooms"]),
        ({"name": "rooms"}, ["rooms"]),
        ({"name": "room"}, []),
        ({"tags": ["b"]}, ["journal"]),
        ({"tags": ["a", "c"]}, []),
    ):
        found = run.ok("rdb_instance_info", **query)["instances"]
        assert [each["name"] for each in found] == names, query
    assert run.ok("rdb_instance_info", name="rooms")["instances"][0]["endpoint"] == rooms["endpoint"]

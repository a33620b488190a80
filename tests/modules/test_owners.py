# SPDX-License-Identifier: GPL-3.0-or-later
"""Ownership is a mark on the object itself: no task touches what carries another's."""

from __future__ import annotations

from typing import Any

import pytest
from modules_lifecycles import KEY, LB, LIFECYCLES, LOCAL_DISK
from modules_support import Lab, Runner

MINE, OTHER = {"owner_tag": "ensemble:production"}, {"owner_tag": "ensemble:staging"}
TAGGED = {
    name: lifecycle
    for name, lifecycle in LIFECYCLES.items()
    if lifecycle.module
    not in (
        "ssh_key",
        "registry_namespace",
        "dns_zone",
        "dns_record",
        "fleet",
        "iam_api_key",
        "rdb_database",
        "rdb_user",
    )
    and not lifecycle.module.startswith("lb_")
    and "name" in lifecycle.begin
}


@pytest.mark.parametrize("name", TAGGED)
def test_a_name_of_anothers_object_is_an_error_and_stays(name: str, lab: Lab, run: Runner) -> None:
    lifecycle = TAGGED[name]
    for module, arguments in lifecycle.before:
        run.ok(module, **MINE, **arguments)
    made = run.ok(lifecycle.module, **MINE, **lifecycle.begin)
    assert (
        MINE["owner_tag"]
        in next(value for key, value in made.items() if isinstance(value, dict) and key != "diff")["tags"]
    )
    assert not run.ok(lifecycle.module, **MINE, **lifecycle.begin)["changed"]
    before = lab.state()
    for desired in (lifecycle.begin, {**lifecycle.begin, **lifecycle.change}):
        for check in (True, False):
            refused = run(lifecycle.module, check=check, **OTHER, **desired)
            assert refused.get("failed"), refused
            assert "ensemble:staging" in refused["msg"]
    assert not run.ok(lifecycle.module, **OTHER, **lifecycle.removal())["changed"]
    assert lab.state() == before
    assert run.ok(lifecycle.module, **MINE, **lifecycle.removal())["changed"]


@pytest.mark.parametrize("name", TAGGED)
def test_an_id_of_anothers_object_is_an_error(name: str, lab: Lab, run: Runner) -> None:
    lifecycle = TAGGED[name]
    for module, arguments in lifecycle.before:
        run.ok(module, **MINE, **arguments)
    made = run.ok(lifecycle.module, **MINE, **lifecycle.begin)
    ident = next(value["id"] for key, value in made.items() if isinstance(value, dict) and value.get("id"))
    before = lab.state()
    place = {key: lifecycle.begin[key] for key in ("region", "path") if key in lifecycle.begin}
    for state in ("present", "absent"):
        assert "ensemble:staging" in run.error(lifecycle.module, **OTHER, id=ident, state=state, **place)
    assert lab.state() == before


def test_tags_of_a_task_are_these_and_the_owners(run: Runner) -> None:
    run.ok("security_group", **MINE, name="web", tags=["a"])
    group = run.ok("security_group", **MINE, name="web", tags=["b"])["security_group"]
    assert sorted(group["tags"]) == ["b", "ensemble:production"]
    assert not run.ok("security_group", **MINE, name="web", tags=["b"])["changed"]
    assert not run.ok("security_group", **MINE, name="web")["changed"]


def test_parts_of_anothers_balancer_stay(lab: Lab, run: Runner) -> None:
    module, balancer = LB
    backend = {"lb": "portal", "name": "web", "forward_protocol": "http", "forward_port": 80}
    run.ok(module, **MINE, **balancer)
    run.ok("lb_backend", **MINE, **backend)
    before = lab.state()
    assert "ensemble:staging" in run.error("lb_backend", **OTHER, **{**backend, "forward_port": 81})
    assert "ensemble:staging" in run.error("lb_backend", **OTHER, **{**backend, "name": "other"})
    assert not run.ok("lb_backend", **OTHER, lb="portal", name="web", state="absent")["changed"]
    assert lab.state() == before


def test_what_is_referred_to_may_be_anybodys_but_the_own_one_comes_first(run: Runner) -> None:
    server = {"name": "web", "commercial_type": "DEV1-S", "image": "debian_trixie", "volumes": LOCAL_DISK}
    foreign = run.ok("security_group", **MINE, name="shared")["security_group"]["id"]
    made = run.ok("server", **OTHER, **server, security_group="shared")["server"]
    assert made["security_group"]["id"] == foreign


def test_kinds_without_tags_are_not_affected(run: Runner) -> None:
    run.ok("ssh_key", **MINE, name="op", public_key=KEY)
    assert not run.ok("ssh_key", **OTHER, name="op", public_key=KEY)["changed"]


def test_who_holds_names(lab: Lab, run: Runner) -> None:
    run.ok("security_group", **MINE, name="web")
    run.ok("ip", name="mon")
    run.ok("server", **MINE, name="web", commercial_type="DEV1-S", image="debian_trixie", volumes=LOCAL_DISK)
    lab.forget_requests()
    names = {"security_group": ["web", "other"], "ip": ["mon"], "server": ["web"], "lb": []}
    foreign = run.ok("owner_info", **OTHER, names=names)["foreign"]
    assert sorted((each["kind"], each["name"]) for each in foreign) == [
        ("ip", "mon"), ("security_group", "web"), ("server", "web"),
    ]  # fmt: skip
    assert len(lab.requests()) == 3
    mine = run.ok("owner_info", **MINE, names=names)["foreign"]
    assert [(each["kind"], each["name"]) for each in mine] == [("ip", "mon")]
    assert "owner_tag is required" in run.error("owner_info", names=names)


# --- DNS: the comment is the mark


def www(*data: str, **more: Any) -> dict[str, Any]:
    return {"dns_zone": "ensemble.test", "records": [{"name": "www", "data": list(data)}], **more}


def records(lab: Lab) -> dict[tuple[str, str], str | None]:
    return {(each["name"], each["data"]): each.get("comment") for each in lab.state().get("dns_record", [])}


def test_records_of_others_are_neither_changed_nor_removed(lab: Lab, run: Runner) -> None:
    run.ok("dns_record", **MINE, **www("198.18.0.1"))
    assert not run.ok("dns_record", **MINE, **www("198.18.0.1"))["changed"]
    before = lab.state()
    assert "already exist" in run.error("dns_record", **OTHER, **www("198.18.0.2"))
    for desired in (www("198.18.0.1"), www(), {"dns_zone": "ensemble.test", "records": [], "exclusive_names": ".*"}):
        state = "absent" if desired["records"] else "present"
        assert not run.ok("dns_record", **OTHER, **desired, state=state)["changed"]
    assert lab.state() == before
    assert run.ok("dns_record", **MINE, **www("198.18.0.2"))["changed"]
    assert run.ok("dns_record", **MINE, **www(), state="absent")["changed"]
    assert records(lab) == {}


def test_records_without_a_mark_are_adopted_when_they_say_the_same(lab: Lab, run: Runner) -> None:
    run.ok("dns_record", **www("198.18.0.1"))
    assert "already exist" in run.error("dns_record", **MINE, **www("198.18.0.2"))
    assert run.ok("dns_record", **MINE, **www("198.18.0.1"))["changed"]
    assert records(lab) == {("www", "198.18.0.1"): "ensemble:production"}
    assert not run.ok("dns_record", **MINE, **www("198.18.0.1"))["changed"]


def test_values_are_added_beside_those_of_others(lab: Lab, run: Runner) -> None:
    def proof(value: str) -> dict[str, Any]:
        return {"dns_zone": "ensemble.test", "records": [{"name": "_acme-challenge", "type": "TXT", "data": [value]}]}

    run.ok("dns_record", **MINE, **proof("one"), append=True)
    assert run.ok("dns_record", **OTHER, **proof("two"), append=True)["changed"]
    assert not run.ok("dns_record", **OTHER, **proof("two"), append=True)["changed"]
    assert {data for _name, data in records(lab)} == {'"one"', '"two"'}
    run.ok("dns_record", **MINE, **proof("one"), state="absent")
    assert {data for _name, data in records(lab)} == {'"two"'}


def test_what_a_task_does_not_speak_of_stays_in_a_record(lab: Lab, run: Runner) -> None:
    import requests

    body = {"name": "www", "type": "A", "data": "198.18.0.1", "ttl": 60, "comment": "by hand"}
    token = {"X-Auth-Token": lab.account["secret_key"]}
    url = f"{lab.url}/domain/v2beta1/dns-zones/ensemble.test/records"
    changes = {"changes": [{"add": {"records": [body]}}]}
    requests.patch(url, json=changes, headers=token, timeout=10).raise_for_status()
    assert run.ok("dns_record", **www("198.18.0.1", ttl=600))["changed"]
    assert records(lab) == {("www", "198.18.0.1"): "by hand"}


# --- lists that must not become empty by accident


def test_a_backend_is_not_emptied_without_a_word(lab: Lab, run: Runner) -> None:
    run.ok(LB[0], **LB[1])
    backend = {"lb": "portal", "name": "web", "forward_protocol": "http", "forward_port": 80}
    run.ok("lb_backend", **backend, server_ip=["198.18.0.1"])
    lab.forget_requests()
    for check in (True, False):
        refused = run("lb_backend", check=check, **backend, server_ip=[])
        assert "allow_empty: true" in refused["msg"]
    assert lab.writes() == []
    assert run.ok("lb_backend", **backend, server_ip=[], allow_empty=True)["changed"]
    assert run.ok("lb_backend", **{**backend, "name": "new"}, server_ip=[])["changed"]


# --- no project is no leave to act on every project


@pytest.mark.parametrize("name", [name for name in LIFECYCLES if name in TAGGED or LIFECYCLES[name].module == "fleet"])
def test_without_a_project_nothing_is_found_by_name(name: str, lab: Lab, run: Runner) -> None:
    lifecycle = LIFECYCLES[name]
    for module, arguments in (
        ("security_group", {"name": "any"}),
        *lifecycle.before,
        (lifecycle.module, lifecycle.begin),
    ):
        run.ok(module, **arguments)
    before = lab.state()
    project = lab.account["project_id"]
    nobody = Lab(lab.url)
    nobody.account = {key: value for key, value in lab.account.items() if key != "project_id"}
    run.lab = nobody
    for desired in ({**lifecycle.begin, **lifecycle.change}, lifecycle.removal()):
        message = run.error(lifecycle.module, **desired)
        assert "No project: set project_id" in message
        assert f"The key can see objects of {project}" in message
    assert lab.state() == before

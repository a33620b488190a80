# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for a fleet beyond one server."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from modules_fleet import FLEET, names, tags_of
from modules_lifecycles import LOCAL_DISK, SERVER
from modules_support import PROJECT, SECRET_KEY, Lab, Runner


def test_plan_with_its_cost_and_nothing_done(lab: Lab, run: Runner) -> None:
    answer = run.ok("fleet", check=True, **FLEET, count=100)
    assert answer["plan"]["created"] == [f"h-{number}" for number in range(1, 101)]
    assert answer["plan"]["cost"]["hourly"] == pytest.approx(4.28, rel=0.01)
    assert answer["plan"]["cost"]["monthly"] > 3000
    assert names(lab) == []


def test_servers_with_addresses_in_the_order_of_their_numbers(lab: Lab, run: Runner) -> None:
    answer = run.ok("fleet", **FLEET, numbers=[10, 2, 1])
    assert [each["name"] for each in answer["servers"]] == ["h-1", "h-2", "h-10"]
    assert all(each["public_address"] for each in answer["servers"])
    assert answer["created"] == ["h-1", "h-2", "h-10"]


def test_an_unchanged_fleet_needs_few_requests(lab: Lab, run: Runner) -> None:
    run.ok("security_group", name="web")
    desired = {**FLEET, "count": 30, "security_group": "web", "user_data": {"a": "b"}, "placement_groups": {"size": 20}}
    run.ok("fleet", **desired)
    lab.forget_requests()
    assert not run.ok("fleet", **desired)["changed"]
    assert len(lab.requests()) <= 8


def test_placement_groups_fill_before_another_is_made(lab: Lab, run: Runner) -> None:
    desired = {**FLEET, "placement_groups": {"size": 3}}
    run.ok("fleet", **desired, count=4)
    run.ok("fleet", **desired, count=2)
    run.ok("fleet", **desired, count=5)
    groups = {each["id"]: each["name"] for each in lab.state()["instance_placement_group"]}
    members = [groups[(each["placement_group"] or {}).get("id")] for each in run.ok("server_info")["servers"]]
    assert sorted(members) == ["h-group-1"] * 3 + ["h-group-2"] * 2


def test_groups_that_exist_follow_the_policy(lab: Lab, run: Runner) -> None:
    run.ok("fleet", **FLEET, count=2, placement_groups={"size": 1})
    enforced = {"size": 1, "policy_mode": "enforced"}
    assert run.ok("fleet", **FLEET, count=2, placement_groups=enforced)["changed"]
    assert {each["policy_mode"] for each in lab.state()["instance_placement_group"]} == {"enforced"}
    assert not run.ok("fleet", **FLEET, count=2, placement_groups=enforced)["changed"]


def test_no_group_gets_more_than_its_size(lab: Lab, run: Runner) -> None:
    """Not even for the moment in which servers that go are still there."""
    desired = {**FLEET, "max_change": 100, "placement_groups": {"size": 2}}
    run.ok("fleet", **desired, numbers=[1, 2, 3])
    lab.forget_requests()
    run.ok("fleet", **desired, numbers=[3, 4, 5])
    members = [each["placement_group"]["name"] for each in run.ok("server_info")["servers"]]
    assert sorted(members) == ["h-group-2", "h-group-2", "h-group-3"]
    assert run.ok("fleet", **desired, numbers=[3, 4, 5])["changed"], "the group that is empty by now goes"
    assert [each["name"] for each in lab.state()["instance_placement_group"]] == ["h-group-2", "h-group-3"]


def test_protected_servers_stay(lab: Lab, run: Runner) -> None:
    run.ok("fleet", **FLEET, count=2, protected=True)
    lab.forget_requests()
    assert "protected: false" in run.error("fleet", **FLEET, count=1, protected=True)
    assert "protected: false" in run.error("fleet", prefix="h", state="absent")
    assert lab.writes() == []
    run.ok("fleet", prefix="h", state="absent", protected=False)
    assert names(lab) == []


def test_servers_that_are_on_their_way_are_waited_for(lab: Lab, run: Runner) -> None:
    run.ok("fleet", **FLEET, count=2, wait=False)
    answer = run.ok("fleet", **FLEET, count=2)
    assert not answer["changed"]
    assert [each["state"] for each in answer["servers"]] == ["running", "running"]
    run.ok("server", name="h-1", state="stopped", wait=False)
    answer = run.ok("fleet", **FLEET, count=2)
    assert answer["updated"] == ["h-1"]
    assert answer["servers"][0]["state"] == "running"


def test_max_change_stops_a_slip_of_the_pen(lab: Lab, run: Runner) -> None:
    run.ok("fleet", **FLEET, count=4)
    lab.forget_requests()
    message = run.error("fleet", **FLEET, count=1)
    assert "remove 3" in message
    assert "max_change" in message
    assert lab.writes() == []
    assert run.ok("fleet", **FLEET, count=2)["removed"] == ["h-3", "h-4"]


def test_only_its_own_servers(lab: Lab, run: Runner) -> None:
    run.ok("fleet", **FLEET, count=2)
    run.ok("server", **{**SERVER, "name": "h-7"})
    run.ok("server", **{**SERVER, "name": "h-x"})
    assert "h-7" in run.error("fleet", **FLEET, count=7)
    run.ok("fleet", prefix="h", state="absent")
    assert names(lab) == ["h-7", "h-x"]


def test_tags_of_others_stay(lab: Lab, run: Runner) -> None:
    run.ok("fleet", **FLEET, count=1, tags=["jitsi"])
    server = run.ok("server_info", name="h-1")["servers"][0]
    run.ok("server", name="h-1", tags=[*server["tags"], "ensemble-state:cordoned"])
    assert not run.ok("fleet", **FLEET, count=1, tags=["jitsi"])["changed"]
    assert "ensemble-state:cordoned" in run.ok("server_info", name="h-1")["servers"][0]["tags"]


def test_tags_that_the_fleet_gave_go_with_it(lab: Lab, run: Runner) -> None:
    run.ok("fleet", **FLEET, count=1, tags=["a", "b"])
    run.ok("server", name="h-1", tags=[*run.ok("server_info", name="h-1")["servers"][0]["tags"], "theirs"])
    for tags in (["c"], ["c", "a"], []):
        assert run.ok("fleet", check=True, **FLEET, count=1, tags=tags)["changed"]
        assert run.ok("fleet", **FLEET, count=1, tags=tags)["updated"] == ["h-1"]
        assert not run.ok("fleet", **FLEET, count=1, tags=tags)["changed"]
        assert tags_of(run) == {*tags, "theirs"}


@pytest.mark.parametrize("owner", [{}, {"owner_tag": "ensemble:production"}])
@pytest.mark.parametrize("left", ["all but the fleet's", "none", "none, but its name leads there"])
def test_a_server_that_lost_the_tag_of_its_fleet(left: str, owner: dict[str, str], lab: Lab, run: Runner) -> None:
    """It gets its tags again where another mark shows whose it is; a stranger stops the run before anything changes."""
    named = {"dns": {"zone": "ensemble.test"}} if "leads" in left else {}
    fleet = {**FLEET, **owner, **named, "tags": ["jitsi"]}
    run.ok("fleet", **fleet, count=2)
    (server,) = run.ok("server_info", name="h-2")["servers"]
    kept = [tag for tag in server["tags"] if not tag.startswith("ensemble-fleet:")] if left.startswith("all") else []
    run.ok("server", name="h-2", tags=kept)
    lab.forget_requests()
    if left == "none":
        assert "lacks the tag ensemble-fleet:h" in run.error("fleet", **fleet, count=3)
        assert lab.writes() == []
        return
    again = run.ok("fleet", **fleet, count=3)
    assert (again["created"], again["updated"]) == (["h-3"], ["h-2"])
    assert set(run.ok("server_info", name="h-2")["servers"][0]["tags"]) == set(server["tags"])
    assert not run.ok("fleet", **fleet, count=3)["changed"]


def test_a_fleet_with_twins_can_be_removed(lab: Lab, run: Runner) -> None:
    run.ok("fleet", **FLEET, count=2)
    (server,) = run.ok("server_info", name="h-1")["servers"]
    body = {"name": "h-1", "commercial_type": "DEV1-L", "image": "debian_trixie", "tags": server["tags"]}
    requests.post(
        f"{lab.url}/instance/v1/zones/fr-par-1/servers",
        json={**body, "project": PROJECT, "volumes": LOCAL_DISK},
        headers={"X-Auth-Token": SECRET_KEY},
        timeout=10,
    ).raise_for_status()
    assert names(lab) == ["h-1", "h-1", "h-2"]
    assert run.ok("fleet", prefix="h", state="absent")["removed"].count("h-1") == 2
    assert names(lab) == []


@pytest.mark.parametrize("refused", ["PATCH", "POST"])
def test_refused_placement_groups_leave_no_server_unmade(refused: str, lab: Lab, run: Runner) -> None:
    """A policy that the API does not change, or a group that it does not make, is told when all else is done."""
    run.ok("fleet", **FLEET, count=2, placement_groups={"size": 2}, dns={"zone": "ensemble.test"})
    lab.fault(kind="status", status=412, method=refused, path="/placement_groups")
    groups = {"size": 2, "policy_mode": "enforced"} if refused == "PATCH" else {"size": 2}
    desired = {**FLEET, "count": 3, "placement_groups": groups, "dns": {"zone": "ensemble.test"}, "tags": ["new"]}
    assert "placement group" in run.error("fleet", **desired)
    assert names(lab) == ["h-1", "h-2", "h-3"] if refused == "PATCH" else ["h-1", "h-2"]
    assert tags_of(run) == {"new"}
    lab.good_day()
    run.ok("fleet", **desired)
    assert not run.ok("fleet", **desired)["changed"]
    assert names(lab) == ["h-1", "h-2", "h-3"]


def test_a_new_image_replaces_only_when_told(lab: Lab, run: Runner) -> None:
    run.ok("server", **{**SERVER, "volumes": LOCAL_DISK})
    run.ok("image", name="one", server="builder")
    run.ok("image", name="two", server="builder")
    run.ok("fleet", **{**FLEET, "image": "one"}, count=2)
    kept = run.ok("fleet", **{**FLEET, "image": "two"}, count=2)
    assert not kept["changed"]
    assert kept["outdated"] == ["h-1", "h-2"]
    replaced = run.ok("fleet", **{**FLEET, "image": "two"}, count=2, recreate=True, max_change=100)
    assert replaced["replaced"] == ["h-1", "h-2"]
    assert {each["image"]["name"] for each in replaced["servers"]} == {"two"}


def test_names_in_dns_follow_the_fleet(lab: Lab, run: Runner) -> None:
    hello = {"name": "h-ello", "data": ["10.0.0.1"]}
    run.ok("dns_record", dns_zone="ensemble.test", records=[hello])
    desired = {**FLEET, "dns": {"zone": "ensemble.test"}, "max_change": 100}
    for count in (3, 1):
        servers = run.ok("fleet", **desired, count=count)["servers"]
        assert not run.ok("fleet", **desired, count=count)["changed"]
        records = {each["name"]: each["data"] for each in lab.state()["dns_record"]}
        assert records == {"h-ello": "10.0.0.1", **{each["name"]: each["public_address"] for each in servers}}
    run.ok("dns_record", dns_zone="ensemble.test", records=[{"name": "h-1"}], state="absent")
    assert run.ok("fleet", check=True, **desired, count=1)["diff"]["after"]["records"]
    assert run.ok("fleet", **desired, count=1)["changed"]
    run.ok("fleet", prefix="h", state="absent", dns={"zone": "ensemble.test"})
    assert [each["name"] for each in lab.state()["dns_record"]] == ["h-ello"]
    assert "does not belong to this account" in run.error(
        "fleet", **{**desired, "dns": {"zone": "example.com"}}, count=1
    )


def test_out_of_stock_keeps_what_works_and_the_next_run_continues(lab: Lab, run: Runner) -> None:
    lab.fault(kind="out_of_stock", method="POST", path="/servers$", probability=0.5)
    answer: dict[str, Any] = run("fleet", **FLEET, count=10)
    lab.good_day()
    assert answer["failed"]
    assert "stock" in answer["msg"]
    working = [each["name"] for each in answer["servers"]]
    assert 0 < len(working) < 10
    assert sorted([*working, *answer["failed_servers"]]) == sorted(f"h-{number}" for number in range(1, 11))
    assert sorted(answer["created"]) == sorted(working)
    second = run.ok("fleet", **FLEET, count=10)
    assert sorted(second["kept"]) == sorted(working)
    assert len(names(lab)) == 10


def test_the_73rd_of_a_hundred_is_one_too_many(lab: Lab, run: Runner) -> None:
    """What works stays, the rest is reported, and the next run goes on from there."""
    lab.admin("PUT", "quotas", json={"instance_server": 72})
    try:
        answer: dict[str, Any] = run("fleet", **FLEET, count=100)
    finally:
        lab.admin("PUT", "quotas", json={})
    assert answer["failed"]
    assert "28 of 100 servers" in answer["msg"]
    assert "quota" in answer["msg"]
    assert len(answer["failed_servers"]) == 28
    working = [each["name"] for each in answer["servers"] if each["state"] == "running"]
    assert sorted(working) == sorted(answer["created"])
    assert len(working) == 72
    second = run.ok("fleet", **FLEET, count=100)
    assert sorted(second["created"]) == sorted(answer["failed_servers"])
    assert len(second["servers"]) == 100


@pytest.mark.parametrize(
    ("desired", "said"),
    [
        ({"count": -1}, "count is -1"),
        ({"count": 10**10}, "0 to 1000"),
        ({"count": 1, "commercial_type": "DEV1-Q"}, "DEV1-Q"),
        ({"count": 1, "image": "nowhere-1"}, "nowhere-1"),
        ({"count": 1, "security_group": "nowhere"}, "nowhere"),
        ({"count": 1, "prefix": "H_"}, "prefix"),
        ({"numbers": [1, 1]}, "numbers"),
        ({"count": 1, "placement_groups": {"size": 0}}, "placement_groups.size is 0"),
        ({"count": 1, "placement_groups": {"size": 21}}, "1 to 20"),
        ({"count": 1, "concurrency": 0}, "concurrency is 0"),
        ({"count": 1, "max_change": 101}, "max_change is 101"),
        ({"count": 1, "user_data": {"env": {"a": 1}}}, "'env' is a dict"),
    ],
)
def test_a_wrong_wish_is_one_error_before_anything_is_made(
    desired: dict[str, Any], said: str, lab: Lab, run: Runner
) -> None:
    assert said in run.error("fleet", **{**FLEET, **desired})
    assert lab.writes() == []

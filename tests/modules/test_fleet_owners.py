# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleets side by side: of two owners, of two zones; their names, addresses and twins."""

from __future__ import annotations

from typing import Any

import pytest
from modules_lifecycles import LOCAL_DISK
from modules_support import Lab, Runner

FLEET = {"prefix": "h", "commercial_type": "DEV1-L", "image": "debian_trixie", "volumes": LOCAL_DISK, "max_change": 100}
NAMED = {**FLEET, "dns": {"zone": "ensemble.test"}}
MINE, OTHER = {"owner_tag": "ensemble:production"}, {"owner_tag": "ensemble:staging"}
ZONE = "/instance/v1/zones/fr-par-1"


def names(lab: Lab) -> dict[str, str]:
    return {each["name"]: each["data"] for each in lab.state().get("dns_record", [])}


def objects(lab: Lab) -> dict[str, dict[str, Any]]:
    """All objects by kind and id, without what time changes in them by itself."""
    passing = ("state_detail", "modification_date", "updated_at", "state")
    return {
        kind: {each["id"]: {key: each[key] for key in each if key not in passing} for each in found}
        for kind, found in lab.state().items()
        if kind != "dns_zone"
    }


def addresses(run: Runner, **place: str) -> dict[str, str]:
    return {each["name"]: each["public_address"] for each in run.ok("server_info", **place)["servers"]}


def test_fleets_of_two_owners_have_nothing_to_do_with_each_other(lab: Lab, run: Runner) -> None:
    mine = {**MINE, **NAMED, "count": 2, "placement_groups": {}, "reserved_ips": True}
    run.ok("fleet", **mine)
    before = objects(lab)
    assert "lacks the tag" in run.error("fleet", **OTHER, **NAMED, count=1)
    assert run.ok("fleet", **OTHER, prefix="h", state="absent", dns=NAMED["dns"], reserved_ips=True)["removed"] == []
    assert objects(lab) == before
    run.ok("fleet", **OTHER, **{**NAMED, "prefix": "s"}, count=2, placement_groups={}, reserved_ips=True)
    assert not run.ok("fleet", **mine)["changed"]
    run.ok("fleet", **OTHER, prefix="s", state="absent", dns=NAMED["dns"], reserved_ips=True)
    assert objects(lab) == before


def test_a_fleet_in_another_zone_does_not_take_names(lab: Lab, run: Runner) -> None:
    run.ok("fleet", **NAMED, count=6)
    before = names(lab)
    lab.forget_requests()
    for check in (True, False):
        refused = run("fleet", check=check, **NAMED, count=2, zone="nl-ams-1")
        assert "h-1" in refused["msg"]
        assert "already exist" in refused["msg"]
    assert lab.writes() == []
    assert run.ok("fleet", prefix="h", state="absent", dns=NAMED["dns"], zone="nl-ams-1")["changed"] is False
    assert names(lab) == before


def test_names_follow_their_servers(lab: Lab, run: Runner) -> None:
    run.ok("fleet", **NAMED, count=2)
    for state in ("stopped", "running"):
        run.ok("server", name="h-1", state=state)
    assert names(lab) != addresses(run)
    assert run.ok("fleet", prefix="h", state="published", dns=NAMED["dns"], check=True)["changed"]
    told = run.ok("fleet", prefix="h", state="published", dns=NAMED["dns"])
    assert "h-1" in str(told["diff"])
    assert names(lab) == addresses(run)
    assert not run.ok("fleet", prefix="h", state="published", dns=NAMED["dns"])["changed"]
    assert not run.ok("fleet", **NAMED, count=2)["changed"]


def test_names_of_before_the_mark_are_adopted(lab: Lab, run: Runner) -> None:
    run.ok("fleet", **FLEET, count=2)
    plain = [{"name": name, "data": [address]} for name, address in addresses(run).items()]
    run.ok("dns_record", dns_zone="ensemble.test", records=plain, ttl=300)
    assert run.ok("fleet", **NAMED, count=2)["changed"]
    assert {each["comment"] for each in lab.state()["dns_record"]} == {"ensemble-fleet:h fr-par-1"}
    assert not run.ok("fleet", **NAMED, count=2)["changed"]


def test_lost_names_count_and_are_told(lab: Lab, run: Runner) -> None:
    """Servers that somebody removed by hand take their names along only within max_change."""
    run.ok("fleet", **NAMED, count=4)
    for number in (2, 3, 4):
        run.ok("server", name=f"h-{number}", state="absent")
    before = names(lab)
    message = run.error("fleet", **{**NAMED, "max_change": 50}, count=1)
    assert "remove the DNS names of 3" in message
    assert names(lab) == before
    planned = run.ok("fleet", check=True, **NAMED, count=1)
    assert planned["plan"]["names_lost"] == ["h-2", "h-3", "h-4"]
    assert run.ok("fleet", **NAMED, count=1)["names_lost"] == ["h-2", "h-3", "h-4"]
    assert list(names(lab)) == ["h-1"]


def test_reserved_addresses_outlive_power_cycles_and_replacement(lab: Lab, run: Runner) -> None:
    desired = {**NAMED, "count": 2, "reserved_ips": True}
    run.ok("fleet", **desired)
    assert not run.ok("fleet", **desired)["changed"]
    before = addresses(run)
    for state in ("stopped", "running"):
        run.ok("server", name="h-1", state=state)
    assert addresses(run) == before
    ids = {each["id"] for each in run.ok("server_info")["servers"]}
    assert run.ok("fleet", **{**desired, "image": "debian_bookworm"}, recreate=True)["replaced"] == ["h-1", "h-2"]
    assert ids.isdisjoint({each["id"] for each in run.ok("server_info")["servers"]})
    assert addresses(run) == before == names(lab)


def test_running_servers_get_a_reserved_address_in_place(lab: Lab, run: Runner) -> None:
    run.ok("fleet", **NAMED, count=2)
    ids = {each["id"] for each in run.ok("server_info")["servers"]}
    answer = run.ok("fleet", **NAMED, count=2, reserved_ips=True)
    assert answer["updated"] == ["h-1", "h-2"]
    assert {each["id"] for each in answer["servers"]} == ids
    assert names(lab) == addresses(run)
    assert [each["dynamic"] for each in lab.state()["instance_ip"]] == [False, False]


def test_addresses_are_given_back_with_their_servers(lab: Lab, run: Runner) -> None:
    run.ok("ip", name="somebody")
    run.ok("fleet", **FLEET, count=3, reserved_ips=True)
    run.ok("fleet", **FLEET, count=1, reserved_ips=True)
    assert len(lab.state()["instance_ip"]) == 2
    run.ok("fleet", **FLEET, count=2, reserved_ips=True)
    assert not run.ok("fleet", **FLEET, count=2)["changed"], "turned off, servers keep theirs"
    run.ok("fleet", **FLEET, count=1)
    assert len(lab.state()["instance_ip"]) == 2, "until they go"
    run.ok("fleet", prefix="h", state="absent")
    assert [each["tags"] for each in lab.state()["instance_ip"]] == [["name:somebody"]]


def test_a_quota_is_looked_at_before_anything_is_made(lab: Lab, run: Runner) -> None:
    run.ok("ip", name="somebody")
    lab.forget_requests()
    message = run.error("fleet", **FLEET, count=3, reserved_ips=True, reserved_ips_quota=3)
    assert "3 addresses would be reserved in addition to the 1" in message
    assert lab.writes() == []
    run.ok("fleet", **FLEET, count=2, reserved_ips=True, reserved_ips_quota=3)


def test_a_quota_that_the_api_knows_leaves_a_fleet_that_the_next_run_completes(lab: Lab, run: Runner) -> None:
    lab.admin("PUT", "quotas", json={"instance_ip": 2})
    try:
        refused = run("fleet", **FLEET, count=3, reserved_ips=True)
        assert refused["failed"]
        assert "quota" in refused["msg"]
        assert len(refused["failed_servers"]) == 1
    finally:
        lab.admin("PUT", "quotas", json={})
    assert len(run.ok("fleet", **FLEET, count=3, reserved_ips=True)["created"]) == 1
    assert len(lab.state()["instance_ip"]) == 3


@pytest.fixture
def twins(lab: Lab, run: Runner) -> list[str]:
    """Ids of two servers h-1 of a fleet, the elder first."""
    import requests

    elder = run.ok("fleet", **FLEET, count=2)["servers"][0]
    body: dict[str, Any] = {"name": "h-1", "commercial_type": "DEV1-L", "image": "debian_trixie", "tags": elder["tags"]}
    body |= {"project": lab.account["project_id"], "volumes": LOCAL_DISK}
    token = {"X-Auth-Token": lab.account["secret_key"]}
    made = requests.post(f"{lab.url}{ZONE}/servers", json=body, headers=token, timeout=10).json()["server"]
    return [elder["id"], made["id"]]


def test_twins_are_told_with_their_ids(twins: list[str], lab: Lab, run: Runner) -> None:
    lab.forget_requests()
    message = run.error("fleet", **FLEET, count=2)
    assert f"{twins[0]}, {twins[1]}" in message
    assert "twins: keep_elder" in message
    assert lab.writes() == []


def test_twins_are_resolved(twins: list[str], lab: Lab, run: Runner) -> None:
    planned = run.ok("fleet", check=True, **FLEET, count=2, twins="keep_elder")
    assert planned["plan"]["removed"] == ["h-1"]
    assert twins[1] in str(planned["diff"]["before"])
    assert "max_change" in run.error("fleet", **{**FLEET, "max_change": 10}, count=2, twins="keep_elder")
    answer = run.ok("fleet", **FLEET, count=2, twins="keep_elder")
    assert [each["name"] for each in answer["servers"]] == ["h-1", "h-2"]
    assert answer["servers"][0]["id"] == twins[0]
    assert len(lab.state()["instance_volume"]) == 2
    assert not run.ok("fleet", **FLEET, count=2)["changed"]


def test_a_fleet_with_twins_can_be_removed(twins: list[str], lab: Lab, run: Runner) -> None:
    run.ok("fleet", prefix="h", state="absent")
    assert "instance_server" not in lab.state()
    assert "instance_volume" not in lab.state()


def test_a_server_that_a_peer_made_meanwhile(lab: Lab, run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its address is seen to be taken by a namesake that was not there a moment before: the fleet looks again."""
    from ansible_collections.ensemble.jitsi.plugins.module_utils.fleet.census import Census

    desired = {**FLEET, "count": 1, "reserved_ips": True}
    run.ok("fleet", **desired)
    read, reads = Census.read, []

    def late(census: Census) -> list[dict[str, Any]]:
        found = read(census)
        reads.append(len(found))
        if len(reads) == 1:
            census.servers = []
        return census.servers

    monkeypatch.setattr(Census, "read", late)
    assert not run.ok("fleet", **desired)["changed"]
    assert len(reads) > 1

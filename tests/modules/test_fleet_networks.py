# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet that is spread over private networks, and one that moves into them while it serves."""

from __future__ import annotations

from modules_fleet import FLEET
from modules_support import Lab, Runner

SPREAD = {"private_networks": ["inside-1", "inside-2"], "private_network_size": 2}


def networks(run: Runner, *names: str) -> None:
    run.ok("vpc", name="platform")
    for name in names:
        run.ok("private_network", name=name, vpc_id="platform")


def places(run: Runner) -> dict[str, tuple[list[str], list[str]]]:
    """For each server the networks that it is in, and those that its tags tell."""
    found = run.ok("server_info", private_addresses=True)["servers"]
    return {
        each["name"]: (
            sorted(each["private_addresses"]),
            [tag.removeprefix("ensemble-network:") for tag in each["tags"] if tag.startswith("ensemble-network:")],
        )
        for each in found
    }


SPREAD_OUT = {
    "h-1": (["inside-1"], ["inside-1"]),
    "h-2": (["inside-1"], ["inside-1"]),
    "h-3": (["inside-2"], ["inside-2"]),
}


def test_servers_are_spread_by_their_numbers(lab: Lab, run: Runner) -> None:
    networks(run, "inside-1", "inside-2")
    run.ok("fleet", **FLEET, **SPREAD, count=3, tags=["jitsi"])
    assert places(run) == SPREAD_OUT
    assert not run.ok("fleet", **FLEET, **SPREAD, count=3, tags=["jitsi"])["changed"]
    run.ok("fleet", **FLEET, count=3, tags=[])
    assert places(run) == SPREAD_OUT, "a task that says nothing of networks leaves them"
    run.ok("fleet", **FLEET, count=3, private_networks=[])
    assert places(run) == dict.fromkeys(SPREAD_OUT, ([], []))


def test_servers_that_run_are_there_before_a_tag_says_so(lab: Lab, run: Runner) -> None:
    networks(run, "inside-1", "inside-2")
    run.ok("fleet", **FLEET, count=3, tags=["jitsi"])
    before = {each["name"]: each["id"] for each in lab.state()["instance_server"]}
    lab.forget_requests()
    run.ok("fleet", **FLEET, **SPREAD, count=3, tags=["jitsi"])
    assert places(run) == SPREAD_OUT
    assert {each["name"]: each["id"] for each in lab.state()["instance_server"]} == before
    assert all(nic["state"] == "available" for nic in lab.state()["instance_private_nic"])
    sent = lab.writes()
    assert [each.rsplit("/", 1)[-1] for each in sent[:3]] == ["private_nics"] * 3
    assert [each.split()[0] for each in sent[3:]] == ["PATCH"] * 3


def test_a_server_without_a_network_is_an_error_first(lab: Lab, run: Runner) -> None:
    networks(run, "inside-1", "inside-2")
    lab.forget_requests()
    for desired, says in (
        ({**SPREAD, "count": 5}, "Server 5 has no private network"),
        ({**SPREAD, "private_network_size": 0, "count": 1}, "must be at least 1"),
        ({"private_network_size": 2, "count": 1}, "needs private_networks"),
    ):
        assert says in run("fleet", **FLEET, **desired)["msg"]
    assert lab.writes() == []


def test_networks_of_a_platform_by_their_tag(run: Runner) -> None:
    for name, tags in (("b", ["mine"]), ("a", ["mine", "other"]), ("ab", [])):
        run.ok("private_network", name=name, tags=tags)
    assert [each["name"] for each in run.ok("private_network_info", tags=["mine"])["private_networks"]] == ["a", "b"]
    assert [each["name"] for each in run.ok("private_network_info", name="a")["private_networks"]] == ["a"]

# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks of a server: its own go with it, volumes in their own right are attached, detached, and never lost."""

from __future__ import annotations

from typing import Any

import pytest
from modules_lifecycles import SERVER
from modules_support import Lab, Runner

GB = 1000000000
VOLUME = {"name": "recordings", "size": 20 * GB}
LOCAL = {"name": "cache", "size": 5 * GB, "volume_type": "l_ssd"}
SMALL = {**SERVER, "volumes": {"0": {"volume_type": "l_ssd", "size": 10 * GB}}}


def slots(answer: dict[str, Any]) -> dict[str, str]:
    return {slot: disk["id"] for slot, disk in answer["server"]["volumes"].items()}


def volumes(lab: Lab) -> list[str]:
    state = lab.state()
    return sorted(each["name"] for kind in ("block_volume", "instance_volume") for each in state.get(kind, []))


def test_a_volume_goes_from_server_to_server(lab: Lab, run: Runner) -> None:
    """Attached to running servers; the second gets it when the first has let go of it."""
    ident = run.ok("volume", **VOLUME)["volume"]["id"]
    for name in ("a", "b"):
        run.ok("server", **{**SERVER, "name": name}, state="running")
    with_it = {"state": "running", "volumes": {"1": {"name": "recordings"}}}
    assert slots(run.ok("server", name="a", **with_it))["1"] == ident
    lab.forget_requests()
    assert "attached to server" in run.error("server", name="b", **with_it)
    assert lab.writes() == []
    assert list(slots(run.ok("server", name="a", state="running", volumes={"1": {}}))) == ["0"]
    assert slots(run.ok("server", name="b", **with_it))["1"] == ident
    moved = run.ok("server", name="b", state="running", volumes={"3": {"id": ident}})
    assert slots(moved) == {"0": slots(moved)["0"], "3": ident}
    for name in ("a", "b"):
        run.ok("server", name=name, state="absent")
    assert volumes(lab) == ["recordings"]


def test_a_local_volume_only_while_the_server_is_off(lab: Lab, run: Runner) -> None:
    run.ok("volume", **LOCAL)
    run.ok("server", **SMALL, state="running")
    desired: dict[str, Any] = {"name": "builder", "volumes": {"1": {"name": "cache"}}}
    lab.forget_requests()
    assert "can only change while" in run.error("server", **desired, state="running")
    assert lab.writes() == []
    assert list(slots(run.ok("server", **desired, state="stopped"))) == ["0", "1"]
    run.ok("server", **desired, state="running")
    run.ok("server", name="builder", state="absent")
    assert volumes(lab) == ["cache"], "termination would have taken it along"


def test_disks_that_are_kept(lab: Lab, run: Runner) -> None:
    run.ok("server", **SMALL, state="running")
    run.ok("server", name="builder", state="absent", keep_volumes=True)
    assert len(volumes(lab)) == 1


def test_a_disk_of_its_own_that_was_detached(lab: Lab, run: Runner) -> None:
    desired: dict[str, Any] = {**SERVER, "volumes": {"1": {"size": 10 * GB}}}
    run.ok("server", **desired)
    larger = {**desired, "volumes": {"1": {"size": 30 * GB}}}
    assert not run.ok("server", **larger)["changed"], "scaleway_volume grows it"
    run.ok("server", **{**desired, "volumes": {"1": {}}})
    assert run.ok("server", **{**desired, "volumes": {"1": {}}})["changed"] is False
    run.ok("server", name="builder", state="absent")
    assert volumes(lab) == ["builder_disk_1"]


@pytest.mark.parametrize("root", [{"volume_type": "sbs_volume"}, {"volume_type": "l_ssd", "size": 15 * GB}])
def test_another_disk_for_the_system(root: dict[str, Any], lab: Lab, run: Runner) -> None:
    """It cannot change in place; with another server, what was attached to it is attached again."""
    ident = run.ok("volume", **VOLUME)["volume"]["id"]
    desired = {**SMALL, "volumes": {**SMALL["volumes"], "1": {"name": "recordings"}}, "state": "running"}
    first = run.ok("server", **desired)["server"]["id"]
    desired["volumes"] = {**desired["volumes"], "0": root}
    assert "recreate: true" in run.error("server", **desired)
    second = run.ok("server", **desired, recreate=True)
    assert second["server"]["id"] != first
    assert slots(second)["1"] == ident
    assert len(volumes(lab)) == 2
    assert not run.ok("server", **desired, recreate=True)["changed"]


def test_disks_that_an_image_brings(lab: Lab, run: Runner) -> None:
    run.ok("server", **{**SMALL, "volumes": {**SMALL["volumes"], "1": {"size": 10 * GB}}})
    run.ok("image", name="golden", server="builder")
    run.ok("server", name="builder", state="absent")
    assert volumes(lab) == []
    answer = run.ok("server", **{**SERVER, "name": "copy", "image": "golden"}, state="running")
    assert list(slots(answer)) == ["0", "1"]
    run.ok("server", name="copy", state="absent")
    assert volumes(lab) == []


def test_each_server_of_a_fleet_has_its_own(lab: Lab, run: Runner) -> None:
    fleet = {"prefix": "h", "commercial_type": "PRO2-XXS", "image": "debian_trixie", "max_change": 100}
    fleet["volumes"] = {"1": {"size": 10 * GB}}
    run.ok("fleet", **fleet, count=2)
    assert not run.ok("fleet", **fleet, count=2)["changed"]
    assert [name for name in volumes(lab) if "disk" in name] == ["h-1_disk_1", "h-2_disk_1"]
    run.ok("fleet", **fleet, count=1)
    assert len(volumes(lab)) == 2
    run.ok("fleet", prefix="h", state="absent")
    assert volumes(lab) == []


@pytest.mark.parametrize(
    ("desired", "said"),
    [
        ({"root": {"size": 10 * GB}}, "'root' is not a slot"),
        ({"1": {"size": "10GB"}}, "number of bytes"),
        ({"1": {"kind": "sbs"}}, "a volume can have id, name"),
        ({"1": "recordings"}, "a volume can have id, name"),
        ({"1": {"volume_type": "b_ssd", "size": GB}}, "b_ssd"),
        ({"1": {"volume_type": "sbs_volume"}}, "needs a size"),
        ({"1": {"name": "recordings", "size": GB}}, "already exists with a size"),
        ({"1": {"name": "nowhere"}}, "no volume 'nowhere'"),
        ({"1": {"base_snapshot": "nowhere"}}, "no snapshot 'nowhere'"),
    ],
)
def test_a_wrong_wish(desired: dict[str, Any], said: str, lab: Lab, run: Runner) -> None:
    assert said in run.error("server", **{**SERVER, "volumes": desired})
    assert "cannot be attached to every server" in run.error("fleet", prefix="h", count=1, volumes={"1": {"name": "x"}})
    assert lab.writes() == []


def test_a_volume_that_is_to_come(lab: Lab, run: Runner) -> None:
    """Check mode of a play that makes it first."""
    run.ok("server", **SERVER, state="running")
    desired = {"name": "builder", "volumes": {"1": {"name": "recordings"}}}
    assert run.ok("server", check=True, **desired)["changed"]
    assert run.ok("server", check=True, **{**SERVER, "name": "other"}, volumes=desired["volumes"])["changed"]

# SPDX-License-Identifier: GPL-3.0-or-later
"""With an image go the snapshots that were taken for it, and no others."""

from __future__ import annotations

import pytest
from modules_lifecycles import LOCAL_DISK, SERVER
from modules_support import Lab, Runner


@pytest.fixture(params=["l_ssd", "sbs_volume"])
def builder(request: pytest.FixtureRequest, run: Runner) -> str:
    disk = LOCAL_DISK if request.param == "l_ssd" else {"0": {"volume_type": "sbs_volume", "size": 20000000000}}
    run.ok("server", **SERVER, volumes=disk)
    return "builder"


def snapshots(lab: Lab) -> list[str]:
    state = lab.state()
    return sorted(each["name"] for kind in ("instance_snapshot", "block_snapshot") for each in state.get(kind, []))


def test_a_snapshot_that_was_there_before_stays(builder: str, lab: Lab, run: Runner) -> None:
    run.ok("snapshot", name="backup-of-monday", server=builder)
    run.ok("image", name="trial", snapshots=["backup-of-monday"])
    gone = run.ok("image", name="trial", state="absent")
    assert gone["changed"]
    assert "snapshots" not in gone["diff"]["before"]
    assert snapshots(lab) == ["backup-of-monday"]


def test_a_snapshot_by_hand_under_a_name_that_images_use_stays(builder: str, lab: Lab, run: Runner) -> None:
    run.ok("snapshot", name="base_snap_2025", server=builder)
    run.ok("snapshot", name="base_snap_0", server=builder)
    assert not run.ok("image", name="base", state="absent")["changed"]
    run.ok("image", name="base", server=builder)
    run.ok("image", name="base", state="absent")
    assert snapshots(lab) == ["base_snap_0", "base_snap_2025"]


def test_the_diff_names_everything_that_goes(builder: str, lab: Lab, run: Runner) -> None:
    run.ok("image", name="base", server=builder)
    for check in (True, False):
        told = run.ok("image", check=check, name="base", state="absent")["diff"]["before"]
        assert told["name"] == "base"
        assert told["snapshots"] == ["base_snap_0"]
    assert snapshots(lab) == []


def test_a_snapshot_that_two_images_hold_goes_with_the_last(builder: str, lab: Lab, run: Runner) -> None:
    run.ok("image", name="base", server=builder)
    run.ok("image", name="copy", snapshots=["base_snap_0"])
    run.ok("image", name="base", state="absent", wait_timeout=5)
    assert snapshots(lab) == ["base_snap_0"]
    run.ok("image", name="copy", state="absent")
    assert run.ok("image", name="base", state="absent")["diff"]["before"]["snapshots"] == ["base_snap_0"]
    assert snapshots(lab) == []

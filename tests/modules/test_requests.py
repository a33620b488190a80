# SPDX-License-Identifier: GPL-3.0-or-later
"""How many requests the usual operations take: what an API with 100 ms between question and answer is felt by."""

from __future__ import annotations

from modules_lifecycles import LOCAL_DISK
from modules_support import Lab, Runner

FLEET = {
    "prefix": "h",
    "count": 100,
    "commercial_type": "DEV1-L",
    "image": "debian_trixie",
    "volumes": LOCAL_DISK,
    "security_group": "web",
    "placement_groups": {},
    "user_data": {"a": "b"},
    "secret_user_data": {"c": "d"},
}


def test_a_fleet_takes_four_requests_a_server_to_make_and_a_handful_to_leave(lab: Lab, run: Runner) -> None:
    run.ok("security_group", name="web")
    lab.forget_requests()
    run.ok("fleet", **FLEET)
    each = [entry for entry in lab.requests() if "/servers" in entry["path"] and entry["method"] != "GET"]
    assert len(each) == 100 * 4  # create, two keys of user data, start
    assert len(lab.requests()) - len(each) < 60  # look-ups, placement groups, and the wait for all together
    lab.forget_requests()
    assert not run.ok("fleet", **FLEET)["changed"]
    assert len(lab.requests()) <= 6

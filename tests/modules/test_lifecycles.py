# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module from nothing to nothing: check mode, once, twice, changed, removed; then all of it on a bad day."""

from __future__ import annotations

import json
from typing import Any

import pytest
from modules_lifecycles import LIFECYCLES, Lifecycle, Task
from modules_support import Lab, Runner

NAMES = sorted(LIFECYCLES)


def prepare(run: Runner, tasks: tuple[Task, ...]) -> None:
    """What must be there before; `{lb}` stands for the address of the balancer."""
    address = ""
    for module, arguments in tasks:
        known = json.loads(json.dumps(arguments).replace("{lb}", address))
        made = run.ok(module, **known)
        address = (made.get("ip") or {}).get("ip_address") or address


def added(lab: Lab, before: dict[str, int]) -> dict[str, int]:
    now = lab.counts()
    return {
        kind: now.get(kind, 0) - before.get(kind, 0)
        for kind in {*now, *before}
        if now.get(kind, 0) != before.get(kind, 0)
    }


def predicts(run: Runner, lab: Lab, lifecycle: Lifecycle, arguments: dict[str, Any]) -> dict[str, Any]:
    """Check mode says what then happens, and does nothing; the second run has nothing to do."""
    lab.forget_requests()
    planned = run.ok(lifecycle.module, check=True, **arguments)
    assert lab.writes() == [], "check mode changed the cloud"
    done = run.ok(lifecycle.module, **arguments)
    assert planned["changed"] == done["changed"]
    assert planned["diff"] == done["diff"]
    return done


@pytest.mark.parametrize("name", NAMES)
def test_life(name: str, lab: Lab, run: Runner) -> None:
    lifecycle = LIFECYCLES[name]
    prepare(run, lifecycle.before)
    before = lab.counts()
    done = predicts(run, lab, lifecycle, lifecycle.begin)
    assert done["changed"]
    assert done["diff"]["before"] != done["diff"]["after"]
    assert added(lab, before) == lifecycle.kinds
    settled = {key: value for key, value in lifecycle.begin.items() if value != "rebooted"}
    assert not run.ok(lifecycle.module, check=True, **settled)["changed"]
    assert not run.ok(lifecycle.module, **settled)["changed"]

    changed = {**lifecycle.begin, **lifecycle.change}
    assert predicts(run, lab, lifecycle, changed)["changed"] == bool(lifecycle.change)
    if changed.get("state") != "rebooted":
        assert not run.ok(lifecycle.module, **changed)["changed"]

    assert predicts(run, lab, lifecycle, lifecycle.removal())["changed"]
    assert added(lab, before) == lifecycle.kept
    assert not run.ok(lifecycle.module, **lifecycle.removal())["changed"]


@pytest.mark.parametrize("name", NAMES)
def test_life_on_a_bad_day(name: str, lab: Lab, run: Runner) -> None:
    """Whatever gets lost on the way: every module ends right, nothing is made twice, nothing leaks."""
    lifecycle = LIFECYCLES[name]
    prepare(run, lifecycle.before)
    before = lab.counts()
    lab.bad_day()
    run.ok(lifecycle.module, **lifecycle.begin)
    lab.good_day()
    assert added(lab, before) == lifecycle.kinds
    assert not run.ok(lifecycle.module, **lifecycle.begin)["changed"]

    changed = {**lifecycle.begin, **lifecycle.change}
    lab.bad_day()
    run.ok(lifecycle.module, **changed)
    lab.good_day()
    if changed.get("state") != "rebooted":
        assert not run.ok(lifecycle.module, **changed)["changed"]

    lab.bad_day()
    run.ok(lifecycle.module, **lifecycle.removal())
    lab.good_day()
    assert added(lab, before) == lifecycle.kept

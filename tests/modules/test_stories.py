# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module from nothing to nothing: check mode, once, twice, changed, removed; then all of it on a bad day."""

from __future__ import annotations

import json
from typing import Any

import pytest
from modules_stories import STORIES, Story, Task
from modules_support import Lab, Runner

NAMES = sorted(STORIES)


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


def predicts(run: Runner, lab: Lab, story: Story, arguments: dict[str, Any]) -> dict[str, Any]:
    """Check mode says what then happens, and does nothing; the second run has nothing to do."""
    lab.forget_requests()
    planned = run.ok(story.module, check=True, **arguments)
    assert lab.writes() == [], "check mode changed the cloud"
    done = run.ok(story.module, **arguments)
    assert planned["changed"] == done["changed"]
    assert planned["diff"] == done["diff"]
    return done


@pytest.mark.parametrize("name", NAMES)
def test_life(name: str, lab: Lab, run: Runner) -> None:
    story = STORIES[name]
    prepare(run, story.before)
    before = lab.counts()
    done = predicts(run, lab, story, story.begin)
    assert done["changed"]
    assert done["diff"]["before"] != done["diff"]["after"]
    assert added(lab, before) == story.kinds
    settled = {key: value for key, value in story.begin.items() if value != "rebooted"}
    assert not run.ok(story.module, check=True, **settled)["changed"]
    assert not run.ok(story.module, **settled)["changed"]

    changed = {**story.begin, **story.change}
    assert predicts(run, lab, story, changed)["changed"] == bool(story.change)
    if changed.get("state") != "rebooted":
        assert not run.ok(story.module, **changed)["changed"]

    assert predicts(run, lab, story, story.removal())["changed"]
    assert added(lab, before) == story.kept
    assert not run.ok(story.module, **story.removal())["changed"]


@pytest.mark.parametrize("name", NAMES)
def test_life_on_a_bad_day(name: str, lab: Lab, run: Runner) -> None:
    """Whatever gets lost on the way: every module ends right, nothing is made twice, nothing leaks."""
    story = STORIES[name]
    prepare(run, story.before)
    before = lab.counts()
    lab.bad_day()
    run.ok(story.module, **story.begin)
    lab.good_day()
    assert added(lab, before) == story.kinds
    assert not run.ok(story.module, **story.begin)["changed"]

    changed = {**story.begin, **story.change}
    lab.bad_day()
    run.ok(story.module, **changed)
    lab.good_day()
    if changed.get("state") != "rebooted":
        assert not run.ok(story.module, **changed)["changed"]

    lab.bad_day()
    run.ok(story.module, **story.removal())
    lab.good_day()
    assert added(lab, before) == story.kept

# SPDX-License-Identifier: GPL-3.0-or-later
"""A real `ansible-playbook` that gets SIGKILL, with all of its processes, while it builds or scales a fleet."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from modules_lifecycles import LIFECYCLES
from modules_plays import play, start, write_play
from modules_support import SECRET_KEY, Lab, Runner
from test_lifecycles import added

STORY = LIFECYCLES["fleet"]


def descendants(pid: int) -> Iterator[int]:
    """Processes that a process has started, and theirs: Ansible's workers leave its process group."""
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            yield int(child)
            yield from descendants(int(child))


def kill_after(writes: int, folder: Path, lab: Lab, task: dict[str, Any]) -> None:
    """Run a play until the cloud has seen so many of its writes, which take their time; then nothing is left of it."""
    lab.forget_requests()
    lab.fault(kind="latency", method="POST|PUT|PATCH|DELETE", seconds=0.1)
    write_play(folder, lab, [task])
    process = start(folder, "ansible-playbook", "play.yml", SCW_SECRET_KEY=SECRET_KEY)
    while len(lab.writes()) < writes:
        assert process.poll() is None, process.communicate()
        time.sleep(0.5)
    process.send_signal(signal.SIGSTOP)
    everybody = [process.pid, *descendants(process.pid)]
    for pid in everybody:
        os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=30)
    assert len(everybody) >= 3, "the play, its worker, and the module"
    assert process.returncode == -signal.SIGKILL
    lab.good_day()


@pytest.mark.parametrize("writes", [1, 6, 12, 17])
def test_creation_is_completed_by_the_next_run(writes: int, lab: Lab, run: Runner, tmp_path: Path) -> None:
    task = {"ensemble.jitsi.scaleway_fleet": STORY.begin}
    before = lab.counts()
    kill_after(writes, tmp_path, lab, task)
    assert added(lab, before) != STORY.kinds, "killed in the middle"
    play(tmp_path, lab, [task])
    assert added(lab, before) == STORY.kinds
    assert not run.ok("fleet", **STORY.begin)["changed"]


@pytest.mark.parametrize("writes", [2, 7])
def test_removal_is_completed_by_the_next_run(writes: int, lab: Lab, run: Runner, tmp_path: Path) -> None:
    task = {"ensemble.jitsi.scaleway_fleet": STORY.removal()}
    before = lab.counts()
    run.ok("fleet", **STORY.begin)
    kill_after(writes, tmp_path, lab, task)
    play(tmp_path, lab, [task])
    assert added(lab, before) == {}

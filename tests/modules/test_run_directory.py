# SPDX-License-Identifier: GPL-3.0-or-later
"""The private folder of a run, and the process beside the run that removes it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.ensemble.jitsi.plugins.module_utils import run_process
from ansible_collections.ensemble.jitsi.plugins.module_utils.run_process import Companion, NotBegun, Run, accompany
from modules_plays import BIN, ansible, start


def until(check: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := check():
            return found
        time.sleep(0.05)
    pytest.fail(f"waited {seconds} s for {what}")


def write(folder: Path, *tasks: dict[str, Any]) -> None:
    """Two plays of these tasks, one after the other, on the implicit localhost."""
    plays = [{"hosts": "localhost", "gather_facts": False, "tasks": list(tasks)}] * 2
    (folder / "play.yml").write_text(yaml.safe_dump(plays, sort_keys=False))


def folder_task(parent: Path) -> dict[str, Any]:
    return {"ensemble.jitsi.run_directory": {"parent": str(parent)}, "register": "made"}


def test_one_folder_for_all_plays_that_is_gone_after_the_run(tmp_path: Path) -> None:
    note = {"ansible.builtin.shell": f"stat -c '%a %n' {{{{ made.path }}}} >> {tmp_path}/seen", "check_mode": False}
    write(tmp_path, folder_task(tmp_path), note)
    for options, plays in (((), 2), (("--check",), 4)):
        done = ansible(tmp_path, "ansible-playbook", "play.yml", *options, ANSIBLE_LOCALHOST_WARNING="false")
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count("changed: [localhost]") == 2, done.stdout  # the notes
        seen = (tmp_path / "seen").read_text().splitlines()
        assert len(seen) == plays
        assert seen[-1] == seen[-2]
        assert seen[-1].startswith(f"700 {tmp_path}/ensemble-run-")
        until(lambda: not list(tmp_path.glob("ensemble-run-*")), "the folder to go", 5)
    assert seen[0] != seen[-1]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_stopped_leaves_no_folder(tmp_path: Path, how: signal.Signals) -> None:
    write(tmp_path, folder_task(tmp_path), {"ansible.builtin.wait_for": {"timeout": 60}})
    process = start(tmp_path, "ansible-playbook", "play.yml")
    try:
        made = until(lambda: next(tmp_path.glob("ensemble-run-*"), None), "the folder")
        assert stat.S_IMODE(made.stat().st_mode) == 0o700
        (made / "secret").write_text("open sesame")
        time.sleep(1)
        assert made.exists()
    finally:
        process.send_signal(how)
        process.wait(20)
    until(lambda: not made.exists(), "the folder to go", 5)


def test_a_run_holds_no_output_open(tmp_path: Path) -> None:
    """What reads a run's output to its end is done when the run is: nothing of the process beside it is left in it."""
    write(tmp_path, folder_task(tmp_path))
    script = f"{BIN}/ansible-playbook play.yml; echo over; exec sleep 20"
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(Path(__file__).parents[2] / "collections")}
    process = subprocess.Popen(["sh", "-c", script], cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE)
    try:
        assert process.stdout
        name = Path(process.stdout.read(1) and until(lambda: next(tmp_path.glob("ensemble-run-*"), None), "it")).name
        pid = int(name.split("-")[2])
        assert pid != process.pid
        beside = [each for each in Path("/proc").glob("[0-9]*") if is_beside(each, process)]
        assert beside
        for each in beside:
            assert {os.readlink(each / f"fd/{stream}") for stream in (0, 1, 2)} == {"/dev/null"}
    finally:
        process.kill()
        process.wait()
    until(lambda: not list(tmp_path.glob("ensemble-run-*")), "the folder to go", 20)


def is_beside(process: Path, parent: subprocess.Popen[str]) -> bool:
    """Whether it is a module of this collection that has left the run."""
    try:
        found = run_process.read_process(int(process.name))
        return bool(found and found.parent == 1 and b"run_directory" in found.command)
    except OSError:
        return False


@dataclass
class Diary(Companion):
    path: Path
    problem: Exception | None = None
    ticks: int = 10_000

    def begin(self) -> dict[str, Any]:
        if self.problem:
            raise self.problem
        return {"mine": os.getpid()}

    def tick(self) -> bool:
        self.ticks -= 1
        return self.ticks > 0

    def end(self) -> None:
        self.path.write_text("ended")


@pytest.fixture
def other() -> Any:
    """A run that the test can end."""
    process = subprocess.Popen(["sleep", "60"])
    found = run_process.read_process(process.pid)
    assert found
    yield process, Run(found.pid, found.started)
    process.kill()
    process.wait()


def test_the_process_ends_with_the_run_by_itself_and_when_told(tmp_path: Path, other: Any) -> None:
    process, run = other
    paths = [tmp_path / name for name in ("run", "self", "told")]
    first = accompany(run, Diary(paths[0]))["mine"]
    accompany(run, Diary(paths[1], ticks=1))
    told = accompany(run, Diary(paths[2]))["mine"]
    until(paths[1].exists, "the one that ends by itself")
    os.kill(told, signal.SIGTERM)
    until(paths[2].exists, "the one that is told to go")
    assert run_process.read_process(first)
    assert not paths[0].exists()
    process.kill()  # a zombie, as nobody has waited for it yet
    until(paths[0].exists, "the one whose run has ended", 5)
    until(lambda: run_process.read_process(first) is None, "its process to go", 5)


@pytest.mark.parametrize(
    ("problem", "facts"), [(NotBegun("held", {"by": "alice"}), {"by": "alice"}), (OSError("held"), {})]
)
def test_what_does_not_begin_says_why(tmp_path: Path, other: Any, problem: Exception, facts: dict[str, str]) -> None:
    with pytest.raises(NotBegun, match="held") as caught:
        accompany(other[1], Diary(tmp_path / "x", problem))
    assert caught.value.facts == facts
    assert not (tmp_path / "x").exists()


def test_a_pid_that_is_used_again_is_no_run(other: Any) -> None:
    assert other[1].lives()
    assert not Run(other[1].pid, "0").lives()


def test_ps_tells_the_same(other: Any) -> None:
    told, found = run_process._ask_ps(other[1].pid), run_process.read_process(other[1].pid)
    assert told
    assert found
    assert (told.pid, told.parent, told.command) == (found.pid, found.parent, b"sleep 60")
    assert run_process._ask_ps(2**22 + 1) is None

# SPDX-License-Identifier: GPL-3.0-or-later
"""A process beside a run of Ansible: it outlives the task that starts it, and ends with the run, however that ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import Invalid, ScalewayError

LOOK_EVERY = 0.5
"""Seconds between two looks at whether the run is still there."""
TO_BEGIN = 120.0
"""Seconds that the process may take to begin."""


class NotBegun(ScalewayError):
    """The process beside the run did not begin its work; `facts` is what it says about that."""

    def __init__(self, message: str, facts: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.facts = facts or {}


@dataclass(frozen=True)
class Process:
    """What the system tells about a process; pid and start together are never used again."""

    pid: int
    started: str
    parent: int
    command: bytes


def read_process(pid: int) -> Process | None:
    """The process with this pid, None where there is none, or none that still does anything."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return None if Path("/proc/self/stat").exists() else _ask_ps(pid)
    state, parent, *others = stat.rpartition(")")[2].split()
    return None if state in "ZX" else Process(pid, others[17], int(parent), command)


def _ask_ps(pid: int) -> Process | None:
    """As :func:`read_process`, where there is no /proc."""
    asked = ["ps", "-o", "ppid=", "-o", "stat=", "-o", "lstart=", "-o", "command=", "-p", str(pid)]
    told = subprocess.run(asked, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
    words = told.stdout.strip().split(None, 7)
    if len(words) < 8 or words[1].startswith("Z"):
        return None
    return Process(pid, "-".join(words[2:7]).replace(":", "."), int(words[0]), words[7].encode())


@dataclass(frozen=True)
class Run:
    """One run of Ansible on this machine: the process that was started by its operator."""

    pid: int
    started: str

    def lives(self) -> bool:
        found = read_process(self.pid)
        return found is not None and found.started == self.started


def this_run() -> Run:
    """The run that the calling module belongs to.

    Ansible forks a worker for every task: the run is the nearest ancestor that has a child with its own command line.
    """
    child = read_process(os.getpid())
    while child and (parent := read_process(child.parent)):
        if parent.command == child.command:
            while (above := read_process(parent.parent)) and above.command == parent.command:
                parent = above
            return Run(parent.pid, parent.started)
        child = parent
    raise Invalid(
        "This task has no parent Ansible run: it must run on the control node (connection: local), not async."
    )


class Companion:
    """What a process beside a run does. It is forked from the module, so it has all that the module has imported."""

    def begin(self) -> dict[str, Any]:
        """The first step; its result is returned to the module. Whatever it raises ends the process."""
        return {}

    def tick(self) -> bool:
        """Called about twice a second while the run lives; False ends the process before the run."""
        return True

    def end(self) -> None:
        """Called once, when the run has ended or this process is told to go."""


def accompany(run: Run, companion: Companion, timeout: float = TO_BEGIN) -> dict[str, Any]:
    """Start a detached process that does as `companion` says for as long as `run` lives; what its `begin` returned.

    Raises:
        NotBegun: `begin` raised something; the process is gone.
    """
    reads, writes = os.pipe()
    between = os.fork()
    if between == 0:
        _detach(reads, lambda: _stay(run, companion, writes))
    os.close(writes)
    os.waitpid(between, 0)
    told = _read(reads, timeout)
    if told is None:
        raise NotBegun(f"The process beside the run did not start within {timeout:.0f} s.")
    if "error" in told:
        raise NotBegun(told["error"], told["facts"])
    return told["began"]


def _read(reads: int, timeout: float) -> dict[str, Any] | None:
    """Return the message of the process, or None if none arrives in time."""
    deadline, said = time.monotonic() + timeout, b""
    os.set_blocking(reads, False)
    try:
        while time.monotonic() < deadline:
            try:
                part = os.read(reads, 65536)
            except BlockingIOError:
                time.sleep(0.02)
                continue
            if not part:
                break
            said += part
    finally:
        os.close(reads)
    return json.loads(said) if said else None


def _detach(reads: int, stay: Callable[[], None]) -> None:
    """Become a process of its own session, with no terminal, no output and no parent; never returns."""
    try:
        os.setsid()
        if os.fork() != 0:
            os._exit(0)
        os.close(reads)
        os.chdir("/")
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        stay()
    finally:
        os._exit(0)


def _stay(run: Run, companion: Companion, writes: int) -> None:
    """Run the companion: begin, report to the module, watch the run, end."""

    def told_to_go(*_: Any) -> None:
        raise SystemExit

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, told_to_go)
    try:
        _tell(writes, {"began": companion.begin()})
    except NotBegun as error:
        _tell(writes, {"error": str(error), "facts": error.facts})
        return
    except Exception as error:  # whatever it is, the module must learn it
        _tell(writes, {"error": str(error) or type(error).__name__, "facts": {}})
        return
    try:
        while run.lives() and companion.tick():
            time.sleep(LOOK_EVERY)
    finally:
        companion.end()


def _tell(writes: int, message: dict[str, Any]) -> None:
    with os.fdopen(writes, "w") as pipe:
        json.dump(message, pipe)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages between the tasks of a run and the process that keeps its lock and journal: one JSON line each way."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import Invalid, ScalewayError
from .run_folder import place
from .run_process import Run, this_run

SOCKET = "keeper.sock"
PULSE = "alive"
"""A file that the run has locked, as have the workers that it forks, until the last of them has ended."""
SECONDS = 60.0
"""Timeout in seconds for requests that do not wait for a lock."""


class LockLost(ScalewayError):
    """The run does not hold the platform's lock any more, and must not change anything."""


def socket_of(run: Run) -> Path | None:
    """Return the socket of a run's keeper, or None."""
    for each in sorted(place(None).glob(f"ensemble-run-{run.pid}-{run.started}-*")):
        found = each.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and (each / SOCKET).exists():
            return each / SOCKET
    return None


def ask(path: Path, message: dict[str, Any], seconds: float = SECONDS) -> dict[str, Any]:
    """The keeper's answer.

    Raises:
        LockLost: the keeper is gone, or says that the run has to stop.
        ScalewayError: what was asked for failed.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as talk:
            talk.settimeout(seconds)
            talk.connect(str(path))
            talk.sendall(json.dumps(message, default=str).encode() + b"\n")
            with talk.makefile("rb") as answers:
                said = answers.readline()
    except OSError as error:
        raise LockLost(f"The process that keeps this run's lock does not answer ({error}): the run stops.") from error
    answer = json.loads(said) if said.endswith(b"\n") else {"stop": "The process that keeps this run's lock is gone."}
    if "stop" in answer:
        raise LockLost(answer["stop"])
    if "error" in answer:
        raise ScalewayError(answer["error"])
    return answer


def pulse(folder: Path) -> int:
    """The file that shows whether a run is alive; the keeper opens it before the folder goes."""
    return os.open(folder / PULSE, os.O_RDWR | os.O_CREAT, 0o600)


def stay_alive(folder: Path) -> int:
    """Called by the run: show that it is alive, and so do all processes that it forks; the file that shows it."""
    shown = pulse(folder)
    fcntl.flock(shown, fcntl.LOCK_SH)
    return shown


def is_alive(shown: int) -> bool:
    """Whether the run, or any worker that it has left behind, still does something."""
    try:
        fcntl.flock(shown, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def keeper_of_this_run() -> Path | None:
    """Where the keeper of the run that the calling module belongs to listens, None where there is none."""
    try:
        return socket_of(this_run())
    except Invalid:
        return None


@dataclass
class Told:
    """What is known of changes once they are made: ids of the objects, and why some failed, by their names."""

    objects: dict[str, str | None] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


@contextmanager
def recorded(changes: list[dict[str, Any]]) -> Iterator[Told]:
    """Tell the keeper what is about to be changed, and afterwards how it went.

    Raises:
        LockLost: nothing may be changed any more.
    """
    keeper = keeper_of_this_run() if changes else None
    told = Told()
    if keeper is None:
        yield told
        return
    numbers = ask(keeper, {"do": "begin", "changes": changes})["numbers"]
    try:
        yield told
    except Exception as error:
        told.problems |= {change["name"]: str(error) for change in changes}
        with suppress(ScalewayError):  # the first error counts
            _settle(keeper, numbers, told)
        raise
    _settle(keeper, numbers, told)


def _settle(keeper: Path, numbers: list[int], told: Told) -> None:
    ask(keeper, {"do": "complete", "numbers": numbers, "objects": told.objects, "problems": told.problems})

# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands as a user starts them, from the shell's return key to its next prompt."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .cloud import Cloud

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
HOSTS = ROOT / "inventories" / "local" / "hosts.yml"  # localhost, with this Python


class Failed(Exception):
    """A command of the bench did not do its work; the text is the end of what it said."""


@dataclass(frozen=True)
class Figures:
    """What one command took: seconds on the clock and of processor time, requests, and the lab's share of a core."""

    seconds: float
    processor: float
    requests: list[dict[str, Any]]
    lab_share: float
    output: str

    def __str__(self) -> str:
        asked = f"{len(self.requests):4} requests, " if self.requests else " " * 15
        return f"{self.seconds:7.2f} s  {asked}{self.processor:5.2f} s of processor"


def measure(cloud: Cloud, *command: Any, **environment: str) -> Figures:
    """Run a program of this Python's environment, and what it asked of the cloud; :class:`Failed` if it fails."""
    cloud.lab.forget_requests()
    lab, own, began = cloud.processor(), _children(), time.monotonic()
    done = subprocess.run(
        [str(BIN / command[0]), *map(str, command[1:])],
        cwd=ROOT,
        env={**_clean(), **environment},
        capture_output=True,
        text=True,
    )
    seconds = time.monotonic() - began
    if done.returncode:
        raise Failed(f"{command[0]} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
    lab_share = (cloud.processor() - lab) / seconds
    return Figures(seconds, _children() - own, cloud.lab.requests(), lab_share, done.stdout)


def _clean() -> dict[str, str]:
    """The environment without an account, a proxy or settings of Ansible that somebody may have at hand."""
    foreign = ("SCW_", "ANSIBLE_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(foreign)}


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

# SPDX-License-Identifier: GPL-3.0-or-later
"""What the containers of the stand-in check before they start, as the official ones do."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path


def fatal(message: str) -> None:
    """End the container with one line that says why."""
    sys.exit(f"FATAL ERROR: {message}")


def required(name: str) -> str:
    """A variable that must not be empty; the container ends otherwise."""
    value = os.environ.get(name, "")
    if not value:
        fatal(f"{name} has not been set: generate passwords before the first start")
    return value


def enabled(name: str, default: str = "0") -> bool:
    """Whether a switch is on, in any of the spellings that Jitsi's templates take."""
    return os.environ.get(name, default).lower() in ("1", "true", "yes", "on", "t", "y")


def writable(folder: str) -> None:
    """The container ends when its user cannot write to a folder that has to keep things."""
    if not os.access(folder, os.W_OK):
        fatal(f"{folder} is not writable by uid {os.getuid()}")


def rendered_config(service: str) -> Path:
    """The copy of /config that the service reads, on /run: /config itself is an input."""
    target = Path("/run") / service / "config"
    shutil.copytree("/config", target, dirs_exist_ok=True)
    return target

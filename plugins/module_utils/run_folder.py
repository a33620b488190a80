# SPDX-License-Identifier: GPL-3.0-or-later
"""The private folder of a run: in memory if possible, and removed after the run."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import Invalid
from .run_process import Companion, Run, accompany, this_run

MEMORY = Path("/dev/shm")


def place(parent: str | None) -> Path:
    """Return the directory in which the folders of runs are created."""
    if parent:
        return Path(parent)
    in_memory = MEMORY.is_dir() and os.access(MEMORY, os.W_OK | os.X_OK)
    return MEMORY if in_memory else Path(tempfile.gettempdir())


@dataclass
class Removal(Companion):
    """Create the folder, and remove it when the run has ended."""

    parent: Path
    prefix: str
    folder: str = ""

    def begin(self) -> dict[str, Any]:
        self.folder = tempfile.mkdtemp(prefix=self.prefix, dir=self.parent)  # 0700, and nobody's before
        return {"folder": self.folder}

    def tick(self) -> bool:
        return Path(self.folder).exists()

    def end(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def run_folder(parent: str | None = None, run: Run | None = None) -> str:
    """The private folder of the run that the calling module belongs to, made when it is asked for first.

    Raises:
        Invalid: it cannot be made.
        NotBegun: the process that is to remove it does not start.
    """
    run = run or this_run()
    where = place(parent)
    if not where.is_dir() or not os.access(where, os.W_OK | os.X_OK):
        raise Invalid(f"Cannot create a folder for this run in {where}: set TMPDIR to one that this user may write to.")
    prefix = f"ensemble-run-{run.pid}-{run.started}-"
    for each in sorted(where.glob(f"{prefix}*")):
        found = each.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == 0o700:
            return str(each)
    return accompany(run, Removal(where, prefix))["folder"]

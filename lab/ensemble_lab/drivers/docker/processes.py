# SPDX-License-Identifier: GPL-3.0-or-later
"""Helper processes: recorded by pid and start time, so that a later run knows its own and touches no other."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from pathlib import Path

from ensemble_lab.drivers.base import DriverError
from ensemble_lab.drivers.docker.records import Records


def start_time(pid: int) -> str | None:
    """When a process began (ticks since boot, with the boot's id); None if there is none, or only its remains."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else f"{boot}/{fields[19]}"


class Processes:
    """Starts, finds again and ends helpers by name; they outlive the lab's own process until they are ended."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._records = Records(folder)
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def pid(self, name: str) -> int | None:
        """The pid of a running helper."""
        if child := self._children.get(name):
            child.poll()
        record = self._records.get(name)
        return record["pid"] if record and start_time(record["pid"]) == record["started"] else None

    def log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    async def start(self, name: str, *argv: str, env: dict[str, str] | None = None) -> int:
        """Start a helper unless it runs; its output goes to a log file. Raises DriverError if it ends within 0.2 s."""
        if pid := self.pid(name):
            return pid
        try:
            with self.log(name).open("ab") as log:
                child = subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    cwd="/",
                    env={**os.environ, **(env or {})},
                )
        except FileNotFoundError as problem:
            raise DriverError(f"{argv[0]} is not installed on this machine") from problem
        self._children[name] = child
        self._records.put(name, {"pid": child.pid, "started": start_time(child.pid), "argv": list(argv)})
        await asyncio.sleep(0.2)
        if child.poll() is not None:
            raise DriverError(f"{name} ended at once ({child.returncode}): {self.log(name).read_text()[-1500:]}")
        return child.pid

    async def end(self, name: str, patience: float = 5.0) -> None:
        """End a helper: TERM, then KILL after `patience` seconds."""
        for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, 5.0)):
            pid = self.pid(name)
            if pid is None:
                break
            os.kill(pid, number)
            for _ in range(int(seconds / 0.05)):
                if self.pid(name) is None:
                    break
                await asyncio.sleep(0.05)
        self._records.drop(name)
        self._children.pop(name, None)

    async def end_all(self) -> None:
        for name, _ in self._records.entries():
            await self.end(name)

    def signal(self, name: str, number: int) -> bool:
        """Send a signal to a running helper; whether there was one."""
        pid = self.pid(name)
        if pid is not None:
            os.kill(pid, number)
        return pid is not None

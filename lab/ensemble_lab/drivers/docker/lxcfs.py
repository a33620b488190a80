# SPDX-License-Identifier: GPL-3.0-or-later
"""Per-server load figures: without lxcfs every container would read the host's CPU, memory and uptime in /proc.

It outlives the lab's process, as running servers have its files mounted.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from ensemble_lab.drivers.base import DriverError
from ensemble_lab.drivers.docker.layout import Layout
from ensemble_lab.drivers.docker.processes import Processes
from ensemble_lab.drivers.docker.shell import attempt

log = logging.getLogger(__name__)

FILES = ("cpuinfo", "diskstats", "loadavg", "meminfo", "stat", "swaps", "uptime")


class Lxcfs:
    def __init__(self, layout: Layout, processes: Processes):
        self._folder, self._processes = layout.state / "lxcfs", processes
        self._pidfile = layout.state / "lxcfs.pid"

    async def start(self) -> None:
        """Serve the files; where the host cannot (no FUSE), servers show the host's figures."""
        if self._processes.pid("lxcfs"):
            return
        await self._unmount()
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            await self._processes.start(
                "lxcfs",
                *("lxcfs", "-f", "-l", "-p", str(self._pidfile), str(self._folder)),
            )
            for _ in range(50):
                if (self._folder / "proc" / "stat").exists():
                    return
                await asyncio.sleep(0.1)
            log.warning("lxcfs does not answer; servers will show the host's load as theirs")
        except DriverError as problem:
            log.warning("servers will show the host's load as theirs: %s", problem)

    async def destroy(self) -> None:
        await self._processes.end("lxcfs")
        await self._unmount()

    async def _unmount(self) -> None:
        """What a killed lxcfs leaves behind is a dead mount."""
        mounts = Path("/proc/mounts").read_text().split("\n")
        if any(line.split()[1:2] == [str(self._folder)] for line in mounts):
            await attempt("umount", "--lazy", str(self._folder))

    def mounts(self) -> list[str]:
        """Arguments of ``docker create``."""
        return [
            argument
            for name in FILES
            if (self._folder / "proc" / name).exists()
            for argument in ("--volume", f"{self._folder}/proc/{name}:/proc/{name}:ro")
        ]

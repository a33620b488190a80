# SPDX-License-Identifier: GPL-3.0-or-later
"""HAProxy as a helper process: one per load balancer, so that none can disturb another."""

from __future__ import annotations

import asyncio
import csv
import io
import shutil
import signal
from pathlib import Path

from ensemble_lab.drivers.base import DriverError
from ensemble_lab.drivers.docker.processes import Processes
from ensemble_lab.drivers.docker.shell import attempt


class Haproxy:
    """The process called `name`, its folder (configuration, certificates, sockets) and its statistics."""

    def __init__(self, processes: Processes, name: str, folder: Path):
        self._processes, self._name, self._folder = processes, name, folder

    @property
    def _config(self) -> Path:
        return self._folder / "haproxy.cfg"

    @property
    def _socket(self) -> Path:
        return self._folder / "stats.sock"

    async def configure(self, sections: str, files: dict[str, str]) -> None:
        """Make this configuration hold: starts the process, or reloads it without losing a connection.

        `files` are written beside it (name -> content); ``{folder}`` in `sections` stands for their folder. Raises
        DriverError if HAProxy refuses the configuration; the one before then stays.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        known = {path.name: path.read_text() for path in self._folder.glob("*.pem")}
        for name, content in files.items():
            path = self._folder / name
            path.touch(mode=0o600)
            path.write_text(content)
        text = _GLOBAL.format(socket=self._socket) + sections.replace("{folder}", str(self._folder))
        running = self._processes.pid(self._name) is not None
        if running and self._config.exists() and self._config.read_text() == text and known == files:
            return
        draft = self._folder / "haproxy.new"
        draft.write_text(text)
        status, out, err = await attempt("haproxy", "-c", "-q", "-f", str(draft))
        if status:
            raise DriverError(f"HAProxy refuses the configuration of {self._name}: {(out + err).strip()[-1500:]}")
        draft.replace(self._config)
        before = await self._worker()
        if running:
            self._processes.signal(self._name, signal.SIGUSR2)
        else:
            await self._processes.start(self._name, "haproxy", "-W", "-db", "-f", str(self._config))
        for _ in range(60):
            if await self._worker() not in (None, before):
                break
            await asyncio.sleep(0.05)
        for name in known.keys() - files.keys():
            (self._folder / name).unlink()

    async def _worker(self) -> str | None:
        """The pid of the worker that answers; every configuration has one of its own."""
        try:
            lines = (await self._ask("show info")).splitlines()
        except OSError:
            return None
        return next((line for line in lines if line.startswith("Pid:")), None)

    async def servers(self) -> list[dict[str, str]]:
        """The statistics of every backend server, as HAProxy's columns; empty where it does not run."""
        try:
            text = await self._ask("show stat")
        except OSError:
            return []
        rows = csv.DictReader(io.StringIO(text.removeprefix("# ")))
        return [row for row in rows if row["svname"] not in ("FRONTEND", "BACKEND")]

    async def _ask(self, command: str) -> str:
        reader, writer = await asyncio.open_unix_connection(str(self._socket))
        try:
            writer.write(f"{command}\n".encode())
            return (await asyncio.wait_for(reader.read(), 5)).decode()
        finally:
            writer.close()

    async def remove(self) -> None:
        await self._processes.end(self._name)
        shutil.rmtree(self._folder, ignore_errors=True)


_GLOBAL = """\
global
    maxconn 4000
    hard-stop-after 10m
    stats socket {socket} mode 600 level admin expose-fd listeners

"""

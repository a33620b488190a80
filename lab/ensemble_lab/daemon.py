# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab in the background: one process with its pid, log and settings in the state folder."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests

from ensemble_lab.settings import Settings


class Trouble(Exception):
    """The command cannot be carried out; the message is for the person who gave it."""


class Daemon:
    """The background lab of a state folder."""

    def __init__(self, state: Path):
        self.state = state.absolute()
        self.pid_file, self.log_file = self.state / "lab.pid", self.state / "lab.log"
        self._settings_file = self.state / "lab.json"

    @property
    def settings(self) -> Settings:
        """As it was started; raises :class:`Trouble` if no lab was ever started here."""
        try:
            kept: dict[str, Any] = json.loads(self._settings_file.read_text())
        except FileNotFoundError:
            raise Trouble(f"there is no lab in {self.state}; start one with: ensemble-lab up") from None
        paths = {name: Path(kept[name]) for name in ("state", "cache", "files") if kept[name]}
        return Settings(**{**kept, **paths})

    @property
    def url(self) -> str:
        settings = self.settings
        return f"http://{settings.listen[0]}:{settings.port}"

    def pid(self) -> int | None:
        """Of the running lab; None if it does not run (a pid that another program got since does not count)."""
        try:
            pid = int(self.pid_file.read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None
        return pid if b"ensemble_lab" in command else None

    def info(self, timeout: float = 5.0) -> dict[str, Any] | None:
        """What the lab tells of itself; None if it does not answer."""
        try:
            return requests.get(f"{self.url}/_emulator/info", timeout=timeout).json()
        except (requests.RequestException, ValueError):
            return None

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One call of the admin API; raises :class:`Trouble` with its message."""
        try:
            answer = requests.request(method, f"{self.url}/_emulator{path}", json=body, timeout=60)
        except requests.RequestException:
            raise Trouble(f"the lab does not answer on {self.url}; see: ensemble-lab logs") from None
        shown = answer.json() if answer.content else None
        if not answer.ok:
            raise Trouble(shown.get("message") if isinstance(shown, dict) else answer.text)
        return shown

    def up(self, settings: Settings, wait: float) -> bool:
        """Start the lab and wait until it answers; False if it ran already."""
        if self.pid():
            self._await_answer(wait)
            return False
        self.state.mkdir(parents=True, exist_ok=True)
        kept = {name: getattr(settings, name) for name in Settings.__dataclass_fields__}
        self._settings_file.write_text(json.dumps(kept, default=str, indent=1))
        with self.log_file.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "ensemble_lab", "serve", *_options(settings)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            )
        self.pid_file.write_text(str(process.pid))
        self._await_answer(wait, process)
        return True

    def _await_answer(self, wait: float, process: subprocess.Popen[bytes] | None = None) -> None:
        end = time.monotonic() + wait
        while self.info() is None:
            if process and process.poll() is not None:
                raise Trouble(f"the lab ended as soon as it started:\n{self.tail(15)}")
            if time.monotonic() > end:
                raise Trouble(f"the lab did not answer within {wait:.0f} s; its last words:\n{self.tail(15)}")
            time.sleep(0.2)

    def tail(self, lines: int) -> str:
        try:
            return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return "(no log)"

    def stop(self, wait: float = 60.0) -> None:
        """End the process; machines and state stay."""
        pid = self.pid()
        if pid:
            os.kill(pid, signal.SIGTERM)
            end = time.monotonic() + wait
            while self.pid() and time.monotonic() < end:
                _reap(pid)
                time.sleep(0.1)
            if self.pid():
                os.kill(pid, signal.SIGKILL)
        self.pid_file.unlink(missing_ok=True)

    def down(self) -> bool:
        """Stop the lab and remove all that it made on this machine, and its state; False if there was none."""
        from ensemble_lab.server import make_driver

        try:
            settings = self.settings
        except Trouble:
            return False
        self.stop()
        asyncio.run(make_driver(settings).destroy())
        for file in (*self.state.glob("lab.sqlite*"), self.state / "lab.lock", self._settings_file, self.log_file):
            file.unlink(missing_ok=True)
        return True


def _reap(pid: int) -> None:
    """If the lab is our own child (up and down in one process), collect its end."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _options(settings: Settings) -> list[str]:
    """The command line of ``serve`` for these settings."""
    words: list[str] = []
    for name in Settings.__dataclass_fields__:
        value = getattr(settings, name)
        for item in value if isinstance(value, list) else [value]:
            if item is not None:
                words += [f"--{name.replace('_', '-')}", str(item)]
    return words

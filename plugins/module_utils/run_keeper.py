# SPDX-License-Identifier: GPL-3.0-or-later
"""The process beside a run that holds the platform's lock and writes its journal."""

from __future__ import annotations

import json
import os
import signal
import socketserver
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .database import Login
from .errors import ScalewayError
from .journal import About, Change
from .keeper_session import KeeperSession, Refused
from .run_process import Companion, Run
from .run_talk import SOCKET, is_alive, pulse

LINGER = 20.0
"""Seconds that tasks of a killed run may go on; the lock is held for them."""
FAREWELL = 1.0
"""Seconds between two signals to a run that has to stop."""


@dataclass
class Keeper(Companion):
    """Listens in the run's private folder; its tick looks after the session, and stops the run without a lock."""

    folder: Path
    run: Run
    session: KeeperSession = field(default_factory=KeeperSession)
    result: str = ""
    heard_of: bool = False
    """Whether the callback has said anything: only then does it also tell how the run ended."""
    told_to_stop: bool = False
    pulse: int = -1

    def begin(self) -> dict[str, Any]:
        keeper = self
        self.pulse = pulse(self.folder)

        class Conversation(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                answer = keeper.answer(json.loads(self.rfile.readline()))
                self.wfile.write(json.dumps(answer).encode() + b"\n")

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True
            request_queue_size = 64

        before = os.umask(0o177)
        try:
            server = Server(str(self.folder / SOCKET), Conversation)
        finally:
            os.umask(before)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return {"keeper": os.getpid()}

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """Answer a task; "stop" tells a run that it has lost its lock."""
        try:
            return getattr(self, f"do_{message.pop('do')}")(**message)
        except Refused as refused:
            return {"refused": str(refused), "holder": refused.holder}
        except ScalewayError as error:
            return {"error": str(error)} if not self.session.lost else {"stop": self.session.lost}
        except Exception as error:  # whatever it is, the task must learn it
            return {"error": f"{type(error).__name__}: {error}"}

    def do_hold(
        self, login: dict[str, Any], about: dict[str, Any], lock: bool, wait: float, keep: int
    ) -> dict[str, Any]:
        self.session.join(Login(**login), About(**about), lock, wait, keep)
        return {"run": self.session.number, "locked": self.session.locked}

    def do_gate(self) -> dict[str, Any]:
        self.heard_of = True
        self.session.raise_if_lost()
        return {}

    def do_begin(self, changes: list[dict[str, Any]]) -> dict[str, Any]:
        self.session.raise_if_lost()
        return {"numbers": [self.session.note(Change(**{"at": time.time(), **each})) for each in changes]}

    def do_complete(
        self, numbers: list[int], objects: dict[str, str | None], problems: dict[str, str]
    ) -> dict[str, Any]:
        for number in numbers:
            self.session.complete(number, objects, problems)
        return {}

    def do_end(self, result: str) -> dict[str, Any]:
        """End the session now, so that the next run need not wait until this run's process exits."""
        self.result = result
        self.session.leave(result)
        return {}

    def do_release(self) -> dict[str, Any]:
        self.session.release()
        return {}

    def tick(self) -> bool:
        self.session.check_lock()
        if self.session.lost:
            self._stop_run()
        return self.folder.exists()

    def _stop_run(self) -> None:
        """As Ctrl-C does, with the reason on the run's own standard error; once more for one that does not listen."""
        if not self.told_to_stop:
            try:
                with open(f"/proc/{self.run.pid}/fd/2", "a") as terminal:
                    terminal.write(f"\n[ERROR]: {self.session.lost}\n")
            except OSError:
                pass  # no /proc, or nothing that can be opened twice; the exit status and the journal tell as well
        os.kill(self.run.pid, signal.SIGTERM if self.told_to_stop else signal.SIGINT)
        self.told_to_stop = True
        time.sleep(FAREWELL)

    def end(self) -> None:
        deadline = time.monotonic() + LINGER
        while is_alive(self.pulse) and time.monotonic() < deadline:
            time.sleep(0.2)
            self.session.check_lock()
        result = "lock lost" if self.session.lost else self.result or ("killed" if self.heard_of else "ended")
        self.session.leave(result)

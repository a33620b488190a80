# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole lab, API and machines, as a process of its own: for tests of what only both together can show."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from ensemble_lab.drivers.docker import DockerDriver
from ensemble_lab.settings import SECRET_KEY, Settings

STATE = Path(tempfile.gettempdir()) / "ensemble-lab-whole"
"""Always the same folder, so that a run finds and removes what a killed one left."""
PORT = 8988
URL = f"http://127.0.0.1:{PORT}"
SUBNET = "10.88.0.0/16"
INSTANCE = "/instance/v1/zones/fr-par-1"


class WholeLab:
    """A lab in the foreground that can be killed and started again on the same state."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "ensemble_lab", "serve", "--driver", "docker", "--port", str(PORT)]
        options = ["--state", str(STATE), "--subnet", SUBNET, "--dns-domain", "whole.test"]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "lab")}
        with (STATE / "lab.log").open("ab") as log:
            self.process = subprocess.Popen([*command, *options], env=environment, stdout=log, stderr=log)
        self.wait(lambda: self.ask("GET", f"{INSTANCE}/servers"), 240)

    def kill(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def ask(self, method: str, path: str, **body: Any) -> Any:
        answer = requests.request(
            method,
            URL + path,
            json=body or None,
            headers={"X-Auth-Token": SECRET_KEY},
            timeout=10,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else {}

    def server(self, ident: str) -> Any:
        return self.ask("GET", f"{INSTANCE}/servers/{ident}")["server"]

    def wait(self, condition: Any, seconds: float) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if result := condition():
                    return result
            except requests.RequestException:
                pass
            time.sleep(0.2)
        pytest.fail(f"waited {seconds} s in vain; the lab's log ends: {(STATE / 'lab.log').read_text()[-1500:]}")

    def act(self, ident: str, action: str) -> None:
        self.ask("POST", f"{INSTANCE}/servers/{ident}/action", action=action)

    def booted(self, ident: str) -> Any:
        return self.wait(lambda: (s := self.server(ident))["state_detail"] == "booted" and s, 90)


def destroy() -> None:
    STATE.mkdir(exist_ok=True)
    asyncio.run(DockerDriver(Settings(driver="docker", state=STATE, subnet=SUBNET)).destroy())
    for path in STATE.glob("lab.*"):
        path.unlink()


def running() -> list[str]:
    names = subprocess.run(
        ["docker", "ps", "-q", "--filter", "label=ensemble.lab=ensemble-lab-88"],
        capture_output=True,
        text=True,
        check=True,
    )
    return names.stdout.split()

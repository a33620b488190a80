# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole lab, API and machines, survives kill -9 at any moment: afterwards what the API says is what runs."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from ensemble_lab.drivers.docker import DockerDriver
from ensemble_lab.settings import PROJECT, SECRET_KEY, Settings

pytestmark = pytest.mark.docker

STATE = Path(tempfile.gettempdir()) / "ensemble-lab-killed"
PORT = 8988
SUBNET = "10.88.0.0/16"
INSTANCE = "/instance/v1/zones/fr-par-1"


class Process:
    """A lab in the foreground that can be killed and started again on the same state."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "ensemble_lab", "serve", "--driver", "docker", "--port", str(PORT)]
        options = ["--state", str(STATE), "--subnet", SUBNET, "--dns-domain", "killed.test"]
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
            f"http://127.0.0.1:{PORT}{path}",
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


@pytest.fixture
def lab_process() -> Iterator[Process]:
    if os.geteuid() != 0 or subprocess.run(["docker", "info"], capture_output=True).returncode:
        pytest.skip("needs root and a Docker Engine")
    destroy()
    lab = Process()
    lab.start()
    yield lab
    lab.kill()
    destroy()


def test_state_and_machines_agree_after_every_kill(lab_process, ssh_key):
    lab = lab_process
    lab.ask(
        "POST",
        "/iam/v1alpha1/ssh-keys",
        name="me",
        project_id=PROJECT,
        public_key=ssh_key.with_suffix(".pub").read_text(),
    )
    created = lab.ask(
        "POST", f"{INSTANCE}/servers", name="one", commercial_type="DEV1-S", image="debian_trixie", project=PROJECT
    )
    ident = created["server"]["id"]

    lab.act(ident, "poweron")
    lab.kill()
    lab.start()
    server = lab.booted(ident)
    address = server["public_ip"]["address"]

    def on_server(command: str) -> str:
        options = ["-q", "-i", str(ssh_key), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
        result = subprocess.run(
            ["ssh", *options, f"root@{address}", command], capture_output=True, text=True, timeout=60
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout.strip()

    on_server("echo before > /root/note")
    lab.kill()
    assert on_server("hostname") == "one", "machines do not care"
    lab.start()
    assert lab.server(ident)["state"] == "running"
    assert f"ID={ident}" in on_server("curl -sS http://169.254.42.42/conf")

    lab.act(ident, "poweroff")
    lab.kill()
    lab.start()
    lab.wait(lambda: lab.server(ident)["state"] == "stopped", 90)
    assert not running()
    lab.act(ident, "poweron")
    address = lab.booted(ident)["public_ip"]["address"]
    assert on_server("cat /root/note") == "before"

    lab.kill()
    subprocess.run(["docker", "exec", *running(), "poweroff"], check=True)
    lab.wait(lambda: not running(), 30)
    lab.start()
    lab.wait(lambda: lab.server(ident)["state"] == "stopped", 30)
    lab.act(ident, "poweron")
    lab.booted(ident)

    lab.act(ident, "terminate")
    lab.kill()
    lab.start()
    lab.wait(lambda: lab.ask("GET", f"{INSTANCE}/servers")["servers"] == [], 60)
    assert not running()


def running() -> list[str]:
    names = subprocess.run(
        ["docker", "ps", "-q", "--filter", "label=ensemble.lab=ensemble-lab-88"],
        capture_output=True,
        text=True,
        check=True,
    )
    return names.stdout.split()

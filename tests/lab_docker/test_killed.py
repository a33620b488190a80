# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole lab, API and machines, survives kill -9 at any moment: afterwards what the API says is what runs."""

from __future__ import annotations

import subprocess

import pytest
from ensemble_lab.settings import PROJECT
from whole_lab import INSTANCE, running

pytestmark = pytest.mark.docker


def test_state_and_machines_agree_after_every_kill(whole_lab, ssh_key):
    lab = whole_lab
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

# SPDX-License-Identifier: GPL-3.0-or-later
"""A local Scaleway without machines behind it, and modules run against it within this process."""

from __future__ import annotations

import importlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests
from ansible.module_utils.testing import patch_module_args

ROOT = Path(__file__).parents[2]
MODULES = "ansible_collections.ensemble.jitsi.plugins.modules"
SECRET_KEY = "22222222-2222-4222-8222-222222222222"
PROJECT = "11111111-1111-4111-8111-111111111111"


class Ended(BaseException):
    """A module came to its end; no Exception, so that no module catches it."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer


class Lab:
    """A lab in a process of its own, by its admin API."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.dns_port: int | None = None
        self.account = {"api_url": url, "secret_key": SECRET_KEY, "project_id": PROJECT}

    def admin(self, method: str, path: str, **options: Any) -> Any:
        answer = requests.request(method, f"{self.url}/_emulator/{path}", timeout=30, **options)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def reset(self) -> None:
        self.admin("DELETE", "faults")
        self.admin("POST", "reset")
        self.admin("DELETE", "requests")

    def fault(self, **fault: Any) -> None:
        self.admin("POST", "faults", json=fault)

    def bad_day(self) -> None:
        """20 % of requests are too many, 10 % meet a server error, 5 % lose their answer after it took effect."""
        self.fault(kind="status", status=429, probability=0.2)
        self.fault(kind="status", status=502, body="html", probability=0.05)
        self.fault(kind="status", status=503, body="empty", probability=0.05, when="after")
        self.fault(kind="reset", when="after", probability=0.05)

    def good_day(self) -> None:
        self.admin("DELETE", "faults")

    def state(self) -> dict[str, list[dict[str, Any]]]:
        """All objects by kind, without what the API makes by itself."""
        state = self.save()
        groups = state.get("instance_security_group", [])
        state["instance_security_group"] = [each for each in groups if not each.get("project_default")]
        state["dns_record"] = [each for each in state.get("dns_record", []) if each["type"] != "NS"]
        state["vpc"] = [each for each in state.get("vpc", []) if not each.get("is_default")]
        state["secret"] = [each for each in state.get("secret", []) if not each.get("deletion_requested_at")]
        kept = {each["id"] for each in state["secret"]}
        state["secret_version"] = [each for each in state.get("secret_version", []) if each["secret_id"] in kept]
        return {kind: objects for kind, objects in state.items() if objects}

    def save(self) -> dict[str, Any]:
        """Everything there is, when nothing is under way and no server is still booting."""
        deadline = time.monotonic() + 5
        while True:
            self.admin("POST", "idle")
            state = self.admin("GET", "state")
            running = [each for each in state.get("instance_server", []) if each["state"] == "running"]
            if all(each["state_detail"] == "booted" for each in running) or time.monotonic() > deadline:
                return state
            time.sleep(0.05)

    def restore(self, saved: dict[str, Any]) -> None:
        self.admin("PUT", "state", json=saved)

    def counts(self) -> dict[str, int]:
        return {kind: len(objects) for kind, objects in self.state().items()}

    def requests(self) -> list[dict[str, Any]]:
        """What came in since the last :meth:`forget_requests`."""
        return self.admin("GET", "requests")["requests"]

    def forget_requests(self) -> None:
        self.admin("DELETE", "requests")

    def writes(self) -> list[str]:
        return [f"{each['method']} {each['path']}" for each in self.requests() if each["method"] != "GET"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve(folder: Path, *arguments: str) -> tuple[subprocess.Popen[bytes], Lab]:
    port = free_port()
    command = [sys.executable, "-m", "ensemble_lab", "serve", "--driver", "null", "--dns-domain", "ensemble.test"]
    command += ["--port", str(port), "--state", str(folder), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "lab")}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    lab = Lab(f"http://127.0.0.1:{port}")
    deadline = time.monotonic() + 30
    while True:
        try:
            lab.admin("GET", "info")
            return process, lab
        except requests.RequestException:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "log").read_text()) from None
            time.sleep(0.1)


class Runner:
    """Runs modules as Ansible would, and returns what they return."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def __call__(self, module: str, check: bool = False, **arguments: Any) -> dict[str, Any]:
        main = importlib.import_module(f"{MODULES}.scaleway_{module}").main
        everything = {**self.lab.account, **arguments, "_ansible_check_mode": check, "_ansible_diff": True}
        with patch_module_args(everything):
            try:
                main()
            except Ended as end:
                return end.answer
        raise AssertionError(f"scaleway_{module} neither exited nor failed")

    def ok(self, module: str, check: bool = False, **arguments: Any) -> dict[str, Any]:
        answer = self(module, check, **arguments)
        assert not answer.get("failed"), answer["msg"]
        return answer

    def error(self, module: str, **arguments: Any) -> str:
        answer = self(module, **arguments)
        assert answer.get("failed"), answer
        return answer["msg"]

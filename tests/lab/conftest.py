# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab of one's own for the tests: driver null, in a process on a free loopback port, emptied before every test."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "11111111-1111-4111-8111-111111111111"
ACCESS_KEY = "SCWLABLABLABLABLABLA"
TOKEN = "22222222-2222-4222-8222-222222222222"
UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Lab:
    """A lab process and a client of it. Paths may leave out what is always the same (see :meth:`request`)."""

    def __init__(self, state: Path, *options: str):
        self.state, self.options = state, options
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = requests.Session()
        self.http.headers["X-Auth-Token"] = TOKEN
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Lab:
        words = ["serve", "--driver", "null", "--port", str(self.port), "--state", str(self.state)]
        words += ["--cache", str(self.state / "cache"), "--dns-domain", "example.test", *self.options]
        log = (self.state.parent / f"{self.state.name}.log").open("ab")
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "lab")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ensemble_lab", *words], stdout=log, stderr=log, env=environment
        )
        end = time.monotonic() + 20
        while True:
            try:
                return requests.get(f"{self.url}/_emulator/info", timeout=5) and self
            except requests.ConnectionError:
                assert time.monotonic() < end, self.log()
                assert self.process.poll() is None, self.log()
                time.sleep(0.05)

    @property
    def ca_file(self) -> Path:
        """The certificate of the lab's own CA."""
        return self.state / "cache" / "ca" / "ca.pem"

    def log(self) -> str:
        return (self.state.parent / f"{self.state.name}.log").read_text()

    def stop(self, how: int = signal.SIGTERM) -> None:
        assert self.process
        self.process.send_signal(how)
        self.process.wait(20)

    def request(
        self, method: str, path: str, body: Any = None, expect: int | None = None, **more: Any
    ) -> requests.Response:
        """`path` beginning with servers, ips, images ... is meant below instance v1 of fr-par-1; others are whole."""
        url = self.url + (path if path.startswith("/") else f"/instance/v1/zones/fr-par-1/{path}")
        answer = self.http.request(method, url, json=body, timeout=30, **more)
        if expect is not None:
            assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer

    def get(self, path: str, expect: int = 200, **more: Any) -> Any:
        answer = self.request("GET", path, expect=expect, **more)
        return answer.json() if answer.content else None

    def post(self, path: str, body: Any = None, expect: int | None = None) -> Any:
        answer = self.request("POST", path, body if body is not None else {}, expect)
        assert expect or answer.ok, f"POST {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def patch(self, path: str, body: Any, expect: int = 200) -> Any:
        answer = self.request("PATCH", path, body, expect)
        return answer.json() if answer.content else None

    def put(self, path: str, body: Any, expect: int = 200) -> Any:
        answer = self.request("PUT", path, body, expect)
        return answer.json() if answer.content else None

    def delete(self, path: str, expect: int = 204) -> Any:
        answer = self.request("DELETE", path, expect=expect)
        return answer.json() if answer.content else None

    def wait(self, path: str, right: Callable[[Any], bool], seconds: float = 5.0) -> Any:
        """GET until the answer is right (None stands for 404)."""
        end = time.monotonic() + seconds
        while True:
            answer = self.request("GET", path)
            body = None if answer.status_code == 404 else answer.json()
            if right(body):
                return body
            assert time.monotonic() < end, f"{path} stays {body}"
            time.sleep(0.02)

    def gone(self, path: str) -> None:
        self.wait(path, lambda body: body is None)

    # things that many tests begin with

    def server(self, name: str = "h-1", **fields: Any) -> Any:
        body = {"name": name, "commercial_type": "DEV1-S", "image": "debian_trixie", "dynamic_ip_required": False}
        return self.post("servers", {**body, **fields}, 201)["server"]

    def act(self, server: Any, action: str, expect: int = 202) -> Any:
        return self.post(f"servers/{server['id']}/action", {"action": action}, expect)

    def running(self, name: str = "h-1", **fields: Any) -> Any:
        server = self.server(name, **fields)
        self.act(server, "poweron")
        path = f"servers/{server['id']}"
        return self.wait(path, lambda body: body["server"]["state_detail"] == "booted")["server"]

    def fault(self, kind: str, **fields: Any) -> Any:
        return self.post("/_emulator/faults", {"kind": kind, **fields}, 201)

    def requests_seen(self, **asked: Any) -> list[Any]:
        return self.get("/_emulator/requests", params=asked)["requests"]


@pytest.fixture(scope="session")
def lab_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("lab") / "state", "--speed", "0").start()
    yield lab
    lab.stop()


@pytest.fixture
def lab(lab_process: Lab) -> Lab:
    """An empty lab with no waiting."""
    lab_process.http.post(f"{lab_process.url}/_emulator/reset", timeout=30).raise_for_status()
    return lab_process


@pytest.fixture
def make_lab(tmp_path: Path) -> Iterator[Callable[..., Lab]]:
    """Starts a lab of its own with other options; may be called several times."""
    labs: list[Lab] = []

    def make(*options: str, state: Path | None = None) -> Lab:
        labs.append(Lab(state or tmp_path / f"state{len(labs)}", *options).start())
        return labs[-1]

    yield make
    for lab in labs:
        if lab.process and lab.process.poll() is None:
            lab.stop()


@pytest.fixture
def secure(make_lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch) -> tuple[Lab, str]:
    """A lab with HTTPS (the lab's own CA is trusted by whatever uses requests), and its https URL."""
    port = free_port()
    lab = make_lab("--speed", "0", "--tls-port", str(port))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(lab.ca_file))
    return lab, f"https://127.0.0.1:{port}"

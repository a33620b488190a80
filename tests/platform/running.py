# SPDX-License-Identifier: GPL-3.0-or-later
"""The running platform, as its operators and visitors reach it."""

from __future__ import annotations

import atexit
import base64
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dns.resolver
import httpx
import pytest
import requests

ROOT = Path(__file__).parents[2]
LAB = "http://127.0.0.1:8900"
ZONE = "/instance/v1/zones/fr-par-1"
TOKEN = {"X-Auth-Token": "22222222-2222-4222-8222-222222222222"}
COLD_MINUTES = 12
DOMAIN = "ensemble.test"
RESOLVER = dns.resolver.Resolver(configure=False)
"""What a visitor of a rehearsal asks for names: the lab's DNS."""
RESOLVER.nameservers, RESOLVER.port = ["127.0.0.1"], 5300


def until(check: Callable[[], Any], seconds: float, what: str, every: float = 1.0) -> Any:
    """The first true value of `check` within `seconds`; fails saying what was waited for and what was seen last."""
    deadline, last = time.monotonic() + seconds, None
    while time.monotonic() < deadline:
        try:
            last = check()
            if last:
                return last
        except (requests.RequestException, httpx.HTTPError, AssertionError, KeyError, IndexError) as error:
            last = error
        time.sleep(every)
    pytest.fail(f"waited {seconds} s for {what}; last seen: {last!r}")


@dataclass
class Played:
    """A finished command: exit status, all that it printed, seconds."""

    status: int
    output: str
    seconds: float
    recap: dict[str, dict[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _, _, recap = self.output.partition("PLAY RECAP")
        for line in recap.splitlines():
            host, colon, counts = line.partition(" : ")
            if colon and "changed=" in counts:
                self.recap[host.strip()] = {k: int(v) for k, v in (pair.split("=") for pair in counts.split())}

    @property
    def changed(self) -> int:
        return sum(host["changed"] for host in self.recap.values())


def run(*command: str, timeout: float = 1500, cwd: Path = ROOT, **environment: str) -> Played:
    """Run a command, at the project's root unless told otherwise; its output goes to the test's log."""
    start = time.monotonic()
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_NOCOLOR": "1", **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
        check=False,
    )
    sys.stdout.write(done.stdout)
    return Played(done.returncode, done.stdout, time.monotonic() - start)


def play(playbook: str, *arguments: str, inventory: str = "inventories/local", timeout: float = 1500) -> Played:
    """Run a playbook as the README says."""
    return run(".venv/bin/ansible-playbook", f"playbooks/{playbook}", "-i", inventory, *arguments, timeout=timeout)


def interrupted(command: list[str], when: Callable[[], Any], seconds: float) -> None:
    """Start a command in a session of its own and kill all of it (SIGKILL) as soon as `when` is true."""
    process = subprocess.Popen(
        command, cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    try:
        until(when, seconds, "the moment to interrupt", every=0.5)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@dataclass
class Platform:
    """What an operator knows of the platform: its addresses, from the API, and its names, from the DNS."""

    seconds_to_bring_up: float | None = None
    portal: str = f"https://{DOMAIN}"

    def api(self, path: str, **parameters: Any) -> dict[str, Any]:
        answer = requests.get(LAB + path, headers=TOKEN, params=parameters, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def servers(self, prefix: str = "") -> dict[str, dict[str, Any]]:
        found = self.api(f"{ZONE}/servers", per_page=100)["servers"]
        return {server["name"]: server for server in found if server["name"].startswith(prefix)}

    def address(self, server: str) -> str:
        return self.servers()[server]["public_ip"]["address"]

    @property
    def balancer(self) -> str:
        return self.api("/lb/v1/zones/fr-par-1/lbs")["lbs"][0]["ip"][0]["ip_address"]

    def portal_on(self, server: str) -> httpx.Client:
        """The portal of one API server, asked from the balancer's address: the server answers no other."""
        transport = httpx.HTTPTransport(local_address=self.balancer)
        return httpx.Client(base_url=f"http://{self.address(server)}:8080", transport=transport, timeout=15)

    @property
    def prometheus(self) -> str:
        return f"http://{self.address('prometheus-1')}:9090"

    def resolve(self, name: str) -> str:
        return next(iter(RESOLVER.resolve(name, "A"))).address

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """A visitor's request to the portal, by its name and with a certificate that holds."""
        return requests.request(method, self.portal + path, **{"verify": authority(), "timeout": 5, **options})

    def eligible(self) -> list[str]:
        servers = self.ask("GET", "/api/v1/servers").json()["servers"]
        return sorted(server["server"] for server in servers if server["state"] == "ready")

    def room(self) -> dict[str, Any]:
        answer = self.ask("POST", "/api/v1/rooms", json={})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def ssh(self, server: str, command: str, timeout: float = 60, text: str = "") -> str:
        """Run a command on a server, with `text` as its input."""
        key = secret_file("ssh-key", "id_ed25519")
        options = [
            "-o",
            "BatchMode=yes",
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-o",
            "LogLevel=ERROR",
        ]
        return subprocess.run(
            ["ssh", "-i", str(key), *options, f"root@{self.address(server)}", command],
            check=True, text=True, capture_output=True, timeout=timeout, input=text,
        ).stdout  # fmt: skip

    def inside(self, server: str, command: str, timeout: float = 60) -> str:
        """Run a command on a server's console (no SSH)."""
        return subprocess.run(
            ["tools/lab", "shell", server, "--", "sh", "-c", command],
            cwd=ROOT,
            check=True,
            text=True,
            capture_output=True,
            timeout=timeout,
        ).stdout

    def fetch(self, url: str) -> tuple[int, dict[str, str], str]:
        """GET as a browser would that uses the lab's DNS and trusts the platform's authority: status, headers, body."""
        host = url.split("/")[2]
        done = subprocess.run(
            ["curl", "-sS", "-i", "--noproxy", "*", "--max-time", "10", "--resolve", f"{host}:443:{self.resolve(host)}",
             "--cacert", authority(), url],
            check=True, text=True, capture_output=True,
        )  # fmt: skip
        head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
        status, *lines = head.splitlines()
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return int(status.split()[1]), headers, body

    def leftovers(self) -> dict[str, list[str]]:
        """What is in the cloud beyond what a finished platform needs."""
        servers = self.servers()
        volumes = self.api(f"{ZONE}/volumes", per_page=100)["volumes"]
        images = self.api(f"{ZONE}/images", per_page=100)["images"]
        used = {image["root_volume"]["id"] for image in images}
        snapshots = self.api(f"{ZONE}/snapshots", per_page=100)["snapshots"]
        ips = self.api(f"{ZONE}/ips", per_page=100)["ips"]
        return {
            "servers": [name for name in servers if name.startswith("builder")],
            "volumes": [volume["id"] for volume in volumes if not volume["server"]],
            "snapshots": [snapshot["name"] for snapshot in snapshots if snapshot["id"] not in used],
            "ips": [ip["address"] for ip in ips if not ip["server"]],
        }


def secret(name: str) -> str:
    """A secret of the platform, from the Secret Manager."""
    path = "/secret-manager/v1beta1/regions/fr-par/secrets"
    listed = {"scheduled_for_deletion": "false", "path": "/ensemble/local", "name": name}
    found = requests.get(LAB + path, headers=TOKEN, params=listed, timeout=10).json()["secrets"]
    version = f"{LAB}{path}/{found[0]['id']}/versions/latest_enabled/access"
    return base64.b64decode(requests.get(version, headers=TOKEN, timeout=10).json()["data"]).decode()


def secret_file(name: str, file: str) -> Path:
    """One file of a secret, in a folder of this session that nobody else may enter."""
    target = Path(_folder()) / Path(file).name
    target.touch(mode=0o600)
    target.write_text(json.loads(secret(name))[file])
    return target


@functools.cache
def _folder() -> str:
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def authority() -> str:
    """What a visitor of a rehearsal trusts."""
    return str(secret_file("rehearsal-ca", "tls/ca.pem"))


def runs() -> bool:
    try:
        return bool(Platform().eligible())
    except (OSError, IndexError, KeyError, TypeError, ValueError):
        return False

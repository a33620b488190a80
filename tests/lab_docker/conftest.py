# SPDX-License-Identifier: GPL-3.0-or-later
"""One docker lab of its own (subnet, bridge, ports) for all tests of this folder; it may run beside a platform."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "lab"), str(Path(__file__).parent)]

from ensemble_lab.drivers.docker import DockerDriver  # noqa: E402
from ensemble_lab.settings import Settings  # noqa: E402
from fake_cloud import FakeCloud, Object  # noqa: E402
from whole_lab import WholeLab, destroy  # noqa: E402

STATE = Path(tempfile.gettempdir()) / "ensemble-lab-tests"
"""Always the same folder, so that a run finds and removes what a killed one left."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    usable = (
        os.geteuid() == 0
        and shutil.which("docker")
        and subprocess.run(["docker", "info"], capture_output=True).returncode == 0
    )
    for item in items:
        if Path(__file__).parent in item.path.parents and {"lab", "whole_lab"} & {*getattr(item, "fixturenames", [])}:
            item.add_marker(pytest.mark.docker)
            if not usable:
                item.add_marker(pytest.mark.skip(reason="needs root and a Docker Engine"))


class Lab:
    """The driver under test, its fake cloud, and SSH into its servers."""

    outside = "getent hosts $(grep -rhoE 'https?://[^/ ]+' /etc/apt/sources.list* | head -1 | cut -d/ -f3)"
    """For a server: look up a name of the world outside, that of its own package source."""

    def __init__(self, key: Path):
        self.key = key
        self.driver = self.new_driver()
        self.cloud = FakeCloud(self.driver, key.with_suffix(".pub").read_text().strip())

    def new_driver(self) -> DockerDriver:
        return DockerDriver(Settings(driver="docker", state=STATE, subnet="10.87.0.0/16"))

    def address(self, server: Object) -> str:
        return str(server["public_ips"][0]["address"])

    async def ssh(self, server: Object, command: str, timeout: float = 120) -> tuple[int, str]:
        """Run a command on a server; returns (exit status, all output)."""
        process = await asyncio.create_subprocess_exec(
            *("ssh", "-q", "-i", str(self.key), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"),
            *("-o", "ConnectTimeout=2", "-o", "ServerAliveInterval=2", "-o", "BatchMode=yes"),
            *(f"root@{self.address(server)}", command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), timeout)
        return process.returncode or 0, output.decode()

    async def on(self, server: Object, command: str, timeout: float = 120) -> str:
        """As :meth:`ssh`, for commands that must succeed; returns the output, stripped."""
        status, output = await self.ssh(server, command, timeout)
        assert status == 0, f"{command!r} ended with {status}: {output[-2000:]}"
        return output.strip()

    async def reachable(self, server: Object, seconds: float = 90) -> None:
        for _ in range(int(seconds / 0.3)):
            if (await self.ssh(server, "true"))[0] == 0:
                return
            await asyncio.sleep(0.3)
        pytest.fail(f"no SSH on {server['name']} within {seconds} s")

    async def booted(self, name: str, **options: Object | None) -> Object:
        """A new server that answers SSH."""
        server = await self.cloud.server(name, **options)
        await self.reachable(server)
        return server


def leftovers() -> list[str]:
    """What the test lab has on the machine: containers, volumes, networks, wires, filters."""
    found = []
    for kind, command in (("container", "ps -aq"), ("volume", "volume ls -q"), ("network", "network ls -q")):
        out = subprocess.run(
            ["docker", *command.split(), "--filter", "label=ensemble.lab=ensemble-lab-87"],
            capture_output=True,
            text=True,
        )
        found += [f"{kind} {ident}" for ident in out.stdout.split()]
    images = subprocess.run(["docker", "images", "-q", "ensemble-lab-87/disk"], capture_output=True, text=True)
    found += [f"image {ident}" for ident in images.stdout.split()]
    labelled = ["docker", "images", "-q", "--filter", "label=ensemble.lab=ensemble-lab-87"]
    found += [f"image {ident}" for ident in subprocess.run(labelled, capture_output=True, text=True).stdout.split()]
    found += [f"link {path.name}" for path in Path("/sys/class/net").glob("el87-*")]
    found += [f"link {path.name}" for path in Path("/sys/class/net").glob("ens-lab87")]
    found += [f"namespace {path.name}" for path in Path("/run/netns").glob("ensemble-lab-87.*")]
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True).stdout
    found += [line for line in tables.splitlines() if line.endswith("ensemble_lab_87")]
    rules = subprocess.run(["iptables", "-S"], capture_output=True, text=True).stdout
    found += [line for line in rules.splitlines() if "el87-" in line]
    found += [str(path) for path in Path("/etc/docker/certs.d").glob("10.87.*")]
    found += [line for line in Path("/proc/mounts").read_text().splitlines() if str(STATE) in line]
    for record in (STATE / "processes").glob("*.json"):
        found.append(f"process {record.stem}")
    return found


@pytest.fixture(scope="session")
def ssh_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = tmp_path_factory.mktemp("ssh") / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    return key


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def lab(ssh_key: Path) -> AsyncIterator[Lab]:
    await Lab(ssh_key).driver.destroy()
    lab = Lab(ssh_key)
    await lab.driver.start(lab.cloud)
    yield lab
    await lab.driver.destroy()
    assert leftovers() == []


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def first(lab: Lab) -> Object:
    """A plain server that answers SSH; tests must leave it usable."""
    return await lab.booted("first")


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def docked(lab: Lab) -> Object:
    """A server with a Docker Engine and a small image made of its own busybox."""
    server = await lab.booted("docked")
    await lab.on(
        server,
        "apt-get update -qq && "
        "apt-get install -y -qq --no-install-recommends docker.io docker-cli busybox-static >/dev/null 2>&1",
        timeout=240,
    )
    await lab.on(
        server,
        "mkdir -p /tmp/box/bin /tmp/box/gone && cp /bin/busybox /tmp/box/bin/ && ln -s busybox /tmp/box/bin/sh && "
        "echo old > /tmp/box/gone/file && tar -C /tmp/box -c . | docker import - box:1 && "
        "printf 'FROM box:1\\nRUN busybox rm -r /gone && busybox mkdir /gone && busybox touch /gone/new\\n' | "
        "DOCKER_BUILDKIT=0 docker build -q -t box:2 -",
    )
    return server


@pytest.fixture
def whole_lab() -> Iterator[WholeLab]:
    """An empty lab with API and machines in a process of its own."""
    destroy()
    lab = WholeLab()
    lab.start()
    yield lab
    lab.kill()
    destroy()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers: systemd containers that boot from a root disk on a wire of their own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from ensemble_lab.catalog.server_types import server_types
from ensemble_lab.drivers.base import DriverError, Object
from ensemble_lab.drivers.docker.dhcp import Dhcp
from ensemble_lab.drivers.docker.disks import Disks
from ensemble_lab.drivers.docker.firewall import Firewall
from ensemble_lab.drivers.docker.layout import Layout
from ensemble_lab.drivers.docker.lxcfs import Lxcfs
from ensemble_lab.drivers.docker.network import GUEST_NIC, Network
from ensemble_lab.drivers.docker.private_networks import PrivateNetworks
from ensemble_lab.drivers.docker.records import Record, Records
from ensemble_lab.drivers.docker.shell import attempt, run, succeeds

log = logging.getLogger(__name__)

STOP_SECONDS = 60
REBOOTED = 129
"""Exit status of a container whose systemd asked the kernel for a reboot (SIGHUP from the kernel)."""
POWERED_OFF = 130
"""The same for a shutdown (SIGINT)."""
REFUSED_CAPABILITIES = ("SYS_TIME", "SYS_MODULE")
"""What would reach the host itself: its clock and its kernel."""
_CAP_SYS_RESOURCE = 24

GroupOf = Callable[[Object], Record]
"""Server -> its security group as the firewall keeps it."""


class Servers:
    def __init__(
        self,
        layout: Layout,
        network: Network,
        private_networks: PrivateNetworks,
        firewall: Firewall,
        dhcp: Dhcp,
        disks: Disks,
        lxcfs: Lxcfs,
        group_of: GroupOf,
    ):
        self._layout, self._network, self._firewall = layout, network, firewall
        self._dhcp, self._disks, self._lxcfs, self._group_of = dhcp, disks, lxcfs, group_of
        self._private_networks = private_networks
        self.records = Records(layout.folder("servers"))
        self._starting = asyncio.Semaphore(3)
        self._stopping: set[str] = set()
        self._loads: dict[str, tuple[float, float]] = {}

    # what is where

    def at(self, address: str) -> str | None:
        """Id of the server that owns an address."""
        return next((ident for ident, record in self.records.entries() if address in record["addresses"]), None)

    def container(self, server: Object) -> str:
        name = re.sub(r"[^A-Za-z0-9.-]+", "-", server["name"])[:40]
        return f"{self._layout.lab}-{name}-{server['id'][:8]}"

    async def running(self) -> dict[str, str]:
        """Containers of this lab that run: name -> id."""
        lines = await run(
            "docker", "ps", "--filter", f"label={self._layout.label}", "--format", "{{.Names}} {{.ID}}", "--no-trunc"
        )
        return dict(line.split() for line in lines.splitlines())

    async def exit_status(self, container: str) -> int | None:
        """How a container ended; None while it runs, or if there is none."""
        status, out, _ = await attempt(
            "docker", "inspect", "--format", "{{.State.Running}} {{.State.ExitCode}}", container
        )
        running, _, code = out.strip().partition(" ")
        return None if status or running == "true" else int(code)

    # power

    async def power_on(self, server: Object) -> None:
        """Boot a server; returns when its init runs, with its wire plugged and filtered."""
        root = boot_volume(server)
        async with self._starting:
            container = await self._container_on(server, root)
            addresses = public_addresses(server)
            self.records.put(server["id"], {"container": container, "root": root, "addresses": addresses})
            if container not in await self.running():
                await run("docker", "start", container)
                await self._network.unplug(server["id"])
            await self._connect(server, addresses)
            await self._join_private_networks(server)

    async def take_over(self, server: Object) -> None:
        """A server that was running before the lab itself started: wire, filter and DHCP as they should be."""
        record = self.records.get(server["id"])
        if record and record["container"] in await self.running() and self._network.plugged(server["id"]):
            await self._filter(server)
            self._serve_dhcp(server["id"], record["addresses"])
            await self._join_private_networks(server)
        else:
            await self.power_on(server)

    async def power_off(self, server: Object) -> None:
        record = self.records.get(server["id"])
        if not record:
            return
        self._stopping.add(server["id"])
        try:
            await attempt("docker", "stop", "--time", str(STOP_SECONDS), record["container"])
            await self._disconnect(server["id"])
        finally:
            self._stopping.discard(server["id"])

    async def delete(self, server: Object) -> None:
        """Remove the machine; what it wrote stays with its root volume until that is deleted."""
        record = self.records.get(server["id"])
        if record:
            self._stopping.add(server["id"])
            await attempt("docker", "kill", record["container"])
            await self._disconnect(server["id"])
            self.records.drop(server["id"])
            self._stopping.discard(server["id"])

    async def update(self, server: Object) -> None:
        """Addresses, private networks, security group or name of a server changed."""
        record = self.records.get(server["id"])
        if not record or not self._network.plugged(server["id"]):
            return
        addresses = public_addresses(server)
        if addresses != record["addresses"]:
            await self._network.readdress(server["id"], await self._pid(record["container"]), addresses)
            self.records.put(server["id"], {**record, "addresses": addresses})
            self._serve_dhcp(server["id"], addresses)
        await self._filter(server)
        await self._join_private_networks(server)

    async def destroy(self) -> None:
        names = await run("docker", "ps", "--all", "--quiet", "--filter", f"label={self._layout.label}")
        if names:
            await run("docker", "rm", "--force", "--volumes", *names.split())
        self._dhcp.close()
        self.records.clear()

    async def _container_on(self, server: Object, root: str) -> str:
        """The container that writes on a root disk for this server, made at its first boot."""
        name, disk = self.container(server), self._disks.root(root)
        earlier = self.records.get(server["id"])
        mine = earlier and earlier["root"] == root and disk["container"] == earlier["container"]
        if mine and await succeeds("docker", "container", "inspect", disk["container"]):
            return str(disk["container"])
        await self._disks.bind(root, None)
        await attempt("docker", "rm", "--force", name)
        await run("docker", "create", *self._options(server, name, disk), disk["root"])
        await self._disks.bind(root, name)
        return name

    def _options(self, server: Object, name: str, disk: Record) -> list[str]:
        options = ["--name", name, "--hostname", server["hostname"][:63], "--label", self._layout.label]
        options += ["--label", f"ensemble.server={server['id']}", "--network", "none", "--stop-signal", "SIGRTMIN+3"]
        options += ["--cap-add", "ALL", "--cgroupns", "private", "--restart", "no"]
        for capability in (*REFUSED_CAPABILITIES, *([] if _has_capability(_CAP_SYS_RESOURCE) else ["SYS_RESOURCE"])):
            options += ["--cap-drop", capability]
        for option in ("seccomp", "apparmor", "systempaths"):
            options += ["--security-opt", f"{option}=unconfined"]
        for key, value in (
            ("LAB_NIC", GUEST_NIC),
            ("LAB_RESOLVER", self._layout.gateway),
            ("container_uuid", server["id"]),
        ):
            options += ["--env", f"{key}={value}"]
        options += ["--mount", f"type=volume,source={disk['data']},target=/var/lib/docker,volume-nocopy"]
        for index, volume in sorted(server["volumes"].items()):
            extra = self._disks.volumes.get(volume["id"])
            if extra and volume["id"] != boot_volume(server):
                options += ["--mount", f"type=volume,source={extra['data']},target=/mnt/volume-{index},volume-nocopy"]
        kind = server_types(server["zone"]).get(server["commercial_type"])
        if kind:
            options += ["--memory", str(kind["ram"])]
        return options + self._lxcfs.mounts()

    # wires

    async def _connect(self, server: Object, addresses: list[str]) -> None:
        if not self._network.plugged(server["id"]):
            await self._filter(server)
            container = self.records.get(server["id"])["container"]  # type: ignore[index]
            await self._network.plug(server["id"], await self._pid(container), server["mac_address"], addresses)
        self._serve_dhcp(server["id"], addresses)

    async def _disconnect(self, ident: str) -> None:
        self._dhcp.leave(self._network.wire_of(ident))
        await self._network.unplug(ident)
        await self._firewall.forget(self._network.wire_of(ident))

    async def _filter(self, server: Object) -> None:
        wire = self._network.wire_of(server["id"])
        await self._firewall.apply(wire, public_addresses(server), self._group_of(server))

    async def _join_private_networks(self, server: Object) -> None:
        container = self.records.get(server["id"])["container"]  # type: ignore[index]
        await self._private_networks.join(server["id"], await self._pid(container))

    def _serve_dhcp(self, ident: str, addresses: list[str]) -> None:
        if addresses:
            self._dhcp.serve(self._network.wire_of(ident), addresses[0])

    async def _pid(self, container: str) -> int:
        pid = int(await run("docker", "inspect", "--format", "{{.State.Pid}}", container))
        if not pid:
            raise DriverError(f"{container} ended as soon as it started")
        return pid

    # what guests do by themselves

    async def watch(self, ended: Callable[[str, int], Awaitable[None]]) -> None:
        """Call ``ended(server id, exit status)`` for every server that ends by itself. Runs until cancelled."""
        while True:
            events = await asyncio.create_subprocess_exec(
                *("docker", "events", "--filter", f"label={self._layout.label}", "--filter", "event=die"),
                *("--format", '{{index .Actor.Attributes "ensemble.server"}} {{.Actor.Attributes.exitCode}}'),
                stdout=asyncio.subprocess.PIPE,
            )
            try:
                assert events.stdout
                async for line in events.stdout:
                    ident, _, code = line.decode().strip().partition(" ")
                    if self.records.get(ident) and ident not in self._stopping:
                        await ended(ident, int(code))
            finally:
                with contextlib.suppress(ProcessLookupError):
                    events.terminate()
            log.warning("lost sight of Docker's events; asking again")
            await asyncio.sleep(1)

    async def load(self, server: Object) -> Object | None:
        """``{"cpu": share of the server's own CPUs since the last call, "memory": bytes}``."""
        record = self.records.get(server["id"])
        if not record or not self._network.plugged(server["id"]):
            return None
        with contextlib.suppress(DriverError, OSError, ValueError):
            pid = await self._pid(record["container"])
            moment, used = time.monotonic(), _cpu_seconds(pid)
            before = self._loads.get(server["id"], (moment, used))
            self._loads[server["id"]] = (moment, used)
            kind = server_types(server["zone"]).get(server["commercial_type"], {"ncpus": 1})
            share = (used - before[1]) / (moment - before[0]) / kind["ncpus"] if moment > before[0] else 0.0
            return {"cpu": round(min(max(share, 0.0), 1.0), 3), "memory": _memory(pid)}
        return None


def boot_volume(server: Object) -> str:
    """Id of the volume that a server boots from: the one at index "0"."""
    try:
        return str(server["volumes"]["0"]["id"])
    except KeyError:
        raise DriverError(f"server {server['name']} has no root volume") from None


def public_addresses(server: Object) -> list[str]:
    """A server's public IPv4 addresses, the first one first."""
    return [ip["address"] for ip in server["public_ips"] if ip["family"] == "inet"]


def _has_capability(number: int) -> bool:
    status = Path("/proc/self/status").read_text()
    return bool(int(status.split("CapBnd:")[1].split()[0], 16) >> number & 1)


def _cgroup(pid: int, controller: str) -> Path:
    """Folder of a process' cgroup: of a controller where cgroup v1 has it, of the unified hierarchy otherwise."""
    lines = [line.split(":", 2) for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()]
    for _, names, path in lines:
        if controller in names.split(","):
            return Path(f"/sys/fs/cgroup/{controller}{path.removesuffix('/init.scope')}")
    unified = next(path for _, names, path in lines if not names)
    return Path(f"/sys/fs/cgroup{unified.removesuffix('/init.scope')}")


def _cpu_seconds(pid: int) -> float:
    folder = _cgroup(pid, "cpuacct")
    if (usage := folder / "cpuacct.usage").exists():
        return int(usage.read_text()) / 1e9
    fields = dict(line.split() for line in (folder / "cpu.stat").read_text().splitlines())
    return int(fields["usage_usec"]) / 1e6


def _memory(pid: int) -> int:
    folder = _cgroup(pid, "memory")
    usage = folder / "memory.usage_in_bytes"
    return int((usage if usage.exists() else folder / "memory.current").read_text())

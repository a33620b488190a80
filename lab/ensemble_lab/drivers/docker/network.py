# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses and wires.

Every server hangs on a wire of its own (a veth pair), routed by the host: it owns its public address as a /32, as on
the real cloud, and every packet from or to it passes the host, where security groups are enforced out of its reach. The
bridge carries the lab's own addresses (gateway, load balancers) and containers that others put on the Docker network.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from pathlib import Path

from ensemble_lab.drivers.base import DriverError
from ensemble_lab.drivers.docker.layout import Layout
from ensemble_lab.drivers.docker.records import Records
from ensemble_lab.drivers.docker.shell import attempt, run, succeeds

GUEST_NIC = "eth0"


class Network:
    def __init__(self, layout: Layout):
        self._layout = layout
        self._counter = Records(layout.folder("network"))

    async def start(self) -> None:
        """Make the Docker network and what lets packets pass between the servers, the bridge and the outside."""
        layout = self._layout
        if not await succeeds("docker", "network", "inspect", layout.lab):
            await run(
                *("docker", "network", "create", "--driver", "bridge", "--label", layout.label),
                *("--subnet", str(layout.subnet), "--gateway", layout.gateway, "--ip-range", layout.docker_range),
                *("--opt", f"com.docker.network.bridge.name={layout.bridge}"),
                *("--opt", "com.docker.network.bridge.enable_ip_masquerade=false"),
                *("--opt", "com.docker.network.bridge.gateway_mode_ipv4=nat-unprotected"),
                layout.lab,
            )
        _set("net/ipv4/ip_forward", "1")
        _set(f"net/ipv4/conf/{layout.bridge}/proxy_arp", "1")
        for chain, *rule in self._host_rules():
            if not await succeeds("iptables", "-w", "-C", chain, *rule):
                await run("iptables", "-w", "-I", chain, *rule)

    async def destroy(self) -> None:
        """Remove the network, its rules and every wire that is left."""
        for chain, *rule in self._host_rules():
            await attempt("iptables", "-w", "-D", chain, *rule)
        for nic in Path("/sys/class/net").glob(f"{self._layout.nic_prefix}*"):
            await attempt("ip", "link", "delete", nic.name)
        await attempt("docker", "network", "rm", self._layout.lab)
        self._counter.clear()

    def _host_rules(self) -> list[list[str]]:
        """What a host's own firewall (Docker's, ufw) must let pass; the lab's filter has judged it before."""
        wires, bridge = f"{self._layout.nic_prefix}+", self._layout.bridge
        return [
            ["DOCKER-USER", "-i", wires, "-j", "ACCEPT"],
            ["DOCKER-USER", "-o", wires, "-j", "ACCEPT"],
            ["INPUT", "-i", wires, "-j", "ACCEPT"],
            ["INPUT", "-i", bridge, "-j", "ACCEPT"],
        ]

    def next_address(self, taken: Iterable[str]) -> str:
        """An address that nobody has; going round, so that one is not given again soon after it was freed."""
        first, last = 256, 250 * 256 - 1
        used = set(taken)
        offset = (self._counter.get("address") or {"offset": first})["offset"]
        for _ in range(first, last):
            offset = offset + 1 if offset < last else first
            address = str(self._layout.subnet[offset])
            if address not in used and not address.endswith((".0", ".255")):
                self._counter.put("address", {"offset": offset})
                return address
        raise DriverError(f"no free address in {self._layout.subnet}")

    def next_prefix(self) -> str:
        """A fresh IPv6 /64 of a private (ULA) range."""
        number = (self._counter.get("prefix") or {"number": 0})["number"] + 1
        self._counter.put("prefix", {"number": number})
        return f"fd00:{self._layout.subnet.network_address.packed[1]:x}:{number:x}::"

    def wire_of(self, server_id: str) -> str:
        """Name of the host's end of a server's wire."""
        return self._layout.nic_prefix + server_id[:8]

    async def plug(self, server_id: str, pid: int, mac: str, addresses: list[str]) -> None:
        """Give the network namespace of `pid` its interface with these IPv4 addresses; packets flow when this returns.

        The packet filter of the wire must be there before.
        """
        wire, gateway = self.wire_of(server_id), self._layout.gateway
        await attempt("ip", "link", "delete", wire)
        await run(
            *("ip", "link", "add", wire, "type", "veth"),
            *("peer", "name", GUEST_NIC, "address", mac, "netns", str(pid)),
        )
        await run("nsenter", "-t", str(pid), "-n", "ip", "-batch", "-", stdin=_guest_batch(addresses, gateway))
        _set(f"net/ipv4/conf/{wire}/proxy_arp", "1")
        await run("ip", "link", "set", wire, "up")
        await self.route(server_id, addresses)

    async def route(self, server_id: str, addresses: list[str]) -> None:
        """Send these addresses (and no others any more) down a server's wire."""
        wire = self.wire_of(server_id)
        routes = (await run("ip", "-4", "route", "show", "dev", wire)).splitlines()
        gone = {line.split()[0] for line in routes} - set(addresses)
        batch = [f"route del {address} dev {wire}" for address in gone]
        batch += [f"route replace {address} dev {wire} src {self._layout.gateway}" for address in addresses]
        await run("ip", "-batch", "-", stdin="\n".join(batch) + "\n")

    async def readdress(self, server_id: str, pid: int, addresses: list[str]) -> None:
        """The public addresses of a running server changed: they are set in the guest and routed."""
        await run(
            "nsenter", "-t", str(pid), "-n", "ip", "-batch", "-", stdin=_guest_batch(addresses, self._layout.gateway)
        )
        await self.route(server_id, addresses)

    async def unplug(self, server_id: str) -> None:
        await attempt("ip", "link", "delete", self.wire_of(server_id))

    def plugged(self, server_id: str) -> bool:
        return Path(f"/sys/class/net/{self.wire_of(server_id)}").exists()

    async def add_own_address(self, address: str) -> None:
        """An address of the host on the bridge (load balancers)."""
        await run("ip", "address", "replace", f"{address}/32", "dev", self._layout.bridge)

    async def remove_own_address(self, address: str) -> None:
        await attempt("ip", "address", "del", f"{address}/32", "dev", self._layout.bridge)


def _guest_batch(addresses: list[str], gateway: str) -> str:
    lines = [f"address flush dev {GUEST_NIC} scope global", "link set lo up", f"link set {GUEST_NIC} up"]
    lines += [f"address add {ipaddress.ip_address(address)}/32 dev {GUEST_NIC}" for address in addresses]
    if addresses:
        lines += [
            f"route replace {gateway} dev {GUEST_NIC} scope link src {addresses[0]}",
            f"route replace default via {gateway} dev {GUEST_NIC} src {addresses[0]}",
        ]
    return "\n".join(lines) + "\n"


def _set(name: str, value: str) -> None:
    path = Path("/proc/sys") / name
    if path.read_text().strip() != value:
        path.write_text(value)

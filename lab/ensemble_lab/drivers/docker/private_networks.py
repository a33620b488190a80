# SPDX-License-Identifier: GPL-3.0-or-later
"""Private networks: bridges in a network namespace of their VPC, which routes between them and leads nowhere else.

Networks of two VPCs may have the same addresses; their packets never meet.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ensemble_lab.drivers.base import Api, Object
from ensemble_lab.drivers.docker.layout import Layout
from ensemble_lab.drivers.docker.shell import attempt, run

NAMESPACES = Path("/run/netns")
GUEST_NIC = "pn-"
"""Start of the names of guests' private interfaces."""


@dataclass(frozen=True)
class Way:
    """How a load balancer reaches the private networks of a VPC: from a namespace, with an address of its own."""

    namespace: str
    source: str
    subnets: tuple[str, ...]

    def reaches(self, address: str) -> bool:
        target = ipaddress.ip_address(address)
        return any(target in ipaddress.ip_network(subnet) for subnet in self.subnets)


class PrivateNetworks:
    def __init__(self, layout: Layout):
        self._layout = layout
        self._api: Api

    def start(self, api: Api) -> None:
        self._api = api

    async def destroy(self) -> None:
        for namespace in NAMESPACES.glob(f"{self._layout.lab}.*"):
            await attempt("ip", "netns", "delete", namespace.name)

    async def join(self, server_id: str, pid: int) -> None:
        """Give the network namespace of `pid` the private interfaces that its server has, and no others."""
        nics = [nic for nic in self._api.list("instance_private_nic") if nic["server_id"] == server_id]
        await self.plug(pid, nics)

    async def plug(self, pid: int, nics: Iterable[Object]) -> None:
        """NICs have ``id``, ``private_network_id``, ``mac_address`` and ``ipam_ip_ids``."""
        desired = {GUEST_NIC + nic["id"][:8]: nic for nic in nics}
        there = await _interfaces(pid)
        for name in there - set(desired):
            await _in_guest(pid, f"link delete {name}")
        for name, nic in desired.items():
            network = self._api.get("private_network", nic["private_network_id"])
            if network is None:
                continue
            if name not in there:
                await self._connect(pid, name, nic, network)
            await _in_guest(pid, *self._addressing(name, nic, network))

    async def _connect(self, pid: int, name: str, nic: Object, network: Object) -> None:
        namespace, bridge, end = await self._bridge(network), _bridge(network), f"el-{nic['id'][:8]}"
        await attempt("ip", "-n", namespace, "link", "delete", end)
        await run(
            *("ip", "-n", namespace, "link", "add", end, "master", bridge, "type", "veth"),
            *("peer", "name", name, "address", nic["mac_address"], "netns", str(pid)),
        )
        await run("ip", "-n", namespace, "link", "set", end, "up")

    def _addressing(self, name: str, nic: Object, network: Object) -> list[str]:
        """Own addresses, and ways to the other networks of the VPC."""
        booked = [ip for ident in nic["ipam_ip_ids"] if (ip := self._api.get("ipam_ip", ident))]
        lines = [f"link set {name} up"]
        lines += [f"address replace {ip['address']} dev {name}{' nodad' if ip['is_ipv6'] else ''}" for ip in booked]
        gateways = {ipaddress.ip_network(subnet).version: _gateway(subnet)[0] for subnet in _subnets([network])}
        others = [other for other in self._of_vpc(network["vpc_id"]) if other["id"] != network["id"]]
        for subnet in _subnets(others):
            version = ipaddress.ip_network(subnet).version
            lines.append(f"route replace {subnet} via {gateways[version]} dev {name}")
        return lines

    async def ways(self, lb: Object) -> list[Way]:
        """The private networks that a load balancer is attached to; its addresses in them work when this returns."""
        found = []
        for attached in lb.get("private_networks") or []:
            network = self._api.get("private_network", attached["private_network_id"])
            booked = [self._api.get("ipam_ip", ident) for ident in attached["ipam_ids"]]
            source = next((ip["address"].partition("/")[0] for ip in booked if ip and not ip["is_ipv6"]), None)
            if network is None or source is None:
                continue
            namespace = await self._bridge(network)
            await run("ip", "-n", namespace, "address", "replace", f"{source}/32", "dev", _bridge(network))
            subnets = _subnets(self._of_vpc(network["vpc_id"]))
            found.append(Way(namespace, source, tuple(subnet for subnet in subnets if ":" not in subnet)))
        return found

    def lookup(self, name: str, vpcs: set[str]) -> list[str]:
        """The IPv4 addresses of ``<server>.<network>.internal`` in these VPCs."""
        match = re.fullmatch(r"([a-z0-9-]+)\.([a-z0-9-]+)\.internal", name)
        if not match:
            return []
        holder, desired = match.groups()
        networks = [
            n for n in self._api.list("private_network") if n["vpc_id"] in vpcs and n["name"].lower() == desired
        ]
        idents = {network["id"] for network in networks}
        return [
            ip["address"].partition("/")[0]
            for ip in self._api.list("ipam_ip")
            if ip["private_network_id"] in idents
            and not ip["is_ipv6"]
            and ((ip["resource"] or {}).get("name") or "").lower() == holder
        ]

    def vpcs_of(self, server_id: str) -> set[str]:
        """Those that a server is in."""
        networks = (
            self._api.get("private_network", nic["private_network_id"])
            for nic in self._api.list("instance_private_nic")
            if nic["server_id"] == server_id
        )
        return {network["vpc_id"] for network in networks if network}

    def _of_vpc(self, vpc_id: str) -> list[Object]:
        return [network for network in self._api.list("private_network") if network["vpc_id"] == vpc_id]

    async def _bridge(self, network: Object) -> str:
        """The namespace of a network's VPC; the network's bridge is in it, with the gateway's addresses."""
        namespace, bridge = f"{self._layout.lab}.{network['vpc_id'][:8]}", _bridge(network)
        if not (NAMESPACES / namespace).exists():
            await run("ip", "netns", "add", namespace)
            await run("ip", "-n", namespace, "link", "set", "lo", "up")
            for setting in ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"):
                await run("ip", "netns", "exec", namespace, "sysctl", "-q", "-w", setting)
        status, _, _ = await attempt("ip", "-n", namespace, "link", "show", bridge)
        if status:
            gateways = [_gateway(subnet) for subnet in _subnets([network])]
            lines = [f"link add {bridge} type bridge"]
            lines += [
                f"address add {address}/{length} dev {bridge}{' nodad' if ':' in address else ''}"
                for address, length in gateways
            ]
            batch = "\n".join([*lines, f"link set {bridge} up"]) + "\n"
            await run("ip", "-n", namespace, "-batch", "-", stdin=batch)
        return namespace


def _bridge(network: Object) -> str:
    return f"br-{network['id'][:8]}"


def _subnets(networks: Iterable[Object]) -> list[str]:
    return [subnet["subnet"] for network in networks for subnet in network["subnets"]]


def _gateway(subnet: str) -> tuple[str, int]:
    """The first address of a subnet, which IPAM never gives out, and the subnet's length."""
    network = ipaddress.ip_network(subnet)
    return str(network[1]), network.prefixlen


async def _interfaces(pid: int) -> set[str]:
    """The private interfaces of a guest."""
    out = await run("nsenter", "-t", str(pid), "-n", "ip", "-o", "link", "show")
    return {name for name in re.findall(r"^\d+: ([^:@]+)", out, re.MULTILINE) if name.startswith(GUEST_NIC)}


async def _in_guest(pid: int, *lines: str) -> None:
    await run("nsenter", "-t", str(pid), "-n", "ip", "-batch", "-", stdin="\n".join(lines) + "\n")

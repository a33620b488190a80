# SPDX-License-Identifier: GPL-3.0-or-later
"""Private networks carry packets: within a network, between networks of a VPC, and nowhere else."""

from __future__ import annotations

import asyncio
import ipaddress
import uuid
from typing import Any

import pytest
import pytest_asyncio

pytestmark = pytest.mark.asyncio(loop_scope="session")
Object = dict[str, Any]


class Vpcs:
    """Networks, and the NICs and addresses of servers in them, as the API layer keeps them."""

    def __init__(self, lab: Any):
        self.lab, self.cloud, self.given = lab, lab.cloud, {}

    def network(self, name: str, vpc: str, subnet: str) -> Object:
        subnets = [{"id": str(uuid.uuid4()), "subnet": subnet}]
        return self.cloud.put(
            "private_network", {"id": str(uuid.uuid4()), "name": name, "vpc_id": vpc, "subnets": subnets}
        )

    def book(self, network: Object, holder: str) -> Object:
        subnet = ipaddress.ip_network(network["subnets"][0]["subnet"])
        number = self.given[network["id"]] = self.given.get(network["id"], 1) + 1
        return self.cloud.put(
            "ipam_ip",
            {
                "id": str(uuid.uuid4()),
                "address": f"{subnet[number]}/{subnet.prefixlen}",
                "is_ipv6": False,
                "private_network_id": network["id"],
                "resource": {"name": holder},
            },
        )

    async def attach(self, server: Object, network: Object) -> str:
        """Plug a running server in; its address there."""
        ip, ident = self.book(network, server["name"]), str(uuid.uuid4())
        nic = {"id": ident, "server_id": server["id"], "private_network_id": network["id"], "ipam_ip_ids": [ip["id"]]}
        mac = f"02:00:00:{ident[:2]}:{ident[2:4]}:{ident[4:6]}"
        self.cloud.put("instance_private_nic", {**nic, "mac_address": mac})
        await self.lab.driver.server_update(server)
        return str(ip["address"].partition("/")[0])

    async def detach(self, server: Object) -> None:
        nics = self.cloud.objects["instance_private_nic"]
        for ident in [ident for ident, nic in nics.items() if nic["server_id"] == server["id"]]:
            del nics[ident]
        await self.lab.driver.server_update(server)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def inside(lab: Any, first: Object) -> Any:
    """`first` and `second` in two networks of one VPC, `stranger` in a network of another with the same addresses."""
    second, stranger = await asyncio.gather(lab.booted("second"), lab.booted("stranger"))
    vpcs, vpc = Vpcs(lab), str(uuid.uuid4())
    front = vpcs.network("front", vpc, "172.16.4.0/22")
    back = vpcs.network("back", vpc, "172.16.8.0/22")
    other = vpcs.network("back", str(uuid.uuid4()), "172.16.8.0/22")
    addresses = {
        "first": await vpcs.attach(first, front),
        "second": await vpcs.attach(second, back),
        "stranger": await vpcs.attach(stranger, other),
    }
    assert addresses["second"] == addresses["stranger"]
    await vpcs.attach(first, back)
    yield vpcs, {"first": first, "second": second, "stranger": stranger}, addresses, {"front": front, "back": back}
    await vpcs.detach(first)


async def banner(lab: Any, server: Object, address: str) -> str:
    """Which machine answers SSH at an address, by its host key."""
    _status, text = await lab.ssh(server, f"timeout 5 ssh-keyscan -q -t ed25519 {address} 2>/dev/null | cut -d' ' -f3")
    return text.strip()


async def host_key(lab: Any, server: Object) -> str:
    return (await lab.on(server, "cut -d' ' -f2 /etc/ssh/ssh_host_ed25519_key.pub")).strip()


async def test_a_network_carries_packets_and_a_vpc_routes(lab: Any, inside: Any) -> None:
    _vpcs, servers, addresses, _networks = inside
    assert await banner(lab, servers["first"], addresses["second"]) == await host_key(lab, servers["second"])
    assert await banner(lab, servers["second"], addresses["first"]) == await host_key(lab, servers["first"])


async def test_another_vpc_is_another_world(lab: Any, inside: Any) -> None:
    """Its network has the same addresses: whoever asks for one reaches the machine of the own VPC, or nobody."""
    _vpcs, servers, addresses, _networks = inside
    assert await banner(lab, servers["stranger"], addresses["second"]) == await host_key(lab, servers["stranger"])
    assert await banner(lab, servers["stranger"], addresses["first"]) == ""


async def test_names_inside(lab: Any, inside: Any) -> None:
    _vpcs, servers, addresses, _networks = inside
    ask = "getent ahostsv4 {}.internal | cut -d' ' -f1 | head -1"
    assert await lab.on(servers["first"], ask.format("second.back")) == addresses["second"]
    assert await lab.on(servers["second"], ask.format("first.front")) == addresses["first"]
    assert await lab.on(servers["stranger"], ask.format("first.front")) == ""


async def test_a_reboot_keeps_the_addresses(lab: Any, inside: Any) -> None:
    _vpcs, servers, addresses, _networks = inside
    await lab.driver.server_reboot(servers["second"])
    await lab.reachable(servers["second"])
    assert await banner(lab, servers["first"], addresses["second"]) == await host_key(lab, servers["second"])


async def test_a_server_that_left_is_reached_no_more(lab: Any, inside: Any) -> None:
    vpcs, servers, addresses, networks = inside
    await vpcs.detach(servers["second"])
    assert await banner(lab, servers["first"], addresses["second"]) == ""
    addresses["second"] = await vpcs.attach(servers["second"], networks["back"])
    assert await banner(lab, servers["first"], addresses["second"]) == await host_key(lab, servers["second"])


async def test_a_balancer_reaches_servers_inside(lab: Any, inside: Any) -> None:
    vpcs, servers, addresses, networks = inside
    await lab.on(servers["second"], "systemd-run --collect python3 -m http.server 8080 --directory /etc")
    address = lab.driver.allocate_address("inet")
    ip = vpcs.book(networks["front"], "portal")
    balancer = {
        "id": str(uuid.uuid4()),
        "ip": [{"ip_address": address}],
        "private_networks": [{"private_network_id": networks["front"]["id"], "ipam_ids": [ip["id"]]}],
    }
    backend = {
        "id": "b",
        "forward_protocol": "http",
        "forward_port": 8080,
        "forward_port_algorithm": "roundrobin",
        "sticky_sessions": "none",
        "timeout_connect": 2000,
        "timeout_server": 5000,
        "timeout_tunnel": 5000,
        "pool": [addresses["second"]],
        "health_check": {"port": 8080, "check_delay": 500, "check_timeout": 1000, "check_max_retries": 2},
    }
    frontend = {"id": "f", "backend_id": "b", "inbound_port": 80, "certificate_ids": []}
    await lab.driver.lb_apply(balancer, [frontend], [backend], [], [], [])
    try:
        answer = await lab.on(
            servers["stranger"], f"curl -sS --retry 20 --retry-all-errors --retry-delay 1 http://{address}/hostname"
        )
        assert answer == "second"
    finally:
        await lab.driver.lb_delete(balancer)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Security groups filter packets; load balancers spread requests."""

from __future__ import annotations

import asyncio
import subprocess
import urllib.request
import uuid

import pytest
import pytest_asyncio

pytestmark = pytest.mark.asyncio(loop_scope="session")


def group(inbound: str = "drop", outbound: str = "accept", stateful: bool = True) -> dict:
    return {
        "id": str(uuid.uuid4()),
        "stateful": stateful,
        "inbound_default_policy": inbound,
        "outbound_default_policy": outbound,
    }


def rule(action: str, protocol: str, port: int | None, source: str = "0.0.0.0/0", direction: str = "inbound") -> dict:
    return {
        "action": action,
        "protocol": protocol,
        "direction": direction,
        "ip_range": source,
        "dest_port_from": port,
        "dest_port_to": None,
        "position": 1,
    }


WEB = (
    "python3 -m http.server 8080 --directory /etc && "
    "timeout 30 sh -c 'until curl -so /dev/null http://127.0.0.1:8080; do sleep 0.2; done'"
)
"""A web server that is ready when the command ends; its unit is made by systemd-run."""
SSH = rule("accept", "TCP", 22)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def guarded(lab):
    """A server whose group lets in nothing but SSH, with a web server on 8080."""
    own = group()
    await lab.driver.security_group_apply(own, [SSH], [])
    server = await lab.booted("guarded", group=own)
    await lab.on(server, f"systemd-run --collect {WEB}")
    return server


async def opens(lab, client, server, port: int) -> bool:
    address = lab.address(server)
    return (await lab.ssh(client, f"timeout 2 bash -c '</dev/tcp/{address}/{port}'"))[0] == 0


async def test_only_what_is_allowed_comes_in(lab, first, guarded):
    own = guarded["security_group"]
    assert await opens(lab, first, guarded, 22)
    assert not await opens(lab, first, guarded, 8080)
    await lab.driver.security_group_apply(own, [SSH, rule("accept", "TCP", 8080, lab.address(first))], [guarded])
    assert await opens(lab, first, guarded, 8080)
    await lab.driver.security_group_apply(own, [SSH, rule("accept", "TCP", 8080, "10.87.0.1")], [guarded])
    assert not await opens(lab, first, guarded, 8080)
    with urllib.request.urlopen(f"http://{lab.address(guarded)}:8080/hostname", timeout=3) as answer:
        assert answer.read() == b"guarded\n"
    await lab.driver.security_group_apply(own, [SSH], [guarded])


async def test_answers_come_back_and_the_clouds_own_services_always_work(lab, guarded):
    assert await lab.on(guarded, f"{lab.outside} && curl -sS http://169.254.42.42/conf >/dev/null && echo both")


async def test_outbound_rules_hold(lab, first, guarded):
    strict = guarded["security_group"] | {"outbound_default_policy": "drop"}
    await lab.driver.security_group_apply(strict, [SSH, rule("accept", "TCP", 22, direction="outbound")], [guarded])
    assert await opens(lab, guarded, first, 22)
    assert (await lab.ssh(guarded, f"ping -c1 -W1 {lab.address(first)}"))[0] != 0
    assert await lab.on(guarded, f"{lab.outside} && curl -sS http://169.254.42.42/conf >/dev/null && echo both")
    await lab.driver.security_group_apply(guarded["security_group"], [SSH], [guarded])
    assert (await lab.ssh(guarded, f"ping -c1 -W1 {lab.address(first)}"))[0] == 0


async def test_a_published_port_of_nested_docker_is_filtered_too(lab, first, docked):
    await lab.on(docked, "docker run -d --name web -p 8081:80 box:2 busybox httpd -f -p 80 -h /")
    assert await opens(lab, first, docked, 8081)
    own = group()
    docked["security_group"] = own
    await lab.driver.security_group_apply(own, [SSH], [docked])
    assert not await opens(lab, first, docked, 8081)
    await lab.on(docked, "systemctl restart docker && docker start web")
    assert not await opens(lab, first, docked, 8081)
    await lab.driver.security_group_apply(own, [SSH, rule("accept", "TCP", 8081)], [docked])
    assert await opens(lab, first, docked, 8081)


async def test_a_server_cannot_borrow_an_address(lab, first, guarded):
    await lab.on(guarded, "ip address add 10.87.9.9/32 dev eth0")
    assert (await lab.ssh(guarded, f"ping -c1 -W1 -I 10.87.9.9 {lab.address(first)}"))[0] != 0
    await lab.on(guarded, "ip address del 10.87.9.9/32 dev eth0")


async def test_a_container_on_the_labs_network_is_just_a_stranger(lab, guarded):
    def knock(port: int) -> int:
        container = ["docker", "run", "--rm", "--network", "ensemble-lab-87", "ensemble-lab/debian_trixie:latest"]
        return subprocess.run(
            [*container, "timeout", "2", "bash", "-c", f"</dev/tcp/{lab.address(guarded)}/{port}"]
        ).returncode

    assert await asyncio.to_thread(knock, 22) == 0
    assert await asyncio.to_thread(knock, 8080) != 0


def backend(pool: list[str]) -> dict:
    return {
        "id": str(uuid.uuid4()),
        "forward_protocol": "http",
        "forward_port": 8080,
        "forward_port_algorithm": "roundrobin",
        "sticky_sessions": "none",
        "sticky_sessions_cookie_name": "",
        "timeout_connect": 1000,
        "timeout_server": 5000,
        "timeout_tunnel": 900000,
        "timeout_queue": "0s",
        "max_retries": 3,
        "pool": pool,
        "health_check": {
            "port": 8080,
            "check_delay": 500,
            "check_timeout": 500,
            "check_max_retries": 2,
            "transient_check_delay": "0.5s",
            "http_config": {"uri": "/hostname", "method": "GET", "code": 200, "host_header": ""},
        },
    }


async def test_a_balancer_spreads_requests_and_takes_out_the_dead(lab, first, guarded):
    address = lab.driver.allocate_address("inet")
    lb = {"id": str(uuid.uuid4()), "ip": [{"ip_address": address}]}
    own = guarded["security_group"]
    await lab.driver.security_group_apply(own, [SSH, rule("accept", "TCP", 8080, address)], [guarded])
    await lab.on(first, f"systemd-run --collect --unit web {WEB}")
    back = backend([lab.address(first), lab.address(guarded)])
    front = {
        "id": str(uuid.uuid4()),
        "inbound_port": 80,
        "backend_id": back["id"],
        "certificate_ids": [],
        "timeout_client": 5000,
    }
    await lab.driver.lb_apply(lb, [front], [back], [], [], [])

    def ask() -> str:
        with urllib.request.urlopen(f"http://{address}/hostname", timeout=5) as answer:
            return answer.read().decode().strip()

    async def names(count: int = 6) -> set[str]:
        return {await asyncio.to_thread(ask) for _ in range(count)}

    assert await names() == {"first", "guarded"}, "the balancer asks with its own address"
    assert (await lab.on(first, f"curl -sS http://{address}/hostname")) in ("first", "guarded")
    await lab.on(first, "systemctl stop web")
    for _ in range(40):
        states = {entry["ip"]: entry["server_state"] for entry in await lab.driver.lb_stats(lb)}
        if states[lab.address(first)] == "stopped":
            break
        await asyncio.sleep(0.1)
    assert states == {lab.address(first): "stopped", lab.address(guarded): "running"}
    assert await names() == {"guarded"}
    await lab.driver.lb_delete(lb)
    assert address not in subprocess.run(["ip", "address"], capture_output=True, text=True).stdout

# SPDX-License-Identifier: GPL-3.0-or-later
"""Security groups filter: what another machine of the network can reach, port by port."""

from __future__ import annotations

import json
import subprocess

from tests.platform.running import Platform

PORTS = [22, 80, 443, 2375, 5222, 5269, 5280, 5347, 5432, 8000, 8080, 8081, 8443, 8888, 9090, 9100, 9113, 9888]
SCAN = """
import json, os, socket, sys
host, ports = sys.argv[1], json.loads(sys.argv[2])
found = []
for port in ports:
    with socket.socket() as s:
        s.settimeout(1)
        if s.connect_ex((host, port)) == 0:
            found.append(port)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.settimeout(2)
    s.sendto(bytes.fromhex("000100002112a442") + os.urandom(12), (host, 10000))
    try:
        found.append("10000/udp" if s.recv(500)[:2] == bytes.fromhex("0101") else "10000/udp answers nonsense")
    except OSError:
        pass
print(json.dumps(found))
"""


def reachable(address: str) -> list:
    """Ports of `address` that answer to a container on the servers' network that belongs to nobody."""
    stranger = ["docker", "run", "--rm", "--network", "ensemble-lab", "--ip", "10.86.250.10", "--entrypoint", "python3"]
    scan = ["ensemble-lab/debian_trixie:latest", "-c", SCAN, address, json.dumps(PORTS)]
    return json.loads(
        subprocess.run([*stranger, *scan], check=True, text=True, capture_output=True, timeout=120).stdout
    )


def test_jitsi_server_shows_only_what_the_service_needs(platform: Platform) -> None:
    assert reachable(platform.address("h-1")) == [22, 80, 443, "10000/udp"]


def test_api_server_shows_only_ssh_to_strangers(platform: Platform) -> None:
    assert reachable(platform.address("api-1")) == [22]


def test_database_server_shows_only_ssh_to_strangers(platform: Platform) -> None:
    assert reachable(platform.address("database-1")) == [22, 5432]  # the lock and the journal of admin networks


def test_exporters_answer_prometheus(platform: Platform) -> None:
    ask = f"curl -s -o /dev/null -m 3 http://{platform.address('h-1')}:$p/ && echo $p"
    script = f"for p in 9100 9113 9888; do {ask}; done; true"
    assert platform.ssh("prometheus-1", script).split() == ["9100", "9113", "9888"]

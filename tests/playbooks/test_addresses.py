# SPDX-License-Identifier: GPL-3.0-or-later
"""What names a server names it where it is: the next run of any part puts right what does not, and tells it."""

from __future__ import annotations

from typing import Any

import pytest
from playbooks_support import Operator

SERVERS = "/instance/v1/zones/fr-par-1/servers"
KINDS = ("h-1", "api-1", "prometheus-1", "database-1")


def stop_and_start(operator: Operator, name: str) -> None:
    ident = operator.servers()[name]["id"]
    for action in ("poweroff", "poweron"):
        operator.api("POST", f"{SERVERS}/{ident}/action", {"action": action})
        operator.lab.admin("POST", "idle")


def named(operator: Operator) -> dict[str, Any]:
    """What leads to servers: names, the balancer's pool, and who may ask Prometheus and the database."""
    rules = operator.lab.state()["instance_security_group_rule"]
    return {
        "names": operator.records(),
        "pool": operator.pool(),
        "let in": sorted({each["ip_range"] for each in rules if each["dest_port_from"] in (9090, 5432)}),
    }


def right(operator: Operator) -> dict[str, Any]:
    api = sorted(operator.address(name) for name in ("api-1", "api-2"))
    jitsi = {name: operator.address(name) for name in ("h-1", "h-2")}
    balancer = operator.lab.state()["lb_ip"][0]["ip_address"]
    return {
        "names": {"": balancer, **jitsi},
        "pool": api,
        "let in": sorted([*(f"{each}" for each in api), "203.0.113.0/24"]),
    }


def test_a_platform_as_built_is_named_right(operator: Operator) -> None:
    assert named(operator) == right(operator)


def test_stopped_and_started_servers_are_found_again(operator: Operator) -> None:
    """One of each kind; all but Jitsi servers keep their address."""
    before = {kind: operator.address(kind) for kind in KINDS}
    for kind in KINDS:
        stop_and_start(operator, kind)
    assert {kind for kind in KINDS if operator.address(kind) != before[kind]} == {"h-1"}
    repaired = operator.play("network.yml").ok()
    assert named(operator) == right(operator)
    assert repaired.changed == 1, repaired.output
    assert operator.play("certificate.yml").ok().changed == 0


def test_jitsi_servers_keep_reserved_addresses(operator: Operator) -> None:
    operator.play("fleet.yml", jitsi_reserved_ips=True).ok()
    before = right(operator)
    for name in ("h-1", "h-2"):
        stop_and_start(operator, name)
    assert named(operator) == right(operator) == before


@pytest.mark.parametrize("part", ["preflight.yml", "fleet.yml"])
def test_what_an_interrupted_run_left_is_put_right(operator: Operator, part: str) -> None:
    """An API server that was taken out and never put back, a security group and a name that lead elsewhere."""
    backend = operator.lab.state()["lb_backend"][0]["id"]
    one = operator.pool()[0]
    operator.api("PUT", f"/lb/v1/zones/fr-par-1/backends/{backend}/servers", {"server_ip": [one]})
    group = next(
        each
        for each in operator.lab.state()["instance_security_group"]
        if each["name"] == "ensemble-production-database"
    )
    operator.api("PUT", f"/instance/v1/zones/fr-par-1/security_groups/{group['id']}/rules", {"rules": []})
    repaired = operator.play(part).ok()
    assert named(operator) == right(operator)
    assert repaired.changed >= 2
    assert operator.play(part).ok().changed == 0

# SPDX-License-Identifier: GPL-3.0-or-later
"""As many Prometheus servers as are desired, found by portals and admitted by exporters; more and fewer."""

from __future__ import annotations

from typing import Any

from playbooks_support import Operator

EXPORTERS = (9100, 9113, 9888)
ROLE = "ensemble-role:prometheus"


def prometheus(operator: Operator) -> dict[str, dict[str, Any]]:
    return {name: each for name, each in operator.servers().items() if ROLE in each["tags"]}


def let_in(operator: Operator, *ports: int) -> set[str]:
    rules = operator.lab.state()["instance_security_group_rule"]
    return {each["ip_range"] for each in rules if each["dest_port_from"] in ports}


def addresses(operator: Operator, *names: str) -> set[str]:
    return {operator.address(name) for name in names}


def as_before(operator: Operator) -> str:
    """The platform as earlier versions left it: one server in no fleet or group, its address under another name."""
    (server,) = prometheus(operator).values()
    path = "/instance/v1/zones/fr-par-1"
    operator.api("PATCH", f"{path}/servers/{server['id']}", {"tags": [ROLE, operator.tag], "placement_group": None})
    (group,) = (each for each in operator.lab.state()["instance_placement_group"] if "prometheus" in each["name"])
    operator.api("DELETE", f"{path}/placement_groups/{group['id']}")
    (ip,) = (each for each in operator.lab.state()["instance_ip"] if "name:prometheus-1" in each["tags"])
    operator.api("PATCH", f"{path}/ips/{ip['id']}", {"tags": [operator.tag, "name:ensemble-production-prometheus"]})
    return server["id"]


def test_two_become_one_and_the_one_of_before_becomes_two(operator: Operator) -> None:
    two = prometheus(operator)
    assert set(two) == {"prometheus-1", "prometheus-2"}
    assert len({each["placement_group"] for each in two.values()}) == 1
    assert addresses(operator, *two) == let_in(operator, *EXPORTERS)

    one = {"prometheus_count": 1}
    operator.play("network.yml", "monitoring.yml", "portal.yml", **one).ok()
    assert prometheus(operator) == two, "portals may still ask it"
    assert addresses(operator, *two) == let_in(operator, *EXPORTERS)
    gone = operator.address("prometheus-2")
    operator.play("preflight.yml", "prometheus_surplus.yml", **one).ok()
    assert set(prometheus(operator)) == {"prometheus-1"}
    assert addresses(operator, "prometheus-1") == let_in(operator, *EXPORTERS)
    assert gone not in {each["address"] for each in operator.lab.state()["instance_ip"]}
    assert operator.play("network.yml", "monitoring.yml", "prometheus_surplus.yml", **one).ok().changed == 0

    before, address = as_before(operator), operator.address("prometheus-1")
    planned = operator.play("network.yml", "monitoring.yml", options=("--check",), **one).ok()
    assert "192.0.2.1" not in planned.output
    operator.play("network.yml", "monitoring.yml").ok()
    two = prometheus(operator)
    assert set(two) == {"prometheus-1", "prometheus-2"}
    assert (two["prometheus-1"]["id"], operator.address("prometheus-1")) == (before, address)
    assert addresses(operator, *two) == let_in(operator, *EXPORTERS)
    assert operator.play("network.yml", "monitoring.yml", "portal.yml").ok().changed == 0

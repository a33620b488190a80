# SPDX-License-Identifier: GPL-3.0-or-later
"""What leads from one private network to another: routes, ingress rules, ACLs and connectors."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Lab

REGION = "/vpc/v2/regions/fr-par"


@pytest.fixture
def vpc(lab: Lab) -> Any:
    return lab.post(f"{REGION}/vpcs", {"name": "one"}, 200)


@pytest.fixture
def network(lab: Lab, vpc: Any) -> Any:
    return lab.post(f"{REGION}/private-networks", {"name": "n", "vpc_id": vpc["id"], "subnets": ["10.1.0.0/24"]}, 200)


def test_routes(lab: Lab, vpc: Any, network: Any) -> None:
    body = {"vpc_id": vpc["id"], "destination": "10.9.0.0/24", "nexthop_private_network_id": network["id"]}
    route = lab.post(f"{REGION}/routes", {**body, "description": "there"}, 200)
    assert (route["type"], route["is_read_only"], route["nexthop_resource_id"]) == ("custom", False, None)
    changed = lab.patch(f"{REGION}/routes/{route['id']}", {"destination": "10.8.0.0/24", "tags": ["t"]})
    assert (changed["destination"], changed["description"], changed["tags"]) == ("10.8.0.0/24", "there", ["t"])
    lab.patch(f"{REGION}/routes/{route['id']}", {"destination": "nowhere"}, 400)
    lab.post(f"{REGION}/routes", {"vpc_id": vpc["id"], "destination": "10.9.0.0/24"}, 400)
    lab.delete(f"{REGION}/routes/{route['id']}")
    assert lab.get(f"{REGION}/routes/{route['id']}", 404)["resource"] == "route"


def test_ingress_rules(lab: Lab, vpc: Any, network: Any) -> None:
    hop = {"nexthop_resource_ip": "10.1.0.5", "nexthop_private_network_id": network["id"]}
    rule = lab.post(f"{REGION}/ingress-rules", {"vpc_id": vpc["id"], "source": "192.0.2.0/24", **hop}, 200)
    assert (rule["is_ipv6"], rule["project_id"]) == (False, network["project_id"])
    rule = lab.patch(f"{REGION}/ingress-rules/{rule['id']}", {"source": "2001:db8::/32"})
    assert rule["is_ipv6"] is True
    assert lab.get(f"{REGION}/ingress-rules?is_ipv6=true&vpc_id={vpc['id']}")["rules"] == [rule]
    assert lab.get(f"{REGION}/ingress-rules?is_ipv6=false")["rules"] == []
    lab.delete(f"{REGION}/ingress-rules/{rule['id']}")
    lab.get(f"{REGION}/ingress-rules/{rule['id']}", 404)


def test_each_family_has_an_acl(lab: Lab, vpc: Any) -> None:
    path = f"{REGION}/vpcs/{vpc['id']}/acl-rules"
    assert lab.get(f"{path}?is_ipv6=false") == {"rules": [], "default_policy": "accept"}
    ssh = {"protocol": "tcp", "source": "10.0.0.0/8", "dst_port_low": 22, "dst_port_high": 22, "action": "accept"}
    kept = lab.put(path, {"rules": [ssh], "is_ipv6": False, "default_policy": "drop"})
    assert kept["rules"][0] == {
        **ssh,
        "protocol": "TCP",
        "destination": "0.0.0.0/0",
        "src_port_low": 0,
        "src_port_high": 0,
        "description": None,
    }
    assert lab.get(f"{path}?is_ipv6=false") == kept
    assert lab.get(f"{path}?is_ipv6=true")["default_policy"] == "accept"
    lab.put(path, {"rules": [], "default_policy": "maybe"}, 400)


def test_two_connectors_make_peers(lab: Lab, vpc: Any, network: Any) -> None:
    other = lab.post(f"{REGION}/vpcs", {"name": "two"}, 200)
    same = {"name": "m", "vpc_id": other["id"], "subnets": [network["subnets"][0]["subnet"]]}
    lab.post(f"{REGION}/private-networks", same, 200)
    there = lab.post(f"{REGION}/vpc-connectors", {"vpc_id": vpc["id"], "target_vpc_id": other["id"]}, 200)
    assert (there["status"], there["peer_info"]) == ("orphan", None)
    back = lab.post(f"{REGION}/vpc-connectors", {"vpc_id": other["id"], "target_vpc_id": vpc["id"]}, 200)
    there = lab.get(f"{REGION}/vpc-connectors/{there['id']}")
    assert (there["status"], there["peer_info"]["vpc_name"]) == ("peered", "two")
    overlaps = lab.get(f"{REGION}/vpc-connectors/{there['id']}/subnet-overlaps")["subnet_overlaps"]
    assert [overlap["subnet"] for overlap in overlaps] == ["10.1.0.0/24"]
    lab.delete(f"{REGION}/vpc-connectors/{back['id']}")
    assert lab.get(f"{REGION}/vpc-connectors?status=orphan")["vpc_connectors"][0]["id"] == there["id"]


def test_subnets_of_a_vpc_do_not_overlap(lab: Lab, vpc: Any, network: Any) -> None:
    body = {"name": "again", "vpc_id": vpc["id"], "subnets": ["10.1.0.128/25"]}
    assert lab.post(f"{REGION}/private-networks", body, 400)["details"][0]["argument_name"] == "subnets"


def test_a_vpc_takes_along_what_leads_from_it(lab: Lab, vpc: Any, network: Any) -> None:
    body = {"vpc_id": vpc["id"], "destination": "10.9.0.0/24", "nexthop_private_network_id": network["id"]}
    route = lab.post(f"{REGION}/routes", body, 200)
    lab.delete(f"{REGION}/private-networks/{network['id']}")
    lab.delete(f"{REGION}/vpcs/{vpc['id']}")
    lab.get(f"{REGION}/routes/{route['id']}", 404)


def test_only_the_default_project_has_a_default_vpc_from_the_start(lab: Lab) -> None:
    found = lab.get(f"{REGION}/vpcs?is_default=true")["vpcs"]
    assert [(vpc["name"], vpc["is_default"]) for vpc in found] == [("default", True)]
    network = lab.post(f"{REGION}/private-networks", {"name": "n"}, 200)
    assert network["vpc_id"] == found[0]["id"]
    other = lab.post("/account/v3/projects", {"name": "other"}, 200)["id"]
    assert lab.get(f"{REGION}/vpcs?is_default=true&project_id={other}")["vpcs"] == []

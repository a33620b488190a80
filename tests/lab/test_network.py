# SPDX-License-Identifier: GPL-3.0-or-later
"""Security groups, public addresses, private networks."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from .conftest import Lab

VPC = "/vpc/v2/regions/fr-par"
IPAM = "/ipam/v1/regions/fr-par/ips"
NICS = "/instance/v2alpha1/zones/fr-par-1/private-network-interfaces"


def rule(**fields: Any) -> dict[str, Any]:
    plain = {
        "action": "accept",
        "protocol": "TCP",
        "direction": "inbound",
        "ip_range": "0.0.0.0/0",
        "dest_port_from": 22,
    }
    return {**plain, "dest_port_to": None, "position": 0, "editable": None, "id": None, "zone": "fr-par-1", **fields}


def group(lab: Lab, **fields: Any) -> Any:
    return lab.post("security_groups", {"name": "g", **fields}, 201)["security_group"]


def test_a_new_group(lab: Lab) -> None:
    made = group(lab)
    shown = {
        key: made[key]
        for key in ("stateful", "inbound_default_policy", "enable_default_security", "state", "description", "servers")
    }
    assert shown == {
        "stateful": False,
        "inbound_default_policy": "accept",
        "enable_default_security": True,
        "state": "available",
        "description": None,
        "servers": [],
    }


def test_rules_in_their_normal_form(lab: Lab) -> None:
    path = f"security_groups/{group(lab, enable_default_security=False)['id']}/rules"
    asked = [
        rule(ip_range="1.1.1.1/32", dest_port_from=80, dest_port_to=80),
        rule(direction="outbound", ip_range="2001:db8::1/128", dest_port_from=1, dest_port_to=5),
        rule(protocol="ICMP", ip_range="10.0.0.0/8", dest_port_from=7),
    ]
    rules = lab.put(path, {"rules": asked})["rules"]
    ranges = [(r["ip_range"], r["dest_port_from"], r["dest_port_to"], r["position"]) for r in rules]
    assert ranges == [("1.1.1.1", 80, None, 1), ("2001:db8::1", 1, 5, 2), ("10.0.0.0/8", None, None, 3)]
    assert all(r["editable"] and r["dest_ip_range"] is None for r in rules)
    again = lab.put(path, {"rules": asked})["rules"]
    assert not {r["id"] for r in rules} & {r["id"] for r in again}
    assert lab.get(path)["rules"] == again


def test_default_security_comes_first_and_cannot_be_edited(lab: Lab) -> None:
    made = group(lab)
    path = f"security_groups/{made['id']}"
    lab.put(f"{path}/rules", {"rules": [rule()]})
    rules = lab.get(f"{path}/rules")["rules"]
    assert [(r["dest_port_from"], r["action"], r["editable"], r["position"]) for r in rules] == [
        *((port, "drop", False, position) for position, port in enumerate((25, 465, 587, 25, 465, 587), 1)),
        (22, "accept", True, 1),
    ]
    changed = lab.patch(path, {"enable_default_security": False})["security_group"]
    assert changed["state"] == "syncing"
    lab.wait(path, lambda body: body["security_group"]["state"] == "available")
    assert len(lab.get(f"{path}/rules")["rules"]) == 1
    assert lab.patch(path, {"enable_default_security": False})["security_group"]["state"] == "available"


def test_single_rules(lab: Lab) -> None:
    path = f"security_groups/{group(lab, enable_default_security=False)['id']}/rules"
    made = lab.post(path, rule(), 201)["rule"]
    assert lab.patch(f"{path}/{made['id']}", {"dest_port_from": 443})["rule"]["dest_port_from"] == 443
    lab.delete(f"{path}/{made['id']}")
    assert lab.get(path)["rules"] == []


@pytest.mark.parametrize(
    ("wrong", "argument"),
    [
        ({"ip_range": "300.0.0.0/8"}, "ip_range"),
        ({"protocol": "SCTP"}, "protocol"),
        ({"action": "reject"}, "action"),
        ({"dest_port_from": 70000}, "dest_port_from"),
        ({"dest_port_from": 80, "dest_port_to": 22}, "dest_port_to"),
    ],
)
def test_rules_that_cannot_be(lab: Lab, wrong: dict[str, Any], argument: str) -> None:
    path = f"security_groups/{group(lab, enable_default_security=False)['id']}/rules"
    lab.put(path, {"rules": [rule()]})
    problem = lab.put(path, {"rules": [rule(), rule(**wrong)]}, 400)
    assert problem["details"][0]["argument_name"] == argument
    assert len(lab.get(path)["rules"]) == 1


def test_a_group_in_use_stays(lab: Lab) -> None:
    made = group(lab)
    server = lab.server(security_group=made["id"])
    lab.delete(f"security_groups/{made['id']}", 412)
    lab.delete(f"servers/{server['id']}")
    lab.delete(f"security_groups/{made['id']}")


def test_every_project_and_zone_has_a_default_group_of_its_own(lab: Lab) -> None:
    assert lab.get("security_groups")["security_groups"] == []
    first, second = lab.server("a"), lab.server("b")
    assert first["security_group"] == second["security_group"]
    default = lab.get("security_groups")["security_groups"]
    assert [(g["name"], g["project_default"], g["description"]) for g in default] == [
        ("Default security group", True, "Auto generated security group.")
    ]


def test_public_addresses(lab: Lab) -> None:
    ip = lab.post("ips", {"tags": ["name:x"]}, 201)["ip"]
    assert (ip["type"], ip["state"], ip["server"], ip["prefix"]) == ("routed_ipv4", "detached", None, None)
    assert ip["ipam_id"] == ip["id"]
    assert lab.get(f"ips/{ip['address']}")["ip"] == ip
    assert lab.get("ips/10.9.9.9", 404)["resource_id"] == "10.9.9.9/32"
    server = lab.server()
    held = lab.patch(f"ips/{ip['id']}", {"server": server["id"]})["ip"]
    assert (held["state"], held["server"]["name"]) == ("attached", server["name"])
    inside = lab.get(f"servers/{server['id']}")["server"]["public_ips"][0]
    assert inside["netmask"] == "32"
    assert (inside["gateway"], inside["family"], inside["provisioning_mode"]) == ("62.210.0.1", "inet", "dhcp")
    assert lab.patch(f"ips/{ip['id']}", {"server": None})["ip"]["state"] == "detached"
    lab.delete(f"ips/{ip['address']}")
    lab.get(f"ips/{ip['id']}", 404)


def test_a_second_address_is_configured_by_hand_and_takes_the_place_of_the_first(lab: Lab) -> None:
    first, second = (lab.post("ips", {}, 201)["ip"] for _ in range(2))
    server = lab.server(public_ips=[first["id"], second["id"]])
    assert [ip["provisioning_mode"] for ip in server["public_ips"]] == ["dhcp", "manual"]
    lab.delete(f"ips/{first['id']}")
    assert lab.get(f"servers/{server['id']}")["server"]["public_ip"]["id"] == second["id"]
    assert lab.patch(f"servers/{server['id']}", {"public_ips": []})["server"]["public_ip"] is None


def test_ipv6_is_a_prefix_until_a_server_has_it(lab: Lab) -> None:
    ip = lab.post("ips", {"type": "routed_ipv6"}, 201)["ip"]
    assert ip["address"] is None
    server = lab.server(public_ips=[ip["id"]])
    inside = server["public_ips"][0]
    assert ipaddress.ip_address(inside["address"]) in ipaddress.ip_network(ip["prefix"])
    assert (inside["family"], inside["netmask"], inside["provisioning_mode"]) == ("inet6", "64", "slaac")
    assert inside["gateway"].startswith("fe80::")
    lab.post("ips", {"type": "nat"}, 400)


def test_addresses_are_never_given_twice(lab: Lab) -> None:
    seen = {lab.post("ips", {}, 201)["ip"]["address"] for _ in range(20)}
    seen |= {lab.post("/lb/v1/zones/fr-par-1/ips", {})["ip_address"] for _ in range(20)}
    assert len(seen) == 40
    assert all(ipaddress.ip_address(address) in ipaddress.ip_network("198.18.0.0/15") for address in seen)


def test_a_reverse_must_resolve(lab: Lab) -> None:
    ip = lab.post("ips", {}, 201)["ip"]
    problem = lab.patch(f"ips/{ip['id']}", {"reverse": "h-1.example.test"}, 400)
    assert problem["details"][0] | {"help_message": ""} == {
        "argument_name": "reverse",
        "reason": "constraint",
        "help_message": "",
    }
    change = {"add": {"records": [{"name": "h-1", "type": "A", "data": ip["address"], "ttl": 60}]}}
    lab.patch("/domain/v2beta1/dns-zones/example.test/records", {"changes": [change]})
    assert lab.patch(f"ips/{ip['id']}", {"reverse": "h-1.example.test"})["ip"]["reverse"] == "h-1.example.test"
    assert lab.patch(f"ips/{ip['id']}", {"reverse": None})["ip"]["reverse"] is None


def network(lab: Lab, **fields: Any) -> Any:
    return lab.post(f"{VPC}/private-networks", {"name": "pn", **fields}, 200)


def test_private_networks_and_their_vpc(lab: Lab) -> None:
    made = network(lab)
    subnets = [ipaddress.ip_network(subnet["subnet"]) for subnet in made["subnets"]]
    assert [(subnet.version, subnet.prefixlen) for subnet in subnets] == [(4, 22), (6, 64)]
    default = lab.get(f"{VPC}/vpcs/{made['vpc_id']}")
    assert (default["is_default"], default["private_network_count"], default["routing_enabled"]) == (True, 1, True)
    other = network(lab)
    assert other["vpc_id"] == made["vpc_id"]
    assert other["subnets"][0]["subnet"] != made["subnets"][0]["subnet"]
    lab.delete(f"{VPC}/vpcs/{made['vpc_id']}", 412)
    asked = network(lab, subnets=["172.20.0.0/24"])
    assert asked["subnets"][0]["subnet"] == "172.20.0.0/24"
    lab.delete(f"{VPC}/private-networks/{made['id']}")


def test_a_nic_and_its_addresses(lab: Lab) -> None:
    made, server = network(lab, subnets=["172.16.32.0/22"]), lab.server()
    nic = lab.post(f"servers/{server['id']}/private_nics", {"private_network_id": made["id"]}, 201)["private_nic"]
    assert nic["state"] == "available"
    assert nic["mac_address"].startswith("02:00:00:")
    assert lab.get(f"servers/{server['id']}")["server"]["private_nics"] == [nic]
    found = lab.get(f"{IPAM}?resource_id={nic['id']}&resource_type=instance_private_nic")["ips"]
    assert sorted(ip["is_ipv6"] for ip in found) == [False, True]
    four = next(ip for ip in found if not ip["is_ipv6"])
    assert four["address"] == "172.16.32.2/22"
    assert four["resource"]["name"] == server["name"]
    assert four["resource"]["mac_address"] == nic["mac_address"].upper()
    assert {ip["id"] for ip in found} == set(nic["ipam_ip_ids"])
    lab.post(f"servers/{server['id']}/private_nics", {"private_network_id": made["id"]}, 400)
    lab.delete(f"{VPC}/private-networks/{made['id']}", 412)
    lab.delete(f"servers/{server['id']}/private_nics/{nic['id']}")
    assert lab.get(f"{IPAM}?resource_type=unknown_type")["ips"] == []
    lab.delete(f"{VPC}/private-networks/{made['id']}")


def test_the_same_nic_in_v2alpha1(lab: Lab) -> None:
    made, server = network(lab), lab.running()
    nic = lab.post(
        NICS, {"private_network_id": made["id"], "server_id": server["id"], "ip_ids": None, "tags": ["t"]}, 200
    )
    assert (nic["status"], nic["security_group_id"]) == ("attaching", "")
    lab.wait(f"{NICS}/{nic['id']}", lambda body: body["status"] == "available")
    assert lab.get(f"servers/{server['id']}/private_nics")["private_nics"][0]["id"] == nic["id"]
    assert lab.get(f"{NICS}?server_ids={server['id']}&tags=t")["total_count"] == 1
    lab.delete(f"{NICS}/{nic['id']}")
    lab.get(f"{NICS}/{nic['id']}", 404)


def test_booked_addresses(lab: Lab) -> None:
    made, server = network(lab, subnets=["172.16.64.0/22"]), lab.server()
    body = {"source": {"private_network_id": made["id"]}, "is_ipv6": False, "address": "172.16.64.7", "tags": ["t"]}
    ip = lab.post(IPAM, body, 200)
    assert (ip["address"], ip["resource"]) == ("172.16.64.7/22", None)
    lab.post(IPAM, body, 400)
    nic = lab.post(
        f"servers/{server['id']}/private_nics", {"private_network_id": made["id"], "ipam_ip_ids": [ip["id"]]}, 201
    )
    assert nic["private_nic"]["ipam_ip_ids"] == [ip["id"]]
    lab.delete(f"{IPAM}/{ip['id']}", 412)
    lab.delete(f"servers/{server['id']}")
    assert lab.get(f"{IPAM}/{ip['id']}")["resource"] is None
    lab.delete(f"{IPAM}/{ip['id']}")


def test_placement_groups_in_both_versions(lab: Lab) -> None:
    v2 = "/instance/v2alpha1/zones/fr-par-1/placement-groups"
    made = lab.post(v2, {"name": "pg", "policy_type": "low_latency"}, 200)
    assert "policy_mode" not in made
    path = f"placement_groups/{made['id']}"
    assert lab.patch(path, {"policy_mode": "enforced"})["placement_group"]["policy_mode"] == "enforced"
    assert lab.patch(f"{v2}/{made['id']}", {"policy_type": "unknown_policy_type"})["policy_type"] == "low_latency"
    assert lab.patch(f"{v2}/{made['id']}", {"policy_type": "max_availability"})["policy_type"] == "max_availability"
    assert lab.get(path)["placement_group"]["policy_respected"] is True
    lab.delete(f"{v2}/{made['id']}")
    lab.get(path, 404)


def test_addresses_of_things_of_ones_own(lab: Lab) -> None:
    made = network(lab, subnets=["172.16.64.0/22"])
    mine = {"mac_address": "bc:24:11:00:00:01", "name": "nas"}
    body = {"source": {"private_network_id": made["id"]}, "is_ipv6": False, "resource": mine}
    ip = lab.post(IPAM, body, 200)
    assert (ip["resource"]["type"], ip["resource"]["mac_address"]) == ("custom", mine["mac_address"].upper())
    other = {"mac_address": "bc:24:11:00:00:02", "name": "nas-2"}
    lab.post(f"{IPAM}/{ip['id']}/move", {"from_resource": other, "to_resource": mine}, 400)
    moved = lab.post(f"{IPAM}/{ip['id']}/move", {"from_resource": mine, "to_resource": other}, 200)
    assert moved["resource"]["name"] == "nas-2"
    for asked in ("resource_name=nas", "resource_types=custom", f"mac_address={other['mac_address']}", "attached=true"):
        assert [found["id"] for found in lab.get(f"{IPAM}?{asked}")["ips"]] == [ip["id"]], asked
    assert lab.post(f"{IPAM}/{ip['id']}/detach", {"resource": other}, 200)["resource"] is None
    lab.post(f"{IPAM.removesuffix('/ips')}/ip-sets/release", {"ip_ids": [ip["id"], made["id"]]}, 404)
    lab.post(f"{IPAM.removesuffix('/ips')}/ip-sets/release", {"ip_ids": [ip["id"]]}, 204)
    lab.get(f"{IPAM}/{ip['id']}", 404)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Load balancers and their parts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .conftest import Lab

Z = "/lb/v1/zones/fr-par-1"


def balancer(lab: Lab, **fields: Any) -> Any:
    made = lab.post(f"{Z}/lbs", {"name": "portal", "description": "", "type": "LB-S", **fields}, 200)
    return lab.wait(f"{Z}/lbs/{made['id']}", lambda body: body["status"] == "ready")


def backend(lab: Lab, lb: Any, **fields: Any) -> Any:
    body = {"name": "api", "forward_protocol": "http", "forward_port": 8080, "server_ip": [], **fields}
    return lab.post(f"{Z}/lbs/{lb['id']}/backends", body)


def frontend(lab: Lab, lb: Any, part: Any, **fields: Any) -> Any:
    body = {"name": "http", "inbound_port": 80, "backend_id": part["id"], **fields}
    return lab.post(f"{Z}/lbs/{lb['id']}/frontends", body)


def test_a_balancer_and_its_address(lab: Lab) -> None:
    ip = lab.post(f"{Z}/ips", {"tags": ["t"]}, 200)
    assert ip["reverse"] == f"{ip['ip_address'].replace('.', '-')}.lb.fr-par.scw.cloud"
    made = lab.post(
        f"{Z}/lbs", {"name": "portal", "description": "", "type": "LB-S", "ip_id": ip["id"], "tags": None}, 200
    )
    assert (made["status"], made["type"], made["tags"], made["instances"]) == ("to_create", "lb-s", [], [])
    assert len(made["created_at"]) == len("2026-07-21T10:16:28.822354842Z")
    path = f"{Z}/lbs/{made['id']}"
    ready = lab.wait(path, lambda body: body["status"] == "ready")
    assert ready["ip"][0]["lb_id"] == made["id"]
    assert ready["instances"][0]["status"] == "ready"
    lab.delete(f"{Z}/ips/{ip['id']}", 412)
    lab.delete(f"{path}?release_ip=false")
    assert lab.get(path)["status"] == "to_delete"
    lab.gone(path)
    assert lab.get(f"{Z}/ips/{ip['id']}")["lb_id"] is None
    lab.delete(f"{Z}/ips/{ip['id']}")


def test_an_address_of_its_own_goes_with_the_balancer(lab: Lab) -> None:
    lb = balancer(lab)
    lab.delete(f"{Z}/lbs/{lb['id']}?release_ip=true")
    lab.gone(f"{Z}/lbs/{lb['id']}")
    assert lab.get(f"{Z}/ips")["ips"] == []


def test_put_forgets_what_is_left_out(lab: Lab) -> None:
    lb = balancer(lab, tags=["a"], description="d")
    changed = lab.put(f"{Z}/lbs/{lb['id']}", {"name": "new"})
    assert (changed["name"], changed["tags"], changed["description"]) == ("new", [], "")
    assert changed["ssl_compatibility_level"] == "ssl_compatibility_level_intermediate"


def test_a_backend_in_its_normal_form(lab: Lab) -> None:
    lb = balancer(lab)
    made = backend(lab, lb, timeout_queue="4.000000000s", server_ip=["10.0.0.1", "10.0.0.1", "10.0.0.2"])
    assert made["pool"] == ["10.0.0.1", "10.0.0.2"]
    assert "server_ip" not in made
    assert made["health_check"] == {
        "port": 8080,
        "check_delay": 60000,
        "check_timeout": 30000,
        "check_max_retries": 2,
        "check_send_proxy": False,
        "transient_check_delay": "0.500s",
        "tcp_config": {},
    }
    shown = {
        key: made[key]
        for key in ("timeout_queue", "timeout_server", "timeout_tunnel", "forward_port_algorithm", "max_connections")
    }
    assert shown == {
        "timeout_queue": "4s",
        "timeout_server": 300000,
        "timeout_tunnel": 900000,
        "forward_port_algorithm": "roundrobin",
        "max_connections": None,
    }
    assert made["lb"]["backend_count"] == 1
    assert lab.get(f"{Z}/lbs/{lb['id']}/backends?name=ap")["total_count"] == 1


def test_servers_of_a_backend(lab: Lab) -> None:
    path = f"{Z}/backends/{backend(lab, balancer(lab), server_ip=['10.0.0.1'])['id']}/servers"
    assert lab.post(path, {"server_ip": ["10.0.0.2", "10.0.0.1"]})["pool"] == ["10.0.0.1", "10.0.0.2"]
    assert lab.request("DELETE", path, {"server_ip": ["10.0.0.1"]}, 200).json()["pool"] == ["10.0.0.2"]
    assert lab.put(path, {"server_ip": ["10.0.0.9"]})["pool"] == ["10.0.0.9"]
    lab.put(path, {"server_ip": ["nobody"]}, 400)


def test_the_health_check_has_a_call_of_its_own(lab: Lab) -> None:
    made = backend(lab, balancer(lab))
    http = {"uri": "/readyz", "method": "GET", "code": 200, "host_header": ""}
    asked = {
        "port": 81,
        "check_delay": 3000,
        "check_timeout": 1000,
        "http_config": http,
        "transient_check_delay": "0.200000000s",
    }
    answer = lab.put(f"{Z}/backends/{made['id']}/healthcheck", asked)
    assert answer["http_config"] == http
    assert "tcp_config" not in answer
    kept = lab.put(f"{Z}/backends/{made['id']}", {"name": "n", "forward_protocol": "tcp", "forward_port": 90})
    assert kept["health_check"] == answer
    assert (kept["health_check"]["transient_check_delay"], kept["forward_port"]) == ("0.200s", 90)
    both = {**asked, "tcp_config": {}}
    lab.put(f"{Z}/backends/{made['id']}/healthcheck", both, 400)


def test_frontends_hold_on_to_their_backend(lab: Lab) -> None:
    lb = balancer(lab)
    part = backend(lab, lb)
    made = frontend(lab, lb, part, connection_rate_limit=0)
    assert made["connection_rate_limit"] is None
    assert (made["backend"]["id"], made["lb"]["frontend_count"], made["certificate"]) == (part["id"], 1, None)
    body = {"name": "again", "inbound_port": 80, "backend_id": part["id"]}
    lab.post(f"{Z}/lbs/{lb['id']}/frontends", body, 400)
    lab.delete(f"{Z}/backends/{part['id']}", 412)
    changed = lab.put(f"{Z}/frontends/{made['id']}", {"name": "f", "inbound_port": 8080, "backend_id": part["id"]})
    assert (changed["inbound_port"], changed["timeout_client"]) == (8080, None)
    lab.delete(f"{Z}/frontends/{made['id']}")
    lab.delete(f"{Z}/backends/{part['id']}")
    assert lab.get(f"{Z}/lbs/{lb['id']}")["backend_count"] == 0


def test_acls_and_routes(lab: Lab) -> None:
    lb = balancer(lab)
    part = backend(lab, lb)
    front = frontend(lab, lb, part)
    match = {
        "ip_subnet": ["192.168.0.1"],
        "http_filter": "acl_http_filter_none",
        "http_filter_value": None,
        "invert": True,
    }
    body = {"name": "a", "action": {"type": "allow", "redirect": None}, "match": match, "index": 4}
    acl = lab.post(f"{Z}/frontends/{front['id']}/acls", body)
    assert (acl["match"]["http_filter_value"], acl["description"], acl["frontend"]["id"]) == ([], "", front["id"])
    changed = lab.put(f"{Z}/acls/{acl['id']}", {**body, "match": {"ip_subnet": None}, "action": {"type": "deny"}})
    assert (changed["match"]["ip_subnet"], changed["match"]["invert"]) == (["0.0.0.0/0"], False)
    lab.post(f"{Z}/frontends/{front['id']}/acls", {**body, "action": {"type": "explode"}}, 400)
    route = lab.post(
        f"{Z}/routes", {"frontend_id": front["id"], "backend_id": part["id"], "match": {"sni": "a.example"}}
    )
    assert route["match"] == {"sni": "a.example", "match_subdomains": False}
    assert lab.get(f"{Z}/lbs/{lb['id']}")["route_count"] == 1
    assert lab.get(f"{Z}/routes?frontend_id={front['id']}")["total_count"] == 1
    lab.delete(f"{Z}/frontends/{front['id']}")
    lab.get(f"{Z}/acls/{acl['id']}", 404)
    lab.get(f"{Z}/routes/{route['id']}", 404)


def bundle(name: str, *others: str) -> str:
    """PEM of an authority's certificate, a key, and the key's certificate, in an order that is not the usual one."""

    def certificate(common_name: str, key: Any, names: list[str]) -> str:
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
        start = datetime(2026, 1, 1, tzinfo=UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        builder = builder.serial_number(1).not_valid_before(start).not_valid_after(start + timedelta(days=90))
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), False)
        return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    own, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain = certificate("authority.example", other, ["authority.example"])
    return own.private_bytes(*form).decode() + chain + certificate(name, own, [name, *others])


def test_a_certificate_brought_along(lab: Lab) -> None:
    lb = balancer(lab)
    body = {"name": "c", "custom_certificate": {"certificate_chain": bundle("a.example", "b.example")}}
    made = lab.post(f"{Z}/lbs/{lb['id']}/certificates", body)
    assert (made["type"], made["status"], made["common_name"]) == ("custom", "ready", "a.example")
    assert made["subject_alternative_name"] == ["b.example"]
    assert made["not_valid_after"] == "2026-04-01T00:00:00Z"
    assert "pem" not in made
    path = f"{Z}/certificates/{made['id']}"
    assert len(lab.wait(path, lambda shown: shown["fingerprint"])["fingerprint"]) == 40
    front = frontend(lab, lb, backend(lab, lb), inbound_port=443, certificate_ids=[made["id"]])
    assert front["certificate"]["id"] == made["id"]
    lab.delete(path, 412)
    assert lab.put(path, {"name": "renamed"})["name"] == "renamed"
    lab.delete(f"{Z}/frontends/{front['id']}")
    lab.delete(path)
    lab.get(path, 404)
    lab.post(f"{Z}/lbs/{lb['id']}/certificates", {"name": "c", "custom_certificate": {"certificate_chain": "no"}}, 400)


@pytest.mark.parametrize(
    ("name", "status"), [("own reverse", "ready"), ("www.example.test", "ready"), ("elsewhere.example", "error")]
)
def test_certificates_are_issued_for_names_that_lead_here(lab: Lab, name: str, status: str) -> None:
    lb = balancer(lab)
    address = lb["ip"][0]
    change = {"add": {"records": [{"name": "www", "type": "A", "data": address["ip_address"]}]}}
    lab.patch("/domain/v2beta1/dns-zones/example.test/records", {"changes": [change]})
    asked = address["reverse"] if name == "own reverse" else name
    made = lab.post(f"{Z}/lbs/{lb['id']}/certificates", {"name": "le", "letsencrypt": {"common_name": asked}})
    assert (made["status"], made["fingerprint"], made["not_valid_before"]) == ("pending", "", "0001-01-01T00:00:00Z")
    done = lab.wait(f"{Z}/certificates/{made['id']}", lambda shown: shown["status"] != "pending")
    assert done["status"] == status
    assert bool(done["status_details"]) == (status == "error")


def test_private_networks_of_a_balancer(lab: Lab) -> None:
    lb = balancer(lab)
    network = lab.post("/vpc/v2/regions/fr-par/private-networks", {"name": "pn"})
    held = lab.post(f"{Z}/lbs/{lb['id']}/attach-private-network", {"private_network_id": network["id"]})
    assert held["status"] == "pending"
    path = f"{Z}/lbs/{lb['id']}/private-networks"
    lab.wait(path, lambda body: body["private_network"][0]["status"] == "ready")
    found = lab.get(f"/ipam/v1/regions/fr-par/ips?resource_type=lb_server&resource_id={lb['id']}")
    assert {ip["resource"]["name"] for ip in found["ips"]} == {"portal"}
    lab.delete(f"/vpc/v2/regions/fr-par/private-networks/{network['id']}", 412)
    lab.post(f"{Z}/lbs/{lb['id']}/detach-private-network", {"private_network_id": network["id"]}, 204)
    lab.wait(path, lambda body: body["total_count"] == 0)
    lab.delete(f"/vpc/v2/regions/fr-par/private-networks/{network['id']}")


def test_health_of_backend_servers(lab: Lab) -> None:
    lb = balancer(lab)
    part = backend(lab, lb, server_ip=["10.0.0.1", "10.0.0.2"])
    stats = lab.get(f"{Z}/lbs/{lb['id']}/backend-stats")["backend_servers_stats"]
    assert [(entry["ip"], entry["backend_id"]) for entry in stats] == [
        ("10.0.0.1", part["id"]),
        ("10.0.0.2", part["id"]),
    ]


@pytest.mark.parametrize(
    "wrong", [{"forward_port": 0}, {"forward_protocol": "udp"}, {"server_ip": ["x"]}, {"name": None}]
)
def test_backends_that_cannot_be(lab: Lab, wrong: dict[str, Any]) -> None:
    body = {"name": "b", "forward_protocol": "tcp", "forward_port": 80, "server_ip": [], **wrong}
    lab.post(f"{Z}/lbs/{balancer(lab)['id']}/backends", body, 400)


def test_another_type_takes_a_moment(lab: Lab) -> None:
    lb = balancer(lab)
    moved = lab.post(f"{Z}/lbs/{lb['id']}/migrate", {"type": "LB-GP-M"}, 200)
    assert (moved["type"], moved["status"]) == ("lb-gp-m", "migrating")
    lab.wait(f"{Z}/lbs/{lb['id']}", lambda body: body["status"] == "ready")
    lab.post(f"{Z}/lbs/{lb['id']}/migrate", {"type": "LB-XXL"}, 400)
    sold = {kind["name"]: kind["bandwidth"] for kind in lab.get(f"{Z}/lb-types")["lb_types"]}
    assert sold["lb-s"] < sold[moved["type"]]


def test_an_address_moves_from_one_balancer_to_another(lab: Lab) -> None:
    first, second = balancer(lab), balancer(lab, assign_flexible_ipv6=True)
    assert [":" in ip["ip_address"] for ip in second["ip"]] == [False, True]
    assert second["ip"][1]["ip_address"].endswith("::")
    lab.patch(f"{Z}/ips/{second['ip'][1]['id']}", {"lb_id": first["id"]})
    held = [[ip["id"] for ip in lab.get(f"{Z}/lbs/{lb['id']}")["ip"]] for lb in (first, second)]
    assert held == [[first["ip"][0]["id"], second["ip"][1]["id"]], [second["ip"][0]["id"]]]


def test_the_old_form_by_region_is_the_same_cloud(lab: Lab) -> None:
    made = lab.post("/lb/v1/regions/fr-par/lbs", {"name": "old", "description": ""}, 200)
    assert (made["region"], made["zone"]) == ("fr-par", "fr-par-1")
    assert lab.get(f"{Z}/lbs/{made['id']}")["name"] == "old"


def test_subscribers(lab: Lab) -> None:
    lb = balancer(lab)
    who = lab.post(f"{Z}/subscribers", {"name": "ops", "email_config": {"email": "ops@example.test"}}, 200)
    lab.post(f"{Z}/subscribers", {"name": "nobody"}, 400)
    who = lab.put(f"{Z}/subscribers/{who['id']}", {"name": "night", "webhook_config": {"uri": "https://example.test"}})
    assert (who["name"], who["email_config"]) == ("night", None)
    assert lab.get(f"{Z}/subscribers?name=nig")["subscribers"] == [who]
    assert lab.post(f"{Z}/lb/{lb['id']}/subscribe", {"subscriber_id": who["id"]})["subscriber"] == who
    assert lab.delete(f"{Z}/lb/{lb['id']}/unsubscribe", 200)["subscriber"] is None
    lab.post(f"{Z}/lb/{lb['id']}/subscribe", {"subscriber_id": who["id"]})
    lab.delete(f"{Z}/lb/subscription/{who['id']}")
    assert lab.get(f"{Z}/lbs/{lb['id']}")["subscriber"] is None
    lab.get(f"{Z}/subscribers/{who['id']}", 404)


def test_only_the_moment_of_a_write_is_told_to_the_nanosecond(lab: Lab) -> None:
    made = backend(lab, balancer(lab))
    fields = {name: made[name] for name in ("name", "forward_protocol", "forward_port")}
    changed = lab.put(f"{Z}/backends/{made['id']}", fields)
    kept = lab.get(f"{Z}/backends/{made['id']}")
    long, short = len("2026-07-21T10:16:28.822354842Z"), len("2026-07-21T10:16:28.822354Z")
    moments = [len(answer[name]) for answer in (made, changed, kept) for name in ("created_at", "updated_at")]
    assert moments == [long, long, short, long, short, short]

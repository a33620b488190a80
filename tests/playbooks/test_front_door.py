# SPDX-License-Identifier: GPL-3.0-or-later
"""The balancer before the portal: encrypted by whichever certificate, plain HTTP only as a redirect."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from acme_support import NAME_SERVERS, RESOLVER, NameServers
from playbooks_support import DOMAIN, Operator

OWN_AUTHORITY = {
    "portal_name": "meet",
    "certificate_provider": "scaleway",
    "certificate_wildcard_provider": "own_ca",
    "ensemble_name_servers": NAME_SERVERS,
    "acme_dns_timeout": 20,
}


@pytest.fixture
def world(operator: Operator, tmp_path: Path) -> Iterator[NameServers]:
    """The DNS of the world, which knows the domain's name servers."""
    operator.resolver = tmp_path / "resolv.conf"
    operator.resolver.write_text(f"nameserver {RESOLVER}\n")
    servers = NameServers(operator.lab.dns_port)
    servers.start()
    yield servers
    servers.stop()


def door(operator: Operator) -> dict[str, Any]:
    state = operator.lab.state()
    (lb,) = state["lb"]
    (certificate,) = state["lb_certificate"]
    frontends = {each["inbound_port"]: each for each in state["lb_frontend"]}
    (acl,) = state["lb_acl"]
    assert acl["frontend_id"] == frontends[80]["id"]
    return {
        "level": lb["ssl_compatibility_level"].rpartition("_")[2],
        "certificate": certificate["type"],
        "names": {certificate["common_name"], *certificate["subject_alternative_name"]},
        "served": [certificate["id"]] == frontends[443]["certificate_ids"] and not frontends[80]["certificate_ids"],
        "plain": acl["action"]["redirect"],
    }


def test_the_front_door(operator: Operator, world: NameServers) -> None:
    """As it is built; after another certificate, name and level; with the balancer's own authority, and back."""
    redirect = {"type": "scheme", "target": "https", "code": 301}
    built = {"level": "intermediate", "certificate": "custom", "names": {f"*.{DOMAIN}", DOMAIN}, "served": True}
    built["plain"] = redirect
    assert door(operator) == built
    address = operator.records()[""]
    old = operator.lab.state()["lb_certificate"][0]["id"]

    operator.play(
        "certificate.yml", "balancer.yml", certificate_renew_days=400, lb_ssl_compatibility_level="modern"
    ).ok()
    assert door(operator) == built | {"level": "modern"}
    assert operator.lab.state()["lb_certificate"][0]["id"] != old

    operator.play("balancer.yml", **OWN_AUTHORITY).ok()
    assert operator.records()["meet"] == address
    assert door(operator) == built | {"certificate": "letsencrypt", "names": {f"meet.{DOMAIN}"}}
    assert operator.play("balancer.yml", **OWN_AUTHORITY).ok().changed == 0
    operator.play("balancer.yml").ok()
    assert door(operator) == built

    operator.play("remove.yml", remove="production").ok()
    assert operator.records() == {}, "the name that it had in between as well"


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"portal_name": "meet."}, "a name below ensemble.test"),
        ({"certificate_wildcard_provider": "files"}, "may differ only if"),
        ({"lb_ssl_compatibility_level": "1.2"}, "lb_ssl_compatibility_level"),
    ],
)
def test_invalid_variables_are_one_error_first(operator: Operator, variables: dict[str, str], says: str) -> None:
    before = operator.lab.state()
    operator.play("balancer.yml", **variables).failed(says)
    assert operator.lab.state() == before


def test_a_website_at_the_domain_itself_is_not_taken(empty: Operator) -> None:
    record = {"name": "", "type": "A", "data": "192.0.2.80", "ttl": 300}
    changes = {"changes": [{"add": {"records": [record]}}]}
    empty.api("PATCH", f"/domain/v2beta1/dns-zones/{DOMAIN}/records", changes)
    empty.play("network.yml").failed("@ 300 A 192.0.2.80", "already exist", "choose another name")
    assert "instance_security_group" not in {kind for kind, objects in empty.lab.state().items() if objects}
    empty.play("network.yml", portal_name="meet").ok()


def test_what_the_world_says_of_the_domain_is_looked_at_first(operator: Operator, world: NameServers) -> None:
    def caa(*values: str) -> None:
        records = [{"name": "", "type": "CAA", "data": value, "ttl": 300} for value in values]
        changes = {"changes": [{"set": {"id_fields": {"name": "", "type": "CAA"}, "records": records}}]}
        operator.api("PATCH", f"/domain/v2beta1/dns-zones/{DOMAIN}/records", changes)

    acme = {"ensemble_name_servers": NAME_SERVERS, "certificate_provider": "acme"}
    operator.play("preflight.yml", **acme).ok()
    elsewhere = operator.play("preflight.yml", certificate_provider="acme")
    elsewhere.failed(
        f"{DOMAIN} is delegated to {', '.join(NAME_SERVERS)}, not to ns0.dom.scw.cloud and ns1.dom.scw.cloud"
    )
    caa('0 issue "letsencrypt.org"', '0 issuewild "other.example"')
    operator.play("preflight.yml", **acme).failed(
        "only other.example may issue certificates (issuewild), not letsencrypt.org"
    )
    operator.play("preflight.yml", **OWN_AUTHORITY).ok()
    caa('0 issue ";"')
    operator.play("preflight.yml", **OWN_AUTHORITY).failed("nobody may issue certificates (issue), not letsencrypt.org")
    caa('0 issue "letsencrypt.org; validationmethods=dns-01"')
    operator.play("preflight.yml", **acme).ok()

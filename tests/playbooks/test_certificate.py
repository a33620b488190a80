# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate as production gets it: by ACME, with DNS that lags and DNS that lies; and from an own authority."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from acme_support import NAME_SERVERS, OF_THE_AUTHORITY, RESOLVER, SERVERS, NameServers
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from modules_support import Lab, free_port, serve
from playbooks_support import DOMAIN, Operator, Run

from tests.pebble import pebble

pytestmark = pytest.mark.slow

NAMES = {f"*.{DOMAIN}", DOMAIN}


class Issuer:
    """An operator with an authority whose name servers the test rules."""

    def __init__(self, operator: Operator, servers: NameServers, log: Path) -> None:
        self.operator, self.servers, self.log = operator, servers, log

    @property
    def folder(self) -> Path:
        return self.operator.secrets / "tls"

    @property
    def certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate((self.folder / "certificate.pem").read_bytes())

    @property
    def names(self) -> set[str]:
        names = self.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return set(names.get_values_for_type(x509.DNSName))

    def run(self, **extra: object) -> Run:
        """certificate.yml, on a machine whose resolver is the test's."""
        return self.operator.play("certificate.yml", skip="", **extra)

    def issue(self, **extra: object) -> x509.Certificate:
        """A run that must end with a certificate for the key that is there."""
        self.run(**extra).ok()
        certificate = self.certificate
        key = load_pem_private_key((self.folder / "private_key.pem").read_bytes(), None).public_key()
        forms = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        assert certificate.public_key().public_bytes(*forms) == key.public_bytes(*forms)
        assert self.proofs() == []
        return certificate

    def proofs(self) -> list[str]:
        return [each["name"] for each in self.operator.lab.state().get("dns_record", []) if each["type"] == "TXT"]

    def orders(self) -> int:
        return len(re.findall(r"There are now \d+ orders", self.log.read_text()))

    def accounts(self) -> int:
        return len(re.findall(r"There are now \d+ accounts", self.log.read_text()))

    def validations(self) -> int:
        return len(re.findall(r"Pulled a task from the Tasks queue", self.log.read_text()))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, NameServers, str, Path]]:
    folder = tmp_path_factory.mktemp("authority")
    port = free_port()
    process, lab = serve(folder, "--speed", "0", "--dns-port", str(port))
    servers = NameServers(port)
    servers.start()
    asked = f"{OF_THE_AUTHORITY['authority']}:53"
    with pebble(folder, folder / "ca", asked, PEBBLE_WFE_NONCEREJECT="0", PEBBLE_AUTHZREUSE="0") as (directory, log):
        yield lab, servers, directory, log
    servers.stop()
    process.terminate()
    process.wait(20)


@pytest.fixture
def issuer(authority: tuple[Lab, NameServers, str, Path], tmp_path: Path) -> Issuer:
    lab, servers, directory, log = authority
    lab.reset()
    servers.lag, servers.silent = {}, set()
    resolver = tmp_path / "resolv.conf"
    resolver.write_text(f"nameserver {RESOLVER}\n")
    acme = {"certificate_provider": "acme", "acme_directory": directory, "acme_validate_certs": False}
    acme |= {"acme_dns_timeout": 30, "ensemble_name_servers": NAME_SERVERS}
    return Issuer(Operator(tmp_path, lab, settings=acme, resolver=resolver), servers, log)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_life_of_a_certificate(issuer: Issuer) -> None:
    """First issue, renewal, further name, new key, other domain: one account for all of it."""
    accounts = issuer.accounts()
    first = issuer.issue()
    assert issuer.names == NAMES
    account = digest(issuer.folder / "account_key.pem")

    assert issuer.run().ok().changed == 0
    assert issuer.certificate == first
    assert issuer.issue(certificate_renew_days=100000) != first
    assert issuer.names == NAMES

    issuer.issue(certificate_names=[f"status.{DOMAIN}", "meet.ensemble.test"])
    assert issuer.names == NAMES | {f"status.{DOMAIN}", "meet.ensemble.test"}
    issuer.operator.change_secret("certificate", private_key=None)
    issuer.issue()
    assert issuer.names == NAMES
    assert digest(issuer.folder / "account_key.pem") == account
    assert issuer.accounts() == accounts + 1


def test_another_domain_is_another_certificate(issuer: Issuer) -> None:
    issuer.issue()
    zone = {"domain": DOMAIN, "subdomain": "other", "project_id": issuer.operator.lab.account["project_id"]}
    issuer.operator.api("POST", "/domain/v2beta1/dns-zones", zone)
    issuer.run(ensemble_domain=f"other.{DOMAIN}").ok()
    assert issuer.names == {f"*.other.{DOMAIN}", f"other.{DOMAIN}"}


def test_dns_that_lags_costs_no_order(issuer: Issuer) -> None:
    issuer.servers.lag = dict.fromkeys([*SERVERS, "authority"], 5.0)
    before = issuer.orders()
    issuer.run().ok()
    assert issuer.names == NAMES
    assert issuer.orders() == before + 1


def test_dns_that_lies_fails_without_asking_the_authority(issuer: Issuer) -> None:
    issuer.issue()
    before = digest(issuer.folder / "certificate.pem")
    validations = issuer.validations()
    issuer.servers.silent = {"ns2"}
    failed = issuer.run(certificate_renew_days=100000, acme_dns_timeout=6)
    failed.failed(f"ns2.{DOMAIN}. showed 0 values", "not asked to validate", "the account are unchanged")
    assert issuer.validations() == validations
    assert digest(issuer.folder / "certificate.pem") == before
    assert issuer.proofs() == []
    issuer.servers.silent = set()
    issuer.run(certificate_renew_days=100000).ok()
    assert digest(issuer.folder / "certificate.pem") != before


def test_an_authority_that_refuses_is_asked_again_with_a_new_order(issuer: Issuer) -> None:
    """Its own view of the DNS differs: every try has its own order, and there are no more tries than allowed."""
    issuer.issue()
    before, orders = digest(issuer.folder / "certificate.pem"), issuer.orders()
    issuer.servers.silent = {"authority"}
    issuer.run(certificate_renew_days=100000).failed("No certificate was issued", "the account are unchanged")
    assert issuer.orders() == orders + 2
    assert digest(issuer.folder / "certificate.pem") == before
    assert issuer.proofs() == []


def test_proofs_of_others_stay(issuer: Issuer) -> None:
    other = {"add": {"records": [{"name": "_acme-challenge", "type": "TXT", "data": '"of-another"', "ttl": 60}]}}
    issuer.operator.api("PATCH", f"/domain/v2beta1/dns-zones/{DOMAIN}/records", {"changes": [other]})
    issuer.run().ok()
    assert issuer.proofs() == ["_acme-challenge"]


def test_check_mode_orders_nothing(issuer: Issuer) -> None:
    orders = issuer.orders()
    issuer.operator.play("certificate.yml", skip="", options=("--check", "--diff")).ok()
    assert issuer.orders() == orders
    assert not issuer.folder.exists()
    issuer.issue()
    done = issuer.orders()
    issuer.operator.play("certificate.yml", skip="", options=("--check", "--diff"), certificate_renew_days=99999).ok()
    assert issuer.orders() == done


def test_an_own_authority_follows_domain_names_and_key(empty: Operator) -> None:
    issuer = Issuer(empty, NameServers(0), Path())
    first = issuer.issue()
    assert issuer.names == NAMES
    assert issuer.run().ok().changed == 0
    assert issuer.certificate == first
    issuer.issue(certificate_names=[f"status.{DOMAIN}"])
    assert issuer.names == NAMES | {f"status.{DOMAIN}"}
    issuer.operator.change_secret("certificate", private_key=None)
    issuer.issue()
    assert issuer.names == NAMES


def test_a_certificate_that_was_brought_is_looked_at(empty: Operator) -> None:
    issuer = Issuer(empty, NameServers(0), Path())
    issuer.issue()
    brought = {"certificate_provider": "files"}
    issuer.run(**brought).ok()
    issuer.run(**brought, certificate_names=[f"status.{DOMAIN}"]).failed(f"status.{DOMAIN}")
    issuer.run(**brought, certificate_renew_days=100000).failed("it ends on")
    empty.change_secret("certificate", private_key=(issuer.folder / "ca_key.pem").read_text())
    issuer.run(**brought).failed("it is for another private key")
    empty.play("network.yml", "images_without_machines.yml").ok()
    empty.play("fleet.yml").failed("does not match private_key.pem")

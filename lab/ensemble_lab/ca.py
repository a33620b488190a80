# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own certificate authority. It is kept, so that what trusts it once (images, clients) trusts it for good."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_CA_DAYS, _DAYS = 3650, 90


@dataclass
class Issued:
    """A certificate with its key, all PEM text."""

    certificate: str
    key: str
    chain: str

    @property
    def full_chain(self) -> str:
        """Certificate and CA, as servers send it."""
        return self.certificate + self.chain

    @property
    def bundle(self) -> str:
        """Key, certificate and CA in one text, as HAProxy and custom LB certificates want it."""
        return self.key + self.full_chain


@dataclass
class Authority:
    """The CA: `pem` is its certificate (PEM text), `file` where that lies."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    file: Path

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def issue(self, names: list[str], days: int = _DAYS) -> Issued:
        """A server certificate for DNS names and addresses; the first one is its common name."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_named(names[0]), self.certificate.subject, key, days)
        builder = builder.add_extension(_alternatives(names), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = builder.add_extension(issuer_key, critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        return Issued(certificate.public_bytes(serialization.Encoding.PEM).decode(), _key_text(key), self.pem)

    def issue_files(self, folder: Path, names: list[str], days: int = 825) -> tuple[Path, Path]:
        """Certificate chain and key as files in `folder` (``tls.pem``, ``tls.key``); returns both paths."""
        issued = self.issue(names, days)
        folder.mkdir(parents=True, exist_ok=True)
        chain, key = folder / "tls.pem", folder / "tls.key"
        chain.write_text(issued.full_chain)
        _write_secret(key, issued.key)
        return chain, key


def self_signed(organization: str, names: list[str], days: int = _CA_DAYS) -> Issued:
    """A certificate that is its own authority, as managed databases have; the first name is its common name."""
    key = ec.generate_private_key(ec.SECP256R1())
    places = ((NameOID.COUNTRY_NAME, "FR"), (NameOID.LOCALITY_NAME, "Paris"), (NameOID.ORGANIZATION_NAME, organization))
    subject = x509.Name([*(x509.NameAttribute(oid, text) for oid, text in places), *_named(names[0])])
    builder = _builder(subject, None, key, days)
    builder = builder.add_extension(_alternatives(names), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    return Issued(certificate, _key_text(key), "")


def load_or_create(folder: Path) -> Authority:
    """The CA kept in `folder` (``ca.pem``, ``ca.key``); made there if there is none."""
    file, key_file = folder / "ca.pem", folder / "ca.key"
    if file.exists() and key_file.exists():
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return Authority(x509.load_pem_x509_certificate(file.read_bytes()), key, file)
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_named("Ensemble lab CA"), None, key, _CA_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    builder = builder.add_extension(usage, critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    authority = Authority(builder.sign(key, hashes.SHA256()), key, file)
    _write_secret(key_file, _key_text(key))
    file.write_text(authority.pem)
    return authority


def _alternatives(names: list[str]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address(name)) if _is_address(name) else x509.DNSName(name) for name in names]
    )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])


def _builder(
    subject: x509.Name, issuer: x509.Name | None, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    start = datetime.now(UTC) - timedelta(minutes=5)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer or subject)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    return builder.not_valid_before(start).not_valid_after(start + timedelta(days=days))


def _key_text(key: ec.EllipticCurvePrivateKey) -> str:
    encoding = serialization.Encoding.PEM
    return key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


def _write_secret(file: Path, text: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)

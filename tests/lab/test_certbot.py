# SPDX-License-Identifier: GPL-3.0-or-later
"""certbot with certbot-dns-scaleway, both unmodified: DNS-01 with the lab's API and DNS, against Debian's pebble.

The plugin's endpoint is fixed in its code, so a proxy leads it to the lab, which has a certificate for that name.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509

from tests.pebble import pebble as authority
from tests.scaleway_proxy import scaleway_proxy

from .conftest import TOKEN, Lab, free_port


@pytest.fixture
def named(make_lab: Callable[..., Lab]) -> tuple[Lab, int, int]:
    """A lab with HTTPS and DNS, and their ports."""
    tls, dns = free_port(), free_port()
    return make_lab("--speed", "0", "--tls-port", str(tls), "--dns-port", str(dns)), tls, dns


@pytest.fixture
def pebble(named: tuple[Lab, int, int], tmp_path: Path) -> Iterator[str]:
    """The directory URL of an ACME server that asks the lab's DNS."""
    lab, _, dns = named
    with authority(tmp_path, lab.ca_file.parent, f"127.0.0.1:{dns}") as (directory, _log):
        yield directory


def test_a_wildcard_certificate(named: tuple[Lab, int, int], pebble: str, tmp_path: Path) -> None:
    lab, tls, _ = named
    credentials = tmp_path / "credentials.ini"
    credentials.write_text(f"dns_scaleway_application_token = {TOKEN}\n")
    credentials.chmod(0o600)
    folders = [word for name in ("config", "work", "logs") for word in (f"--{name}-dir", str(tmp_path / name))]
    desired = ["-d", "*.example.test", "-d", "example.test", "--server", pebble, "--agree-tos", "-m", "op@example.test"]
    plugin = ["--dns-scaleway-credentials", str(credentials), "--dns-scaleway-propagation-seconds", "0"]
    program = Path(sys.executable).with_name("certbot")
    command = [program, "certonly", "--non-interactive", "--authenticator", "dns-scaleway", *plugin, *desired, *folders]
    with scaleway_proxy(tls) as proxy:
        trust = {"REQUESTS_CA_BUNDLE": str(lab.ca_file), "HTTPS_PROXY": proxy.url, "NO_PROXY": "127.0.0.1"}
        done = subprocess.run(command, env={**os.environ, **trust}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(proxy.asked) == {"api.scaleway.com:443"}
    certificate = x509.load_pem_x509_certificate((tmp_path / "config/live/example.test/cert.pem").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {"*.example.test", "example.test"}
    left = lab.get("/domain/v2beta1/dns-zones/example.test/records")["records"]
    assert {record["type"] for record in left} == {"NS"}, "the challenge's records stay"

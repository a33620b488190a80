# SPDX-License-Identifier: GPL-3.0-or-later
"""certbot with certbot-dns-scaleway, both unmodified: DNS-01 with the lab's API and DNS, against Debian's pebble.

The plugin's endpoint is fixed in its code, so a proxy leads it to the lab, which has a certificate for that name.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from cryptography import x509
from ensemble_lab.ca import load_or_create

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
    program = shutil.which("pebble")
    if not program:
        pytest.skip("Debian's pebble is not here")
    lab, _, dns = named
    chain, key = load_or_create(lab.ca_file.parent).issue_files(tmp_path / "pebble-tls", ["127.0.0.1"])
    port = free_port()
    settings = {
        "listenAddress": f"127.0.0.1:{port}",
        "managementListenAddress": f"127.0.0.1:{free_port()}",
        "certificate": str(chain),
        "privateKey": str(key),
    }
    (tmp_path / "pebble.json").write_text(json.dumps({"pebble": settings}))
    with (tmp_path / "pebble.log").open("wb") as log:
        process = subprocess.Popen(
            [program, "-config", str(tmp_path / "pebble.json"), "-dnsserver", f"127.0.0.1:{dns}"],
            stdout=log,
            stderr=log,
            env={**os.environ, "PEBBLE_VA_NOSLEEP": "1"},
        )
    directory = f"https://127.0.0.1:{port}/dir"
    end = time.monotonic() + 20
    while True:
        try:
            requests.get(directory, verify=str(lab.ca_file), timeout=5).raise_for_status()
            break
        except requests.ConnectionError:
            assert time.monotonic() < end, (tmp_path / "pebble.log").read_text()
            time.sleep(0.1)
    yield directory
    process.terminate()
    process.wait(10)


def test_a_wildcard_certificate(named: tuple[Lab, int, int], pebble: str, tmp_path: Path) -> None:
    lab, tls, _ = named
    credentials = tmp_path / "credentials.ini"
    credentials.write_text(f"dns_scaleway_application_token = {TOKEN}\n")
    credentials.chmod(0o600)
    folders = [word for name in ("config", "work", "logs") for word in (f"--{name}-dir", str(tmp_path / name))]
    wishes = ["-d", "*.example.test", "-d", "example.test", "--server", pebble, "--agree-tos", "-m", "op@example.test"]
    plugin = ["--dns-scaleway-credentials", str(credentials), "--dns-scaleway-propagation-seconds", "0"]
    program = Path(sys.executable).with_name("certbot")
    command = [program, "certonly", "--non-interactive", "--authenticator", "dns-scaleway", *plugin, *wishes, *folders]
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

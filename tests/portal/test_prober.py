"""Debian's blackbox exporter, configured by the role prometheus, against the TLS of a Jitsi server."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import jinja2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from ensemble_portal.prometheus import GAUGES
from portal_support import ROOT, free_port, wait_until

TEMPLATE = ROOT / "roles" / "prometheus" / "templates" / "probe.yml.j2"


class Authority:
    """Signs certificates; `bundle` makes a file with a certificate for a name and its key."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self._sign(self._name, self._key, x509.BasicConstraints(ca=True, path_length=0), 90))

    def bundle(self, name: str, days: int = 30) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        signed = self._sign(x509.Name([]), key, x509.SubjectAlternativeName([x509.DNSName(name)]), days)
        form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        file = self._folder / f"{self.file.stem}-{name}-{days}.pem"
        file.write_bytes(signed + key.private_bytes(*form))
        return file

    def _sign(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType, days: int
    ) -> bytes:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(self._name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=60))
        builder = builder.not_valid_after(now + timedelta(days=days)).add_extension(extension, critical=True)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class Web(ThreadingHTTPServer):
    """Stands for a Jitsi server's nginx: answers /config.js with `status`, by TLS."""

    daemon_threads = True

    def __init__(self, bundle: Path) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(web.status if self.path == "/config.js" else 404)
                self.send_header("location", "/config.js?again")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        web = self
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(bundle)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *args: object) -> None:
        """A visitor who does not like the certificate hangs up."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "rehearsal")


@pytest.fixture(scope="module")
def prober(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    told = jinja2.Template(TEMPLATE.read_text(), trim_blocks=True).render(prometheus_probe_ca="x", ansible_managed="")
    config = tmp_path_factory.mktemp("prober") / "probe.yml"
    config.write_text(told.replace("/etc/prometheus/ensemble-probe-ca.pem", str(authority.file)))
    address = f"127.0.0.1:{free_port()}"
    command = ["prometheus-blackbox-exporter", f"--config.file={config}", f"--web.listen-address={address}"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def answers() -> bool:
        try:
            return httpx.get(f"http://{address}/-/healthy", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    wait_until(answers)
    yield f"http://{address}/probe"
    process.terminate()
    process.wait(10)


def probe(prober: str, target: str) -> dict[str, float]:
    page = httpx.get(prober, params={"module": "jitsi", "target": target}, timeout=10, trust_env=False).text
    lines = [line.rsplit(maxsplit=1) for line in page.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, value in lines if "{" not in name}


def outcome(prober: str, bundle: Path, host: str = "localhost", status: int = 200) -> float:
    web = Web(bundle)
    web.status = status
    try:
        return probe(prober, f"https://{host}:{web.server_port}/config.js")["probe_success"]
    finally:
        web.shutdown()
        web.server_close()


def test_a_server_that_answers_by_its_name(prober: str, authority: Authority) -> None:
    web = Web(authority.bundle("localhost"))
    told = probe(prober, f"https://localhost:{web.server_port}/config.js")
    web.shutdown()
    web.server_close()
    assert told["probe_success"] == 1
    assert {name for name in GAUGES if name.startswith("probe_")} <= told.keys()
    days = (told["probe_ssl_earliest_cert_expiry"] - datetime.now(UTC).timestamp()) / 86400
    assert 29 < days < 31


def test_what_keeps_a_visitor_out_fails_the_probe(prober: str, authority: Authority, tmp_path: Path) -> None:
    right = authority.bundle("localhost")
    assert outcome(prober, right) == 1
    assert outcome(prober, authority.bundle("elsewhere.test")) == 0, "a certificate for another name"
    assert outcome(prober, authority.bundle("localhost", days=-1)) == 0, "an expired certificate"
    assert outcome(prober, Authority(tmp_path, "stranger").bundle("localhost")) == 0, "another authority's certificate"
    assert outcome(prober, right, status=502) == 0, "a web server without Jitsi behind it"
    assert outcome(prober, right, status=302) == 0, "a redirect"
    assert outcome(prober, right, host="h-1.invalid") == 0, "a name that is not there"
    assert probe(prober, f"https://localhost:{free_port()}/config.js")["probe_success"] == 0, "nobody there"

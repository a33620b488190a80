#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make this machine the Jitsi server that its own metadata describes, and tell when it serves.

Runs at every boot, and again on `systemctl reload ensemble-jitsi` (a new certificate, say). Nothing on the disk of an
image is kept for another server: secrets and accounts belong to one instance id and are made anew for the next.
What came of it is in /run/ensemble-jitsi/state and in the server's user data, key `jitsi-ready`:
`starting`, `ready <release> <time>` or `failed: <why>`.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import random
import secrets
import shutil
import ssl
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

sys.path.insert(0, "/usr/local/lib/ensemble-jitsi")

import dotenv

SETTINGS = Path("/etc/ensemble/jitsi.json")
IDENTITY = Path("/var/lib/ensemble-jitsi/identity.json")
STATE = Path("/run/ensemble-jitsi/state")
JITSI_UID = 1000  # the user inside the official images
PASSWORDS = ("JICOFO_AUTH_PASSWORD", "JVB_AUTH_PASSWORD")
FOLDERS = (
    "web/keys", "web/nginx/site-confs", "web/nginx-custom", "storage/web", "storage/transcripts", "tmp/web-load-test",
    "prosody/config", "prosody/prosody-plugins-custom", "storage/prosody", "jicofo", "jvb",
)  # fmt: skip
Environment = dict[str, str]


class Failure(Exception):
    """Jitsi cannot serve here; the message says why."""


class Metadata:
    """The cloud's metadata service, as the machine itself sees it."""

    def __init__(self, url: str) -> None:
        self.host = urllib.parse.urlsplit(url).netloc

    def machine(self) -> dict[str, Any]:
        """The server's own description: id, name, zone, addresses.

        Raises:
            Failure: the service did not answer within two minutes.
        """
        deadline = time.monotonic() + 120
        while True:
            try:
                return json.loads(self._request("GET", "/conf?format=json")[1])
            except (OSError, ValueError, http.client.HTTPException) as error:
                if time.monotonic() > deadline:
                    raise Failure(f"the metadata service at {self.host} does not answer: {error}") from error
                time.sleep(1)

    def user_data(self, key: str) -> str:
        """A user data value; empty when it is not set."""
        status, body = self._request("GET", f"/user_data/{key}")
        if status not in (200, 404):
            raise Failure(f"user data {key} cannot be read: HTTP {status}")
        return body.decode() if status == 200 else ""

    def set_user_data(self, key: str, value: str) -> None:
        self._request("PATCH", f"/user_data/{key}", value.encode())

    def _request(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Ask from a port below 1024, which proves to the service that root is asking."""
        for port in random.sample(range(512, 1024), 30):
            connection = http.client.HTTPConnection(self.host, timeout=10, source_address=("", port))
            try:
                connection.connect()
            except OSError as error:
                if error.errno in (98, 99):  # the port is taken, or was a moment ago
                    continue
                raise
            with closing(connection):
                connection.request(method, path, body, {"Content-Type": "text/plain"})
                answer = connection.getresponse()
                return answer.status, answer.read()
        raise OSError("no source port below 1024 is free")


def parse_environment(what: str, text: str) -> Environment:
    try:
        return dotenv.parse(text)
    except ValueError as error:
        raise Failure(f"{what}: {error}") from error


def own_environment(machine: dict[str, Any], given: Environment) -> Environment:
    """Variables that follow from the machine itself.

    Raises:
        Failure: the machine has no name or no public IPv4 address to be reached by.
    """
    if not given.get("DOMAIN"):
        raise Failure("user data jitsi-env has no DOMAIN")
    known = machine.get("public_ips_v4") or [machine.get("public_ip") or {}]
    addresses = [ip["address"] for ip in known if ip.get("address")]
    if not addresses:
        raise Failure("the server has no public IPv4 address")
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    return {
        "PUBLIC_URL": f"https://{machine['name']}.{given['DOMAIN']}",
        "JVB_ADVERTISE_IPS": ",".join(addresses),
        "DEPLOYMENTINFO_SHARD": machine["name"],
        "DEPLOYMENTINFO_REGION": machine.get("zone") or "",
        "VIDEOBRIDGE_MAX_MEMORY": f"{min(3072, memory * 3 // 8)}m",
        "JICOFO_MAX_MEMORY": f"{min(1024, memory // 8)}m",
    }


class Server:
    """Jitsi on this machine."""

    def __init__(self, settings: dict[str, Any], environment: Environment) -> None:
        self.settings = settings
        self.environment = environment
        self.release = Path(settings["release_directory"])
        self.config = Path(environment["CONFIG"])
        self.host = urllib.parse.urlsplit(environment["PUBLIC_URL"]).hostname or ""

    def compose(self, *arguments: str) -> None:
        done = subprocess.run(["docker", "compose", *arguments], cwd=self.release, capture_output=True, text=True)
        if done.returncode:
            print(done.stderr, file=sys.stderr)
            raise Failure(f"docker compose {arguments[0]}: {(done.stderr.strip().splitlines() or ['no word'])[-1]}")

    def take_identity(self, instance: str) -> None:
        """Passwords of this instance. Another one's accounts are removed: Prosody would keep their old passwords."""
        known = json.loads(IDENTITY.read_text()) if IDENTITY.exists() else {}
        if known.get("instance") != instance:
            if (self.release / ".env").exists():
                self.compose("down", "--remove-orphans")
            shutil.rmtree(self.config / "storage", ignore_errors=True)
            known = {"instance": instance, "passwords": {name: secrets.token_hex(16) for name in PASSWORDS}}
            write(IDENTITY, json.dumps(known), mode=0o600, owner=0)
        self.environment |= known["passwords"]

    def make_config(self, certificate: str, private_key: str) -> None:
        """The CONFIG tree that the containers read: what the image brings, the key pair, the way back to the portal."""
        for folder in FOLDERS:
            make_folder(self.config, folder)
        source = Path(self.settings["config_source"])
        for path in source.rglob("*"):
            if path.is_file():
                write(self.config / path.relative_to(source), path.read_text())
        write(self.config / "web/keys/cert.crt", certificate)
        write(self.config / "web/keys/cert.key", private_key, mode=0o400)
        portal = self.config / "web/nginx-custom/ensemble-portal.conf"
        if self.environment.get("PORTAL_URL"):
            write(portal, f"location = / {{ return 302 {self.environment['PORTAL_URL']}; }}\n")
        else:
            portal.unlink(missing_ok=True)
        self.check_certificate(private_key)

    def check_certificate(self, private_key: str) -> None:
        """Jitsi replaces a pair that it cannot use by one that nobody trusts, without a word: so look before.

        Raises:
            Failure: pair missing or not a pair, or not made for this server's name.
        """
        keys = self.config / "web/keys"
        if not private_key:
            raise Failure("user data has no tls-certificate and tls-private-key")
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(keys / "cert.crt", keys / "cert.key")
        except (ssl.SSLError, OSError) as error:
            raise Failure(f"tls-certificate and tls-private-key are not a pair: {error}") from error
        command = ["openssl", "x509", "-noout", "-in", str(keys / "cert.crt"), "-checkhost", self.host]
        if "does match" not in subprocess.run(command, capture_output=True, text=True).stdout:
            raise Failure(f"the certificate is not for {self.host}")

    def start(self) -> None:
        """Bring the containers to what the settings say; containers that are so already go on undisturbed."""
        digest = hashlib.sha256()
        for path in sorted((self.config / "web").rglob("*")):
            if path.is_file():
                digest.update(f"{path}\0".encode() + path.read_bytes())
        self.environment |= {
            "COMPOSE_PROJECT_NAME": "jitsi",
            "COMPOSE_FILE": f"docker-compose.yml:{self.settings['override']}",
            "ENSEMBLE_CONFIG_DIGEST": digest.hexdigest()[:16],
        }
        write(self.release / ".env", dotenv.write(dict(sorted(self.environment.items()))), mode=0o600, owner=0)
        self.compose("up", "--detach", "--pull", "never", "--remove-orphans")

    def wait(self) -> None:
        """Wait until a visitor would be served.

        Raises:
            Failure: not so after the settings' `ready_timeout`; names what was missing last.
        """
        deadline = time.monotonic() + self.settings["ready_timeout"]
        steps: list[tuple[str, Callable[[], bool]]] = [
            ("web serves the given certificate", self.serves_certificate),
            ("web serves this server's pages", lambda: self.host in fetch("https://127.0.0.1/config.js")),
            ("signalling answers", lambda: bool(fetch("https://127.0.0.1/http-bind"))),
            ("the videobridge is healthy", lambda: fetch("http://127.0.0.1:8080/about/health") is not None),
            ("jicofo has a videobridge", lambda: fetch("http://127.0.0.1:8888/about/health") is not None),
        ]
        for name, holds in steps:
            while not attempt(holds):
                if time.monotonic() > deadline:
                    raise Failure(f"not so after {self.settings['ready_timeout']} s: {name}")
                time.sleep(1)
            print(name, flush=True)

    def serves_certificate(self) -> bool:
        given = (self.config / "web/keys/cert.crt").read_text()
        return leaf(ssl.get_server_certificate(("127.0.0.1", 443), timeout=5)) == leaf(given)


def leaf(chain: str) -> bytes:
    """The first certificate of a PEM chain, in binary."""
    end = "-----END CERTIFICATE-----"
    return ssl.PEM_cert_to_DER_cert(chain[chain.index("-----BEGIN CERTIFICATE-----") :].partition(end)[0] + end)


def fetch(url: str) -> str:
    """Body of a page of this machine; OSError unless it answers 200 (its certificate is compared elsewhere)."""
    with urllib.request.urlopen(url, timeout=5, context=ssl._create_unverified_context()) as answer:
        return answer.read().decode(errors="replace")


def attempt(holds: Callable[[], bool]) -> bool:
    try:
        return holds()
    except (OSError, ValueError, http.client.HTTPException):
        return False


def make_folder(root: Path, folder: str) -> None:
    """A folder below `root` with all between, owned by the containers' user."""
    for path in reversed([root / folder, *(root / folder).parents]):
        if path == root or root in path.parents:
            path.mkdir(mode=0o750, parents=True, exist_ok=True)
            os.chown(path, JITSI_UID, JITSI_UID)


def write(path: Path, text: str, *, mode: int = 0o440, owner: int = JITSI_UID) -> None:
    """Replace a file at one stroke, never readable by others in between."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    os.chown(fresh, owner, owner)
    fresh.rename(path)


def report(metadata: Metadata, state: str) -> None:
    print(state, flush=True)
    STATE.parent.mkdir(exist_ok=True)
    STATE.write_text(state + "\n")
    try:
        metadata.set_user_data("jitsi-ready", state)
    except (OSError, http.client.HTTPException) as error:
        print(f"user data jitsi-ready could not be written: {error}", file=sys.stderr)


def main() -> None:
    settings = json.loads(SETTINGS.read_text())
    metadata = Metadata(settings["metadata_url"])
    try:
        machine = metadata.machine()
        report(metadata, "starting")
        given = parse_environment(settings["environment_file"], Path(settings["environment_file"]).read_text())
        for key in ("jitsi-env", "jitsi-secret-env"):
            given |= parse_environment(f"user data {key}", metadata.user_data(key))
        server = Server(settings, own_environment(machine, given) | given)
        server.take_identity(machine["id"])
        server.make_config(metadata.user_data("tls-certificate"), metadata.user_data("tls-private-key"))
        server.start()
        server.wait()
    except (Failure, OSError) as error:
        report(metadata, f"failed: {error}")
        sys.exit(1)
    report(metadata, f"ready {server.release.name} {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}")


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make this machine the Jitsi server that its own metadata describes, and tell when it serves.

Runs at every boot, and again on `systemctl reload ensemble-jitsi`. Nothing on the disk of an image is kept for another
server: secrets and accounts belong to one instance id and are made anew for the next. What came of it is in
/run/ensemble-jitsi/state and in the server's user data, key `jitsi-ready`: `starting`, `ready <release> <time>` or
`failed: <why>`.

With the argument `watch` it looks every few seconds whether the user data holds another certificate, and serves that
without a restart. What came of it is in the user data, key `jitsi-certificate`: `served <fingerprint>` or
`refused: <why>`.
"""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import json
import os
import secrets
import shutil
import ssl
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, "/usr/local/lib/ensemble-jitsi")

import dotenv
from certificate import GIVEN, USED, Pair, leaf, make_folder, write
from metadata import Failure, Metadata

SETTINGS = Path("/etc/ensemble/jitsi.json")
IDENTITY = Path("/var/lib/ensemble-jitsi/identity.json")
STATE = Path("/run/ensemble-jitsi/state")
LOCK = Path("/run/ensemble-jitsi/lock")
NGINX = "/run/web/config/nginx/nginx.conf"
PASSWORDS = ("JICOFO_AUTH_PASSWORD", "JVB_AUTH_PASSWORD")
FOLDERS = (
    GIVEN, USED, "web/nginx/site-confs", "web/nginx-custom", "storage/web", "storage/transcripts", "tmp/web-load-test",
    "prosody/config", "prosody/prosody-plugins-custom", "storage/prosody", "jicofo", "jvb",
)  # fmt: skip
Environment = dict[str, str]


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

    def make_config(self, pair: Pair) -> None:
        """The CONFIG tree that the containers read: what the image brings, the key pair, the way back to the portal."""
        for folder in FOLDERS:
            make_folder(self.config, folder)
        source = Path(self.settings["config_source"])
        for path in source.rglob("*"):
            if path.is_file():
                write(self.config / path.relative_to(source), path.read_text())
        pair.install(self.config)
        portal = self.config / "web/nginx-custom/ensemble-portal.conf"
        if self.environment.get("PORTAL_URL"):
            write(portal, f"location = / {{ return 302 {self.environment['PORTAL_URL']}; }}\n")
        else:
            portal.unlink(missing_ok=True)

    def start(self) -> None:
        """Start the containers with the current settings; unchanged containers keep running."""
        digest = hashlib.sha256()
        for path in sorted((self.config / "web").rglob("*")):
            if path.is_file() and path.parent != self.config / GIVEN:  # another certificate takes no new container
                digest.update(f"{path}\0".encode() + path.read_bytes())
        self.environment |= {
            "COMPOSE_PROJECT_NAME": "jitsi",
            "COMPOSE_FILE": f"docker-compose.yml:{self.settings['override']}",
            "ENSEMBLE_CONFIG_DIGEST": digest.hexdigest()[:16],
        }
        write(self.release / ".env", dotenv.write(dict(sorted(self.environment.items()))), mode=0o600, owner=0)
        self.compose("up", "--detach", "--pull", "never", "--remove-orphans")

    def serve(self, pair: Pair) -> bool:
        """Have the web server show this pair, which is installed, to whoever comes now; who is there stays undisturbed.

        Raises:
            Failure: it does not, even after a restart of the container, which cuts its connections.
        """
        try:
            self.compose("exec", "-T", "web", "nginx", "-c", NGINX, "-s", "reload")
            if shows(pair, 10):
                return True
            print("nginx was told, and shows another certificate: its container is restarted", file=sys.stderr)
        except Failure as error:
            print(f"nginx cannot be told, its container is restarted: {error}", file=sys.stderr)
        self.compose("restart", "web")
        if not shows(pair, 60):
            raise Failure("the web server does not show the certificate")
        return True

    def wait(self, pair: Pair) -> None:
        """Wait until a visitor would be served.

        Raises:
            Failure: not so after the settings' `ready_timeout`; names what was missing last.
        """
        deadline = time.monotonic() + self.settings["ready_timeout"]
        steps: list[tuple[str, Callable[[], bool]]] = [
            # It may have started by itself, with the copies of its last start.
            ("web serves the given certificate", lambda: pair.is_served() or self.serve(pair)),
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


def shows(pair: Pair, seconds: float) -> bool:
    """Whether visitors are shown this pair, now or within `seconds`."""
    deadline = time.monotonic() + seconds
    while not attempt(pair.is_served):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.5)
    return True


def fetch(url: str) -> str:
    """Body of a page of this machine; OSError unless it answers 200 (its certificate is compared elsewhere)."""
    with urllib.request.urlopen(url, timeout=5, context=ssl._create_unverified_context()) as answer:
        return answer.read().decode(errors="replace")


def attempt(holds: Callable[[], bool]) -> bool:
    try:
        return holds()
    except (OSError, ValueError, http.client.HTTPException):
        return False


def report(metadata: Metadata, state: str) -> None:
    print(state, flush=True)
    STATE.parent.mkdir(exist_ok=True)
    STATE.write_text(state + "\n")
    try:
        metadata.set_user_data("jitsi-ready", state)
    except (OSError, http.client.HTTPException) as error:
        print(f"user data jitsi-ready could not be written: {error}", file=sys.stderr)


@contextmanager
def alone() -> Iterator[None]:
    """Hold the lock that keeps boot and watch from running at the same time."""
    LOCK.parent.mkdir(exist_ok=True)
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def boot(settings: dict[str, Any], metadata: Metadata) -> None:
    try:
        machine = metadata.machine()
        report(metadata, "starting")
        given = parse_environment(settings["environment_file"], Path(settings["environment_file"]).read_text())
        for key in ("jitsi-env", "jitsi-secret-env"):
            given |= parse_environment(f"user data {key}", metadata.user_data(key))
        server = Server(settings, own_environment(machine, given) | given)
        server.take_identity(machine["id"])
        pair = Pair.usable(metadata, server.host)
        server.make_config(pair)
        server.start()
        server.wait(pair)
    except (Failure, OSError) as error:
        report(metadata, f"failed: {error}")
        sys.exit(1)
    report(metadata, f"ready {server.release.name} {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}")


class Watch:
    """Looks for another certificate in the user data, and serves it."""

    def __init__(self, settings: dict[str, Any], metadata: Metadata) -> None:
        self.settings, self.metadata = settings, metadata
        self.refused: Pair | None = None
        self.told = ""

    def look(self) -> None:
        """One look. A pair that is half written is refused as well, but only told when the next look finds it again."""
        given = Pair.given(self.metadata)
        with alone():
            if not STATE.exists() or not STATE.read_text().startswith("ready "):
                return
            server = Server(
                self.settings, dotenv.parse((Path(self.settings["release_directory"]) / ".env").read_text())
            )
            if not given.certificate or (given == Pair.installed(server.config) and given != self.refused):
                return
            try:
                given.check(server.host)
                given.install(server.config)
                server.serve(given)
            except Failure as error:
                if given == self.refused:
                    self.tell(f"refused: {error}")
                self.refused = given
                return
        self.refused = None
        self.tell(f"served {hashlib.sha256(leaf(given.certificate)).hexdigest()}")

    def tell(self, what: str) -> None:
        if what != self.told:
            self.told = what
            print(what, flush=True)
            self.metadata.set_user_data("jitsi-certificate", what)

    def forever(self) -> None:
        while True:
            time.sleep(self.settings["watch_interval"])
            try:
                self.look()
            except (Failure, OSError, ValueError, http.client.HTTPException) as error:
                print(f"the certificate could not be looked at: {error}", file=sys.stderr)


def main() -> None:
    settings = json.loads(SETTINGS.read_text())
    metadata = Metadata(settings["metadata_url"])
    if sys.argv[1:] == ["watch"]:
        Watch(settings, metadata).forever()
    with alone():
        boot(settings, metadata)


if __name__ == "__main__":
    main()

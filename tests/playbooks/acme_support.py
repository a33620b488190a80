# SPDX-License-Identifier: GPL-3.0-or-later
"""An ACME authority, and name servers in front of the lab's DNS that lag behind it or lie about it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from dnslib import QTYPE, RR, A, DNSHeader, DNSRecord
from modules_support import free_port
from playbooks_support import DOMAIN

RESOLVER = "127.0.0.70"
SERVERS = {"ns1": "127.0.0.71", "ns2": "127.0.0.72"}
OF_THE_AUTHORITY = {"authority": "127.0.0.73"}
"""What the authority asks: a server with a lag and lies of its own."""


@dataclass
class NameServers:
    """A resolver that knows two name servers of the zone, and these two. `lag` is in seconds; the silent hide TXT."""

    upstream: int
    lag: dict[str, float] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    first_seen: dict[str, float] = field(default_factory=dict)
    sockets: list[socket.socket] = field(default_factory=list)

    def start(self) -> None:
        for name, address in {"": RESOLVER, **SERVERS, **OF_THE_AUTHORITY}.items():
            listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            listener.bind((address, 53))
            self.sockets.append(listener)
            threading.Thread(target=self._serve, args=(name, listener), daemon=True).start()

    def stop(self) -> None:
        for listener in self.sockets:
            listener.close()

    def _serve(self, name: str, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                packet, peer = listener.recvfrom(4096)
                listener.sendto(self._answer(name, DNSRecord.parse(packet)).pack(), peer)

    def _answer(self, name: str, query: DNSRecord) -> DNSRecord:
        asked, kind = str(query.q.qname).rstrip(".").lower(), query.q.qtype
        reply = DNSRecord(DNSHeader(id=query.header.id, qr=1, aa=1, ra=1, rd=1), q=query.q)
        for server, address in SERVERS.items():
            if asked == f"{server}.{DOMAIN}":
                if kind == QTYPE.A:
                    reply.add_answer(RR(asked, QTYPE.A, ttl=0, rdata=A(address)))
                return reply
        if kind == QTYPE.NS:
            if asked == DOMAIN:
                reply.add_answer(*RR.fromZone("".join(f"{DOMAIN}. 0 NS {server}.{DOMAIN}.\n" for server in SERVERS)))
            return reply
        found = DNSRecord.parse(query.send("127.0.0.1", self.upstream, timeout=5))
        found.header.id = query.header.id
        if kind == QTYPE.TXT and name:
            found.rr = [record for record in found.rr if self._shown(name, str(record.rdata))]
        return found

    def _shown(self, name: str, value: str) -> bool:
        seen = self.first_seen.setdefault(value, time.monotonic())
        return name not in self.silent and time.monotonic() - seen >= self.lag.get(name, 0)


@contextlib.contextmanager
def pebble(folder: Path, ca_folder: Path) -> Iterator[tuple[str, Path]]:
    """The directory URL of an ACME server that asks a name server of its own, and its log."""
    from ensemble_lab.ca import load_or_create

    program = shutil.which("pebble")
    if not program:
        pytest.skip("Debian's pebble is not here")
    chain, key = load_or_create(ca_folder).issue_files(folder / "pebble-tls", ["127.0.0.1"])
    port = free_port()
    settings = {
        "listenAddress": f"127.0.0.1:{port}",
        "managementListenAddress": f"127.0.0.1:{free_port()}",
        "certificate": str(chain),
        "privateKey": str(key),
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
    log_file = folder / "pebble.log"
    with log_file.open("wb") as log:
        command = [program, "-config", str(folder / "pebble.json"), "-dnsserver", f"{OF_THE_AUTHORITY['authority']}:53"]
        own = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"}
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **own})
    directory = f"https://127.0.0.1:{port}/dir"
    deadline = time.monotonic() + 20
    try:
        while True:
            with contextlib.suppress(requests.ConnectionError):
                requests.get(directory, verify=False, timeout=5).raise_for_status()
                break
            assert time.monotonic() < deadline, log_file.read_text()
            time.sleep(0.1)
        yield directory, log_file
    finally:
        process.terminate()
        process.wait(10)

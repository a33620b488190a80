# SPDX-License-Identifier: GPL-3.0-or-later
"""Name servers in front of the lab's DNS that lag behind it or lie about it."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from dataclasses import dataclass, field

from dnslib import QTYPE, RR, A, DNSHeader, DNSRecord
from playbooks_support import DOMAIN

# Resolvers are asked at port 53: each worker of the tests has loopback addresses of its own.
NETWORK = f"127.0.{70 + int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0').removeprefix('gw'))}"
RESOLVER = f"{NETWORK}.1"
SERVERS = {"ns1": f"{NETWORK}.2", "ns2": f"{NETWORK}.3"}
NAME_SERVERS = [f"{name}.{DOMAIN}" for name in SERVERS]
OF_THE_AUTHORITY = {"authority": f"{NETWORK}.4"}
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
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes its thread, which holds the address as long as it waits
            listener.close()

    def _serve(self, name: str, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                packet, peer = listener.recvfrom(4096)
                if not packet:  # the end
                    return
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

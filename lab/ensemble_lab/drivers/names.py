# SPDX-License-Identifier: GPL-3.0-or-later
"""DNS: authoritative for the lab's zones, the host's resolvers for everything else."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import cast

from dnslib import CLASS, QTYPE, RCODE, RD, RR, SOA, A, DNSError, DNSHeader, DNSRecord

from ensemble_lab.dns_text import NAME_SERVERS, shown_strings
from ensemble_lab.drivers.base import DriverError, Object

log = logging.getLogger(__name__)

UPSTREAM_SECONDS = 4.0
NEGATIVE_TTL = 10
"""How long others may remember that a name does not exist: short, as the lab's names come and go."""
_CNAME_DEPTH = 8


class Zones:
    """Answers from the records of the zones, in the form that the domain API gives them."""

    def __init__(self) -> None:
        self._names: dict[str, dict[str, list[RR]]] = {}
        """zone -> full name -> records."""

    def apply(self, zone: str, records: list[Object]) -> None:
        self._names[_canonical(zone)] = _index(_canonical(zone), records)

    def delete(self, zone: str) -> None:
        self._names.pop(_canonical(zone), None)

    def clear(self) -> None:
        self._names.clear()

    def zone_of(self, name: str) -> str | None:
        """The closest zone above a name."""
        labels = name.split(".")
        return next((zone for n in range(len(labels)) if (zone := ".".join(labels[n:])) in self._names), None)

    def is_above(self, name: str) -> bool:
        """Whether there is a zone below a name."""
        return any(zone.endswith(f".{name}") for zone in self._names)

    def answer(self, query: DNSRecord) -> DNSRecord | None:
        """The reply, or None where the name is in no zone of the lab."""
        name = str(query.q.qname).rstrip(".").lower()
        zone = self.zone_of(name)
        if zone is None:
            return None
        reply = DNSRecord(DNSHeader(id=query.header.id, qr=1, aa=1, ra=1, rd=query.header.rd), q=query.q)
        found, exists = self._find(name, query.q.qtype)
        for record in found:
            reply.add_answer(record)
        if not found:
            soa = SOA(NAME_SERVERS[0], "hostmaster.scw.cloud", (1, 3600, 600, 86400, NEGATIVE_TTL))
            reply.add_auth(RR(zone, QTYPE.SOA, ttl=NEGATIVE_TTL, rdata=soa))
            reply.header.rcode = RCODE.NOERROR if exists else RCODE.NXDOMAIN
        return reply

    def _find(self, name: str, kind: int, depth: int = 0) -> tuple[list[RR], bool]:
        """Records for a name (following CNAMEs inside the lab), and whether the name exists at all."""
        zone = self.zone_of(name)
        if zone is None:
            return [], False
        owned = self._at(zone, name)
        if owned is None:
            return [], any(other.endswith(f".{name}") for other in self._names[zone])
        exact = [record for record in owned if kind in (record.rtype, QTYPE.ANY)]
        if exact or depth > _CNAME_DEPTH:
            return exact, True
        aliases = [record for record in owned if record.rtype == QTYPE.CNAME]
        for alias in aliases[:1]:
            target = str(alias.rdata.label).rstrip(".").lower()
            return [alias, *self._find(target, kind, depth + 1)[0]], True
        return [], True

    def _at(self, zone: str, name: str) -> list[RR] | None:
        """Records of a name, or those of the wildcard that covers it."""
        names = self._names[zone]
        if name in names:
            return names[name]
        parent = name
        while parent != zone and "." in parent:
            parent = parent.split(".", 1)[1]
            if f"*.{parent}" in names:
                return [RR(name, record.rtype, ttl=record.ttl, rdata=record.rdata) for record in names[f"*.{parent}"]]
            if parent in names:
                break
        return None


def _canonical(zone: str) -> str:
    return zone.rstrip(".").lower()


def _index(zone: str, records: list[Object]) -> dict[str, list[RR]]:
    names: dict[str, list[RR]] = {zone: []}
    for record in records:
        name = f"{record['name']}.{zone}".lower() if record["name"] else zone
        try:
            names.setdefault(name, []).append(_record(name, zone, record))
        except Exception as problem:
            log.warning("record %s %s %r cannot be served: %s", name, record["type"], record["data"], problem)
    return names


def _record(name: str, zone: str, record: Object) -> RR:
    """One API record as DNS data; relative host names in data are completed with the zone."""
    kind, data = record["type"].upper(), record["data"]
    if kind == "ALIAS":
        kind = "CNAME"
    if kind in ("CNAME", "DNAME", "NS", "MX", "SRV", "PTR") and not data.endswith("."):
        data = f"{data}.{zone}."
    if kind == "MX" and len(data.split()) == 1:
        data = f"{record['priority'] or 0} {data}"
    number = getattr(QTYPE, kind)
    if kind == "TXT":
        return RR(name, number, ttl=record["ttl"], rdata=_txt(shown_strings(data)))
    line = f"{name}. {record['ttl']} IN {kind} {data}"
    return RR.fromZone(line)[0]


def _txt(chunks: list[bytes]) -> RD:
    return RD(b"".join(bytes([len(chunk)]) + chunk for chunk in chunks))


def resolvers() -> list[str]:
    """The host's own resolvers."""
    lines = [line.split() for line in Path("/etc/resolv.conf").read_text().splitlines()]
    return [words[1] for words in lines if words[:1] == ["nameserver"] and len(words) > 1]


class NameServer:
    """Serves zones over UDP and TCP; what is not in them goes to the host's resolvers as it is."""

    def __init__(self, zones: Zones, internal: Callable[[str, str], list[str]] | None = None):
        """`internal`: the addresses of a name that ends in ``.internal``, for the client of this address."""
        self._zones, self._internal = zones, internal
        self._transports: list[asyncio.DatagramTransport] = []
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, address: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.create_datagram_endpoint(lambda: _Listener(self), (address, port))
            self._transports.append(transport)
            self._servers.append(await asyncio.start_server(self._converse, address, port))
        except OSError as problem:
            raise DriverError(f"{address}:{port} cannot be used: {os.strerror(problem.errno or 0)}") from problem

    async def stop(self) -> None:
        for transport in self._transports:
            transport.close()
        for server in self._servers:
            server.close()
        for task in list(self._tasks):
            task.cancel()
        self._transports.clear()
        self._servers.clear()
        await asyncio.sleep(0)  # the loop lets go of the sockets in its next round

    async def resolve(self, packet: bytes, tcp: bool, client: str = "", own_address: str = "127.0.0.1") -> bytes | None:
        """The answer to a DNS message; None where it is none at all."""
        try:
            query = DNSRecord.parse(packet)
        except DNSError as problem:
            log.debug("not a DNS message: %s", problem)
            return None
        if query.header.qr or not query.questions:
            return None
        reply = self._answer(query, client, own_address) if query.q.qclass == CLASS.IN else None
        if reply is None:
            forwarded = await _forward(packet, tcp)
            if not self._zones.is_above(_canonical(str(query.q.qname))):
                return forwarded or _failure(query)
            if forwarded and DNSRecord.parse(forwarded).header.rcode == RCODE.NOERROR:
                return forwarded
            reply = query.reply(ra=1, aa=0)  # what is above a zone exists, also where the world does not know it
        size = 512
        if not tcp:
            size = max([512, *(record.rclass for record in query.ar if record.rtype == QTYPE.OPT)])
        packed = bytes(reply.pack())
        return packed if tcp or len(packed) <= size else bytes(reply.truncate().pack())

    def _answer(self, query: DNSRecord, client: str, own_address: str) -> DNSRecord | None:
        """What is known here: private networks, the zones, and what these are delegated to, which is this server."""
        name = _canonical(str(query.q.qname))
        if name in NAME_SERVERS:
            addresses = [own_address]
        elif self._internal is None or not name.endswith(".internal"):
            return self._zones.answer(query)
        else:
            addresses = self._internal(name, client)
        reply = DNSRecord(DNSHeader(id=query.header.id, qr=1, aa=1, ra=1, rd=query.header.rd), q=query.q)
        if query.q.qtype in (QTYPE.A, QTYPE.ANY):
            for address in addresses:
                reply.add_answer(RR(query.q.qname, QTYPE.A, ttl=NEGATIVE_TTL, rdata=A(address)))
        if not addresses:
            reply.header.rcode = RCODE.NXDOMAIN
        return reply

    def answer_later(self, packet: bytes, peer: tuple[str, int], transport: asyncio.DatagramTransport) -> None:
        async def answer() -> None:
            own_address = transport.get_extra_info("sockname")[0]
            if reply := await self.resolve(packet, False, peer[0], own_address):
                transport.sendto(reply, peer)

        task = asyncio.get_running_loop().create_task(answer())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            while True:
                size = await asyncio.wait_for(reader.readexactly(2), 10)
                packet = await asyncio.wait_for(reader.readexactly(struct.unpack("!H", size)[0]), 10)
                peer, own = (writer.get_extra_info(end) or ("",) for end in ("peername", "sockname"))
                reply = await self.resolve(packet, True, peer[0], own[0])
                if reply is None:
                    break
                writer.write(struct.pack("!H", len(reply)) + reply)
                await writer.drain()
        writer.close()


class _Listener(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer):
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._server.answer_later(data, addr, self._transport)


class _Reply(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.packet: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not self.packet.done():
            self.packet.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.packet.done():
            self.packet.set_exception(exc)


async def _forward(packet: bytes, tcp: bool) -> bytes | None:
    """Ask the host's resolvers one after the other (some do not speak TCP: then UDP must do)."""
    for resolver in resolvers():
        for ask in (_ask_tcp, _ask_udp) if tcp else (_ask_udp,):
            with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                return await asyncio.wait_for(ask(packet, resolver), UPSTREAM_SECONDS)
    return None


async def _ask_udp(packet: bytes, resolver: str) -> bytes:
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(_Reply, remote_addr=(resolver, 53))
    transport.sendto(packet)
    try:
        return await protocol.packet
    finally:
        transport.close()


async def _ask_tcp(packet: bytes, resolver: str) -> bytes:
    reader, writer = await asyncio.open_connection(resolver, 53)
    try:
        writer.write(struct.pack("!H", len(packet)) + packet)
        size = await reader.readexactly(2)
        return await reader.readexactly(struct.unpack("!H", size)[0])
    finally:
        writer.close()


def _failure(query: DNSRecord) -> bytes:
    reply = query.reply(ra=1, aa=0)
    reply.header.rcode = RCODE.SERVFAIL
    return bytes(reply.pack())

# SPDX-License-Identifier: GPL-3.0-or-later
"""DHCP for one server on its own wire: the answer is always that server's first public address, as a /32."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct

from ensemble_lab.drivers.docker.layout import METADATA_ADDRESS

log = logging.getLogger(__name__)

_HEADER = struct.Struct("!BBBBIHH4s4s4s4s16s64s128s4s")
_COOKIE = b"\x63\x82\x53\x63"
_ANSWER = {1: 2, 3: 5}  # discover -> offer, request -> ack
_LEASE = 0xFFFFFFFF
"""For ever: guests ask once at boot and keep no client running that would renew."""
_IP_PKTINFO = 8


def answer(packet: bytes, address: str, gateway: str, resolver: str) -> bytes | None:
    """The reply to a DHCP packet, or None where none is due."""
    if len(packet) < _HEADER.size or packet[0] != 1 or packet[236:240] != _COOKIE:
        return None
    kind = _ANSWER.get(_options(packet[240:]).get(53, b"\0")[0])
    if kind is None:
        return None
    fields = list(_HEADER.unpack_from(packet))
    own, server = socket.inet_aton(address), socket.inet_aton(gateway)
    fields[0], fields[3], fields[5] = 2, 0, 0
    fields[8], fields[9], fields[12], fields[13] = own, server, b"", b""
    routes = _route(gateway, 32, "0.0.0.0") + _route(METADATA_ADDRESS, 32, gateway) + _route("0.0.0.0", 0, gateway)
    options = [
        (53, bytes([kind])),
        (54, server),
        (51, struct.pack("!I", _LEASE)),
        (1, b"\xff\xff\xff\xff"),
        (3, server),
        (6, socket.inet_aton(resolver)),
        (121, routes),
    ]
    body = b"".join(bytes([code, len(value)]) + value for code, value in options) + b"\xff"
    return (_HEADER.pack(*fields) + body).ljust(300, b"\0")


def _route(network: str, length: int, via: str) -> bytes:
    return bytes([length]) + socket.inet_aton(network)[: (length + 7) // 8] + socket.inet_aton(via)


def _options(data: bytes) -> dict[int, bytes]:
    options, at = {}, 0
    while at + 1 < len(data) and data[at] != 255:
        if data[at] == 0:
            at += 1
            continue
        options[data[at]] = data[at + 2 : at + 2 + data[at + 1]]
        at += 2 + data[at + 1]
    return options


class Dhcp:
    """One socket per wire: who asks is known by where the question comes in."""

    def __init__(self, gateway: str):
        self._gateway = gateway
        self._sockets: dict[str, socket.socket] = {}

    def serve(self, wire: str, address: str) -> None:
        self.leave(wire)
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, wire.encode())
        listener.bind(("", 67))
        self._sockets[wire] = listener
        asyncio.get_running_loop().add_reader(listener, self._receive, wire, listener, address)

    def _receive(self, wire: str, listener: socket.socket, address: str) -> None:
        try:
            reply = answer(listener.recv(2048), address, self._gateway, self._gateway)
            if reply:
                source = struct.pack("=I4s4s", 0, socket.inet_aton(self._gateway), b"")
                listener.sendmsg([reply], [(socket.IPPROTO_IP, _IP_PKTINFO, source)], 0, ("255.255.255.255", 68))
        except BlockingIOError:
            return
        except (OSError, IndexError, struct.error) as problem:
            log.debug("DHCP on %s: %s", wire, problem)
            if not isinstance(problem, (IndexError, struct.error)):
                self.leave(wire)

    def leave(self, wire: str) -> None:
        if listener := self._sockets.pop(wire, None):
            asyncio.get_running_loop().remove_reader(listener)
            listener.close()

    def close(self) -> None:
        for wire in list(self._sockets):
            self.leave(wire)

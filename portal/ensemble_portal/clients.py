"""Identify clients behind trusted proxies, and limit their requests."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Sequence
from typing import NamedTuple

from .errors import PortalError
from .settings import Network

MOST_REMEMBERED = 65536
MOST_QUOTAS = 4096


class Proxies:
    """Finds the client's address. X-Forwarded-* is trusted only as far as trusted proxies wrote it."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = trusted
        self._known: dict[str, bool | None] = {}

    def client(self, peer: str, forwarded: str | None) -> str:
        """Return the address nearest to the visitor that a trusted proxy reports."""
        if forwarded is None or not self.is_trusted(peer):
            return peer
        client = peer
        for hop in reversed(forwarded.split(",")):
            address = hop.strip()
            trusted = self.is_trusted(address)
            if trusted is None:
                break
            client = address
            if not trusted:
                break
        return client

    def is_secure(self, peer: str, protocol: str | None) -> bool:
        """Return whether a trusted proxy reports that the visitor uses HTTPS."""
        return protocol is not None and protocol.lower() == "https" and bool(self.is_trusted(peer))

    def is_trusted(self, address: str) -> bool | None:
        """Return whether the address belongs to a trusted proxy; None if it is not an IP address."""
        if address not in self._known:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[address] = self._look_up(address)
        return self._known[address]

    def _look_up(self, address: str) -> bool | None:
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return None
        ip = getattr(ip, "ipv4_mapped", None) or ip
        return any(ip in network for network in self._trusted if network.version == ip.version)


class Quota(NamedTuple):
    """A client's remaining quota as RateLimit-Policy and RateLimit headers, and as encoded header lines."""

    headers: tuple[tuple[str, str], ...]
    lines: bytes


class Limiter:
    """Token buckets per client: initially full with `size` tokens, refilled evenly over `seconds`.

    IPv6 clients are counted by /64 network.
    """

    def __init__(self, size: float, seconds: float = 60.0, name: str = "") -> None:
        self._whole = size
        self._seconds = seconds
        self._name = name
        self._quotas: dict[int, Quota] = {}
        self._buckets: dict[str, tuple[float, float]] = {}
        self.divide(1)

    def divide(self, portals: int) -> None:
        """Set the limit to the share of one of `portals` portals, at least one."""
        self._size = max(1.0, self._whole / portals) if self._whole > 0 else 0.0
        self._rate = self._size / self._seconds
        self._quotas.clear()

    def wait(self, client: str, now: float, take: bool = True) -> float:
        """Return 0 if the client may proceed (counting it if `take`), otherwise the seconds until it may."""
        if self._size <= 0:
            return 0.0
        key = network_of(client)
        left, at = self._buckets.get(key, (self._size, now))
        left = min(self._size, left + (now - at) * self._rate)
        if left < 1:
            self._buckets[key] = (left, now)
            return (1 - left) / self._rate
        self._buckets[key] = (left - take, now)
        if len(self._buckets) > MOST_REMEMBERED:
            self._forget(now)
        return 0.0

    def quota(self, client: str, now: float) -> Quota | None:
        """Return the client's remaining quota; None if there is no limit."""
        if self._size <= 0:
            return None
        left, at = self._buckets.get(network_of(client), (self._size, now))
        whole = int(min(self._size, left + (now - at) * self._rate))
        quota = self._quotas.get(whole)
        if quota is None:
            if len(self._quotas) >= MOST_QUOTAS:
                self._quotas.clear()
            quota = self._quotas[whole] = self._told(whole)
        return quota

    def _told(self, left: int) -> Quota:
        """Format a quota per draft-ietf-httpapi-ratelimit-headers; `t` is the time until the bucket is full again."""
        headers = (
            ("ratelimit-policy", f'"{self._name}";q={int(self._size)};w={self._seconds:.0f}'),
            ("ratelimit", f'"{self._name}";r={left};t={math.ceil((self._size - left) / self._rate)}'),
        )
        return Quota(headers, b"".join(f"{name}: {value}\r\n".encode() for name, value in headers))

    def _forget(self, now: float) -> None:
        """Drop full buckets; if that frees too little, drop the oldest half."""
        full = [key for key, (left, at) in self._buckets.items() if left + (now - at) * self._rate >= self._size]
        for key in full or list(self._buckets)[: MOST_REMEMBERED // 2]:
            del self._buckets[key]


def network_of(client: str) -> str:
    """Return what counts as one client: an IPv4 address or an IPv6 /64 network."""
    if ":" not in client:
        return client
    try:
        ip = ipaddress.IPv6Address(client.partition("%")[0])
    except ValueError:
        return client
    if ip.ipv4_mapped:
        return str(ip.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(ip) >> 64 << 64, 64)))


def too_many(kind: str, wait: float, quota: Quota | None) -> PortalError:
    """Return the error for a client that has to wait `wait` seconds."""
    seconds = int(wait) + 1
    return PortalError(kind, {"Retry-After": str(seconds), **dict(quota.headers if quota else ())}, wait=seconds)

"""Webhooks from the settings, and the signature of their events (Standard Webhooks)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

EVENTS = ("room.created", "server.lost")
PREFIX = "whsec_"
SECRET_BYTES = range(24, 65)


@dataclass(frozen=True, slots=True)
class Webhook:
    """A destination of events. Its URL may contain a token, so only `host` is ever shown."""

    url: str = field(repr=False)
    host: str
    secret: bytes = field(repr=False)
    events: frozenset[str]


def read_webhooks(text: str) -> tuple[Webhook, ...]:
    """Parse 'https://crm.example/hook whsec_... room.created, ...'. Raises ValueError, whose text has no secret."""
    return tuple(_read(entry.split()) for entry in text.split(",") if entry.strip())


def _read(words: list[str]) -> Webhook:
    url, secret, *events = [*words, ""] if len(words) == 1 else words
    host = _host(url)
    if host is None:
        raise ValueError(
            "must be addresses such as https://crm.example/hook; http is for addresses of your own network"
        )
    if unknown := set(events).difference(EVENTS):
        raise ValueError(f"{host}: {min(unknown)[:40]} is no event; there are {', '.join(EVENTS)}")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True) if secret.startswith(PREFIX) else b""
    except binascii.Error:
        key = b""
    if len(key) not in SECRET_BYTES:
        raise ValueError(f"{host}: needs a secret after the address: {PREFIX} and 24 to 64 bytes in base64")
    return Webhook(url, host, key, frozenset(events or EVENTS))


def _host(url: str) -> str | None:
    """Return the host of a URL that events may be sent to, otherwise None."""
    try:
        parts = urlsplit(url)
        usable = parts.hostname and parts.port != 0 and "@" not in parts.netloc and url.isprintable()
    except ValueError:
        return None
    if not usable or not (parts.scheme == "https" or (parts.scheme == "http" and _is_own(parts.hostname or ""))):
        return None
    return parts.netloc


def _is_own(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host == "localhost"


def signed(webhook: Webhook, identity: str, at: int, body: bytes) -> dict[str, str]:
    """Return the headers that prove who sent the body, and when."""
    content = b"%b.%d.%b" % (identity.encode(), at, body)
    signature = base64.b64encode(hmac.digest(webhook.secret, content, hashlib.sha256)).decode()
    return {"webhook-id": identity, "webhook-timestamp": str(at), "webhook-signature": f"v1,{signature}"}

"""The portal's settings: read from ENSEMBLE_* environment variables, checked once at start, all errors at once."""

from __future__ import annotations

import ipaddress
import math
import os
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .branding import Link, read_ancestors, read_color, read_links, read_logo
from .integrations.keys import ApiKey, read_api_keys
from .integrations.webhooks import Webhook, read_webhooks

PREFIX = "ENSEMBLE_"
LOOPBACK = "127.0.0.0/8,::1/128"
IN_MEMORY = "sqlite::memory:"
UNITS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
CREDENTIALS = re.compile(r"(?<=//).*(?=@)|^[^/]*(?=@)", re.DOTALL)
HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingsError(Exception):
    """Raised with one line per wrong setting."""


def _seconds(text: str) -> float:
    """Seconds of '90', '90s', '2m' or '4h'."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h|d)?", text)
    if not match:
        raise ValueError("must be a duration such as 10, 10s, 2m, 4h or 30d")
    return float(match[1]) * {None: 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError("must be a number") from None
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


def _whole(text: str) -> int:
    if not re.fullmatch(r"-?\d+", text):
        raise ValueError("must be a whole number")
    return int(text)


def _yes_no(text: str) -> bool:
    lower = text.lower()
    if lower not in {"yes", "no", "true", "false", "1", "0"}:
        raise ValueError("must be yes or no")
    return lower in {"yes", "true", "1"}


def _http_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 and text.isprintable()
    except ValueError:  # a port that is none; what is told of it may hold the password
        usable = False
    if not usable or " " in text:
        raise ValueError("must be an address such as http://10.0.0.5:9090")
    return text.rstrip("/")


def _http_urls(text: str) -> tuple[str, ...]:
    return tuple(_http_url(word) for word in _words(text))


def _public_url(text: str) -> str:
    url = _http_url(text) if text else ""
    parts = urlsplit(url)
    if url and (url != f"{parts.scheme}://{parts.netloc}" or not HOST.fullmatch(parts.netloc)):
        raise ValueError("must be scheme and host only, such as https://meet.example.org")
    return url


def _listen(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) < 65536:
        raise ValueError("must be host:port, for example 0.0.0.0:8080")
    return host.strip("[]"), int(port)


def _store(text: str) -> str:
    if not text.startswith(("sqlite:", "postgresql://", "postgres://")):
        raise ValueError("must be sqlite:PATH, sqlite::memory: or postgresql://user@host/database")
    if text.startswith("postgres") and not _is_database(text):
        raise ValueError("must be postgresql://user@host/database; in a password, write / as %2F, @ as %40, : as %3A")
    path = Path(text.removeprefix("sqlite:"))
    if text.startswith("sqlite:") and text != IN_MEMORY and not os.access(path.parent, os.W_OK):
        raise ValueError(f"{path.parent} is not a folder that the portal may write to")
    return text


def _is_database(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and parts.port != 0 and "@" not in parts.path and "@" not in (parts.password or "")
    except ValueError:
        return False


def _authority(text: str) -> str:
    try:
        if text:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        raise ValueError("must be certificates in PEM form, -----BEGIN CERTIFICATE-----...") from None
    return text


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(word) for word in _words(text))
    except ValueError as error:
        raise ValueError(f"must be networks such as 10.0.0.0/8,::1/128 ({error})") from None


def _per_type(text: str) -> dict[str, float]:
    """{'DEV1-L': 4e8, '*': 4e8} of 'DEV1-L=400M,*=400M'."""
    caps = {}
    for word in _words(text):
        match = re.fullmatch(r"([\w.*-]+)=(\d+(?:\.\d+)?)([kMG]?)", word)
        if not match or float(match[2]) <= 0:
            raise ValueError("must be TYPE=NUMBER pairs such as DEV1-L=400M,*=400M, each above zero")
        caps[match[1]] = float(match[2]) * UNITS[match[3]]
    if "*" not in caps:
        raise ValueError("needs a pair for * (all other types): without it they would have no limit")
    return caps


def _origins(text: str) -> tuple[str, ...]:
    """Web origins as browsers send them: no slash at the end, in lower case, no port that goes without saying."""
    return tuple(word if word == "*" else _origin(word) for word in _words(text))


def _origin(word: str) -> str:
    match = re.fullmatch(r"(https?)://([^/@?#\s]+)/?", word, re.IGNORECASE)
    if not match or not HOST.fullmatch(match[2]):
        raise ValueError("must be * or web origins such as https://school.example, without a path")
    scheme, host = match[1].lower(), match[2].lower()
    return f"{scheme}://{host.removesuffix({'http': ':80', 'https': ':443'}[scheme])}"


def _choice(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return text

    return read


def setting(
    read: Callable[[str], Any],
    default: str | None,
    about: str,
    low: float | None = None,
    high: float | None = None,
    secret: bool = False,
) -> Any:
    """One setting: how its text is read, its default text (None: must be given), its bounds; a secret is never told."""
    facts = {"read": read, "default": default, "about": about, "low": low, "high": high, "secret": secret}
    return field(metadata=facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    prometheus_url: tuple[str, ...] = setting(
        _http_urls, None, "where Prometheus answers; several that watch the same servers with commas", secret=True
    )
    prometheus_timeout: float = setting(_seconds, "5", "how long one query may take", 0.1, 30)
    poll_interval: float = setting(_seconds, "10", "time between two queries", 0.1, 30)
    stale_after: float = setting(
        _seconds, "60", "age at which a measure, or the whole list, is no longer used", 1, 3600
    )
    cpu_window: float = setting(_seconds, "30", "window of the CPU and egress rates", 2, 900)
    required_jobs: tuple[str, ...] = setting(_words, "node,nginx", "jobs that must watch a server for it to be used")
    grace_polls: int = setting(_whole, "3", "polls in a row that make a new server ready", 1, 100)
    lost_after: float = setting(
        _seconds, "3m", "how long it must be proven that a server's rooms cannot be reached before they move", 0, 86400
    )
    egress_caps: dict[str, float] = setting(_per_type, "*=400M", "egress limit per server type, bit/s; * is any other")
    participant_caps: dict[str, float] = setting(_per_type, "*=150", "participants that fill a server, per type")
    full_load: float = setting(_number, "90", "load in percent above which a server is full", 1, 1000)
    when_full: str = setting(
        _choice("refuse", "accept", "queue"), "refuse", "new rooms while all servers are full: refuse, accept or queue"
    )
    queue_time: float = setting(_seconds, "20", "how long a new room waits in the queue", 1, 300)
    choices: int = setting(_whole, "50", "how many random servers each choice compares", 1, 1000)
    room_load: float = setting(_number, "0.07", "load that one new room is expected to bring", 0, 1)
    promise_time: float = setting(_seconds, "120", "time until the measures show all of a new room's load", 1, 3600)
    public_url: str = setting(
        _public_url, "", "what links to rooms begin with; empty is the address that a request came to"
    )
    listen: tuple[str, int] = setting(_listen, "0.0.0.0:8080", "address and port to listen on")
    store: str = setting(_store, IN_MEMORY, "the register of rooms; PostgreSQL when portals share it", secret=True)
    store_ca: str = setting(
        _authority,
        "",
        "certificates (PEM) that verify a PostgreSQL, and its name unless ENSEMBLE_STORE says sslmode=verify-ca",
        secret=True,
    )
    claim_time: float = setting(_seconds, "12h", "how long a room keeps its server unused", 1, 31536000)
    most_rooms: int = setting(_whole, "200000", "rooms that the register holds", 1, 100_000_000)
    rooms_per_minute: float = setting(_number, "120", "new rooms per client and minute; 0 is no limit", 0, 1e9)
    names_per_client: float = setting(
        _number, "10000", "new names per client within ENSEMBLE_CLAIM_TIME; 0 is no limit", 0, 1e9
    )
    joins_per_minute: float = setting(_number, "6000", "joins of open rooms per client and minute", 0, 1e9)
    lookups_per_minute: float = setting(_number, "600", "rooms not open asked for per client and minute", 0, 1e9)
    streams_per_client: int = setting(_whole, "50", "live views (event streams) open per client", 1, 500)
    trusted_proxies: tuple[Network, ...] = setting(_networks, LOOPBACK, "peers whose X-Forwarded-For and -Proto count")
    hsts: float = setting(
        _seconds, "365d", "how long a browser that came by HTTPS insists on it; 0: as it likes", 0, 63072000
    )
    api_keys: tuple[ApiKey, ...] = setting(
        read_api_keys, "", "keys of other programs: NAME=SHA256 SCOPE ... [NUMBER/min], with commas", secret=True
    )
    webhooks: tuple[Webhook, ...] = setting(
        read_webhooks, "", "where events go, signed: URL whsec_SECRET [EVENT ...], with commas", secret=True
    )
    reservation_time: float = setting(_seconds, "24h", "longest meeting where Jitsi asks the portal", 60, 31536000)
    cors_origins: tuple[str, ...] = setting(_origins, "", "web origins that may call the API; * is any")
    site_name: str = setting(str, "Ensemble", "the name shown on the pages")
    contact: str = setting(str, "", "a mail address or page for help, shown on error pages and in the footer")
    logo: Path | None = setting(read_logo, "", "a file (SVG, PNG, WebP) to show instead of our mark")
    color: str = setting(read_color, "", "colour of links and buttons, such as #12493b; made readable in both schemes")
    links: tuple[Link, ...] = setting(
        read_links, "", "links of the footer: Legal notice=https://..., Privacy=/..., Accessibility=..."
    )
    frame_ancestors: str = setting(
        read_ancestors, "", "pages that may show the portal in a frame: origins, or 'self'; empty is none"
    )
    status_page: str = setting(
        _choice("public", "private"), "public", "whether visitors may see the servers (page, list and live view)"
    )
    log_level: str = setting(_choice("debug", "info", "warning", "error"), "info", "what is logged")
    log_requests: bool = setting(_yes_no, "no", "log each request with its path and client")
    stop_delay: float = setting(_seconds, "0", "how long a stop still serves while /healthz tells the balancer", 0, 600)
    stop_timeout: float = setting(_seconds, "20", "how long a stop waits for open requests", 0, 600)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read all settings. Raises SettingsError listing every wrong or unknown one."""
        values: dict[str, Any] = {}
        errors = []
        for one in fields(cls):
            name = PREFIX + one.name.upper()
            text = environ.get(name, "").strip() or one.metadata["default"]
            if text is None:
                errors.append(f"{name} is not set: {one.metadata['about']}")
                continue
            try:
                values[one.name] = _in_bounds(one.metadata["read"](text), one.metadata["low"], one.metadata["high"])
            except ValueError as error:
                shown = "" if one.metadata["secret"] else f"={CREDENTIALS.sub('***', text)!r}"
                errors.append(f"{name}{shown}: {error}")
        known = {PREFIX + one.name.upper() for one in fields(cls)}
        unknown = sorted(name for name in environ if name.startswith(PREFIX) and name not in known)
        errors += [f"{name} is not a setting of the portal" for name in unknown]
        if not errors and values["poll_interval"] > values["stale_after"]:
            errors.append("ENSEMBLE_STALE_AFTER must not be shorter than ENSEMBLE_POLL_INTERVAL")
        if errors:
            raise SettingsError("\n".join(errors))
        return cls(**values)


def _in_bounds(value: Any, low: float | None, high: float | None) -> Any:
    if low is not None and high is not None and not low <= value <= high:
        raise ValueError(f"must be between {low:g} and {high:g}")
    return value


def table() -> list[tuple[str, str, str]]:
    """(variable, default, meaning) of every setting, for the README and --help."""
    return [
        (
            PREFIX + one.name.upper(),
            "(required)" if one.metadata["default"] is None else one.metadata["default"] or "(empty)",
            one.metadata["about"],
        )
        for one in fields(Settings)
    ]

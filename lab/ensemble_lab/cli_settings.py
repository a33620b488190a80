# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a lab as arguments of a command; what is wrong is told before anything is done."""

from __future__ import annotations

import argparse
import ipaddress
import re
import uuid
from pathlib import Path

from ensemble_lab.settings import ACCESS_KEY, PROJECT, SECRET_KEY, Settings

_DOMAIN = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))+")


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port (1 to 65535)")
    return int(text)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = -1
    if not 0 <= speed < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a speed (0 or more)")
    return speed


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a UUID") from None


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an IP address") from None


def _access_key(text: str) -> str:
    if not re.fullmatch(r"SCW[A-Z0-9]{17}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an access key (SCW and 17 capital letters or digits)")
    return text


def _domain(text: str) -> str:
    name = text.rstrip(".").lower()
    if not _DOMAIN.fullmatch(name):
        raise argparse.ArgumentTypeError(f"{text!r} is not a domain name (such as example.test)")
    return name


def _subnet(text: str) -> str:
    try:
        subnet = ipaddress.IPv4Network(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(f"{text!r} is not a network: {problem}") from None
    if subnet.prefixlen != 16 or not subnet.is_private:
        raise argparse.ArgumentTypeError(f"{text} is not a private /16 (such as 10.86.0.0/16)")
    return text


def add_state(parser: argparse.ArgumentParser, default: Path = Path(".lab")) -> None:
    parser.add_argument("--state", type=Path, default=default, help="folder for the state (default %(default)s)")


def add_settings(parser: argparse.ArgumentParser, driver: str, speed: float, state: Path) -> None:
    """All of :class:`Settings`; the arguments are the defaults that differ between commands."""
    default = Settings()
    add_state(parser, state)
    parser.add_argument(
        "--driver",
        choices=("null", "docker"),
        default=driver,
        help="null: timers only; docker: real machines in containers (default %(default)s)",
    )
    parser.add_argument(
        "--port", type=_port, default=default.port, help="port of the API and its page (default %(default)s)"
    )
    parser.add_argument("--tls-port", type=_port, help="serve HTTPS with the lab's own CA on this port as well")
    parser.add_argument(
        "--dns-port", type=_port, help="answer DNS queries for the zones on this port of 127.0.0.1 as well"
    )
    parser.add_argument(
        "--listen",
        action="append",
        type=_address,
        metavar="ADDRESS",
        help="may be given several times (default 127.0.0.1)",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=default.cache,
        help="folder that is kept when a lab is removed (default %(default)s)",
    )
    parser.add_argument("--files", type=Path, help="folder to serve below /_emulator/files/ (default STATE/files)")
    parser.add_argument(
        "--speed",
        type=_speed,
        default=speed,
        help="divide recorded durations by this number; 0: do not wait (default %(default)s)",
    )
    parser.add_argument("--seed", type=int, help="make a null lab reproducible")
    parser.add_argument(
        "--dns-domain", type=_domain, default=default.dns_domain, help="root zone of the account (default %(default)s)"
    )
    parser.add_argument(
        "--subnet", type=_subnet, default=default.subnet, help="/16 network for the docker driver (default %(default)s)"
    )
    parser.add_argument("--project", type=_uuid, default=PROJECT, help="default %(default)s")
    parser.add_argument("--organization", type=_uuid, default=PROJECT, help="default %(default)s")
    parser.add_argument("--access-key", type=_access_key, default=ACCESS_KEY, help="default %(default)s")
    parser.add_argument("--secret-key", type=_uuid, default=SECRET_KEY, help="default %(default)s")


def settings_of(args: argparse.Namespace) -> Settings:
    """What :func:`add_settings` understood, with absolute paths."""
    fields = {name: getattr(args, name) for name in Settings.__dataclass_fields__}
    fields["listen"] = args.listen or ["127.0.0.1"]
    for name in ("state", "cache", "files"):
        fields[name] = fields[name] and fields[name].absolute()
    return Settings(**fields)

# SPDX-License-Identifier: GPL-3.0-or-later
"""``ensemble-lab``: the lab in the foreground (serve) or in the background (up, down, status, logs, shell, fault)."""

from __future__ import annotations

import argparse
import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from ensemble_lab.settings import ACCESS_KEY, PROJECT, SECRET_KEY, Settings


def _add_settings(parser: argparse.ArgumentParser) -> None:
    default = Settings()
    parser.add_argument(
        "--driver",
        choices=("null", "docker"),
        default=default.driver,
        help="what is real: nothing (timers), or everything that fits a container",
    )
    parser.add_argument("--port", type=int, default=default.port)
    parser.add_argument("--tls-port", type=int, help="HTTPS with the lab's own CA on this port, too")
    parser.add_argument(
        "--listen", action="append", metavar="ADDRESS", help="may be given several times (default 127.0.0.1)"
    )
    parser.add_argument("--state", type=Path, default=default.state, help="folder of the state (default %(default)s)")
    parser.add_argument(
        "--cache",
        type=Path,
        default=default.cache,
        help="folder of built things that outlive a lab (default %(default)s)",
    )
    parser.add_argument("--files", type=Path, help="folder served below /_emulator/files/ (default STATE/files)")
    parser.add_argument(
        "--speed", type=float, default=default.speed, help="recorded durations are divided by it; 0: no waiting"
    )
    parser.add_argument("--seed", type=int, help="makes a null lab repeatable")
    parser.add_argument(
        "--dns-domain", default=default.dns_domain, help="the root zone that the project owns (default %(default)s)"
    )
    parser.add_argument("--subnet", default=default.subnet, help="of the docker driver's network (default %(default)s)")
    parser.add_argument("--project", default=PROJECT, help="default %(default)s")
    parser.add_argument("--organization", default=PROJECT, help="default %(default)s")
    parser.add_argument("--access-key", default=ACCESS_KEY, help="default %(default)s")
    parser.add_argument("--secret-key", default=SECRET_KEY, help="default %(default)s")


def settings_of(args: argparse.Namespace) -> Settings:
    fields = {name: getattr(args, name) for name in Settings.__dataclass_fields__ if hasattr(args, name)}
    fields["listen"] = args.listen or ["127.0.0.1"]
    for name in ("state", "cache"):
        fields[name] = fields[name].absolute()
    return Settings(**fields)


def _serve(args: argparse.Namespace) -> int:
    from ensemble_lab.server import serve

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = settings_of(args)
    settings.state.mkdir(parents=True, exist_ok=True)
    print(f"Ensemble lab ({settings.driver}) on http://{settings.listen[0]}:{settings.port}", flush=True)
    for name in ("project", "organization", "access_key", "secret_key", "dns_domain"):
        print(f"  {name.replace('_', ' '):<14} {getattr(settings, name)}", flush=True)
    asyncio.run(serve(settings))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="ensemble-lab", description="A local Scaleway.")
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="run in the foreground")
    _add_settings(serving)
    serving.set_defaults(run=_serve)
    args = parser.parse_args(argv)
    return args.run(args)

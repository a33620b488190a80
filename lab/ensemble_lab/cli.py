# SPDX-License-Identifier: GPL-3.0-or-later
"""``ensemble-lab``: the lab in the foreground (serve) or in the background (up, down, status, logs, shell, fault)."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ensemble_lab import cli_fault
from ensemble_lab.cli_settings import add_settings, add_state, settings_of
from ensemble_lab.daemon import Daemon, Trouble
from ensemble_lab.drivers.base import DriverError
from ensemble_lab.settings import Settings

STOPPED = 3
"""Exit status of ``status`` when no lab runs, as init scripts have it."""


def _announce(settings: Settings) -> None:
    print(f"Ensemble lab ({settings.driver}) on http://{settings.listen[0]}:{settings.port}", flush=True)
    for name in ("project", "organization", "access_key", "secret_key", "dns_domain"):
        print(f"  {name.replace('_', ' '):<14} {getattr(settings, name)}", flush=True)


def _serve(args: argparse.Namespace) -> int:
    from ensemble_lab.server import serve
    from ensemble_lab.store import InUse

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = settings_of(args)
    settings.state.mkdir(parents=True, exist_ok=True)
    try:
        asyncio.run(serve(settings, _announce))
    except (InUse, OSError, DriverError) as problem:
        raise Trouble(str(problem)) from None
    return 0


def _up(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    if settings.driver == "docker" and not args.listen:
        settings.listen = ["127.0.0.1", str(ipaddress.ip_network(settings.subnet)[1])]
    lab = Daemon(settings.state)
    started = lab.up(settings, args.wait)
    info = lab.info() or {}
    print(f"the lab {'is running' if started else 'was already running'} on {lab.url} (driver {info.get('driver')})")
    return 0


def _down(args: argparse.Namespace) -> int:
    print("the lab is removed" if Daemon(args.state).down() else "there was no lab")
    return 0


def _clean(args: argparse.Namespace) -> int:
    """Down, and everything that outlives a lab goes too."""
    lab = Daemon(args.state)
    cache = lab.settings.cache if (lab.state / "lab.json").exists() else Settings().cache
    lab.down()
    shutil.rmtree(cache, ignore_errors=True)
    print("the lab and its cache are removed")
    return 0


def _status(args: argparse.Namespace) -> int:
    lab = Daemon(args.state)
    info = lab.info() if lab.pid() else None
    if info is None:
        print("no lab is running")
        return STOPPED
    print(f"{lab.url}  driver {info['driver']}, pid {lab.pid()}")
    for name in ("gateway", "dns", "registry", "ca_file", "dns_domain"):
        if info.get(name):
            print(f"  {name.replace('_', ' '):<11} {info[name]}")
    state = lab.ask("GET", "/state")
    addresses = {ip["id"]: ip["address"] for ip in state.get("instance_ip", [])}
    for server in state.get("instance_server", []):
        held = " ".join(filter(None, (addresses.get(ident) for ident in server["public_ips"])))
        detail = f"{server['state']} ({server['state_detail']})" if server["state_detail"] else server["state"]
        print(f"  server {server['name']:<24} {server['commercial_type']:<12} {detail:<28} {held}")
    for balancer in state.get("lb", []):
        held = " ".join(ip["ip_address"] for ip in state["lb_ip"] if ip["id"] in balancer["ip_ids"])
        print(f"  lb     {balancer['name']:<24} {balancer['type']:<12} {balancer['status']:<28} {held}")
    return 0


def _logs(args: argparse.Namespace) -> int:
    lab = Daemon(args.state)
    print(lab.tail(args.lines))
    if args.follow:
        with lab.log_file.open(errors="replace") as log:
            log.seek(0, os.SEEK_END)
            while lab.pid():
                line = log.readline()
                if line:
                    print(line, end="", flush=True)
                else:
                    time.sleep(0.3)
    return 0


def _shell(args: argparse.Namespace) -> int:
    lab = Daemon(args.state)
    servers = lab.ask("GET", "/state").get("instance_server", [])
    server = next((server for server in servers if args.server in (server["name"], server["id"])), None)
    if server is None:
        known = ", ".join(server["name"] for server in servers) or "none"
        raise Trouble(f"there is no server {args.server}; existing servers: {known}")
    if lab.settings.driver != "docker":
        raise Trouble("the servers of a null lab are not machines, so there is no shell")
    find = ["docker", "ps", "--quiet", "--filter", f"label=ensemble.server={server['id']}"]
    container = subprocess.run(find, capture_output=True, text=True, check=True).stdout.split()
    if not container:
        raise Trouble(f"{server['name']} is not running ({server['state']})")
    words = args.command or ["bash", "-l"]
    terminal = ["--interactive", "--tty"] if sys.stdin.isatty() else ["--interactive"]
    return subprocess.run(["docker", "exec", *terminal, container[0], *words]).returncode


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ensemble-lab", description="A local Scaleway.")
    commands = parser.add_subparsers(dest="name", required=True, metavar="COMMAND")

    def add(name: str, run: object, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        command.set_defaults(run=run)
        return command

    add_settings(add("serve", _serve, "run a lab in the foreground"), "null", 1.0, Path(".lab/serve"))
    up = add("up", _up, "start a lab in the background and wait until it answers")
    add_settings(up, "docker", 1.0, Path(".lab"))
    up.add_argument("--wait", type=float, default=900.0, metavar="SECONDS", help="longest wait (default %(default)s)")
    add_state(add("down", _down, "stop the lab and remove everything that it created"))
    add_state(add("clean", _clean, "stop the lab, and remove it and the cache of built images"))
    add_state(add("status", _status, "show what is running; exit status 3 if no lab is running"))
    logs = add("logs", _logs, "show the lab's log")
    add_state(logs)
    logs.add_argument("-f", "--follow", action="store_true")
    logs.add_argument("-n", "--lines", type=int, default=50)
    shell = add("shell", _shell, "open a shell in a server")
    add_state(shell)
    shell.add_argument("server", help="name or id")
    shell.add_argument("command", nargs=argparse.REMAINDER, help="command to run instead of a shell")
    fault = add("fault", cli_fault.run, "inject faults")
    add_state(fault)
    cli_fault.add_arguments(fault)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    try:
        return int(args.run(args))
    except Trouble as problem:
        print(f"ensemble-lab: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130

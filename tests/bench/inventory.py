# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of 1,000 servers in nine zones, each in a private network; the best of some runs each."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests
import yaml

from . import others
from .cloud import PROJECT, SECRET_KEY, Cloud, cloud
from .commands import HOSTS, Failed, Figures, measure
from .report import Report

SERVERS = 1000
ZONES = [f"{region}-{number}" for region in ("fr-par", "nl-ams", "pl-waw") for number in (1, 2, 3)]
SERVER_TYPE = "POP2-2C-8G"  # sold in all of them
RUNS = 3
MOST_COLD = 2.0
MOST_CACHED = 0.5


def bench(report: Report, folder: Path) -> None:
    report.heading(f"Inventory of {SERVERS} servers in {len(ZONES)} zones")
    with cloud(folder / "inventory", "--speed", "0") as here:  # nothing changes its state here
        _fill(here)
        here.slow_down()
        ours = _source(here, folder / "ours.scaleway.yml")
        cached = _source(here, folder / "cached.scaleway.yml", cache=folder / "cache")
        cold = _best(lambda: _list(here, ours))
        report.figure("ansible-inventory --list", cold, cold.lab_share)
        report.line("cold, the whole command", cold.seconds, MOST_COLD, "s")
        _list(here, cached)  # fills the cache
        warm = _best(lambda: _list(here, cached))
        report.figure("ansible-inventory --list, from the cache", warm)
        report.figure("  of this, Ansible alone, with localhost for an inventory", _best(lambda: _list(here, HOSTS)))
        plain = folder / "plain.json"
        plain.write_text(json.dumps(_plain(json.loads(warm.output))))
        report.figure("  the same hosts from a plain file", _best(lambda: _list(here, plain)))
        report.figure("loading it, as ansible-playbook does before the first play", f"{_load(here, ours):7.2f} s")
        loaded = _load(here, cached)
        report.line("cached, loading it", loaded, MOST_CACHED, "s")
        _beside(report, here, folder)


def _list(here: Cloud, source: Path, **environment: str) -> Figures:
    figures = measure(here, "ansible-inventory", "-i", source, "--list", **environment)
    hosts = {host for group in json.loads(figures.output).values() for host in group.get("hosts", [])}
    if source != HOSTS and len(hosts) != SERVERS:
        raise Failed(f"{source.name} gave {len(hosts)} hosts of {SERVERS}")
    return figures


def _load(here: Cloud, source: Path) -> float:
    """Seconds to load an inventory, the best of some runs."""
    script = Path(__file__).parent / "load_inventory.py"
    seconds = []
    for _ in range(RUNS):
        took, hosts = measure(here, "python", script, source).output.split()[-2:]
        if int(hosts) != SERVERS:
            raise Failed(f"{source.name} gave {hosts} hosts of {SERVERS}")
        seconds.append(float(took))
    return min(seconds)


def _best(run: Callable[[], Figures]) -> Figures:
    return min((run() for _ in range(RUNS)), key=lambda figures: figures.seconds)


def _source(here: Cloud, file: Path, cache: Path | None = None) -> Path:
    content: dict[str, Any] = {"plugin": "ensemble.jitsi.scaleway", "zones": ZONES, **here.account}
    if cache:
        content |= {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(cache)}
    file.write_text(yaml.safe_dump(content))
    return file


def _plain(listed: dict[str, Any]) -> dict[str, Any]:
    """What `ansible-inventory --list` printed, as an inventory of its own."""
    return {"all": {"hosts": listed["_meta"]["hostvars"]}}


def _beside(report: Report, here: Cloud, folder: Path) -> None:
    report.figure("beside it, cold (neither can be cached on disk, neither asks for private addresses):", "")
    theirs = folder / "theirs.scaleway.yml"
    if others.installed("scaleway.scaleway"):
        source = {"plugin": "scaleway.scaleway.scaleway", "zones": ZONES, "hostnames": ["hostname"]}
        theirs.write_text(yaml.safe_dump(source))
        official = _list(here, theirs, **others.environment_of_scaleway(here))
        report.figure("scaleway.scaleway", official, official.lab_share)
    else:
        report.figure(
            "scaleway.scaleway", "not run: not installed (ansible-galaxy collection install scaleway.scaleway)"
        )
    zones = [f"{place}{number}" for place in ("par", "ams", "waw") for number in (1, 2, 3)]
    source = {"plugin": "community.general.scaleway", "regions": zones, "hostnames": ["hostname"]}
    theirs.write_text(yaml.safe_dump({**source, "oauth_token": here.account["secret_key"]}))
    with others.environment_of_community(here) as led:
        community = _list(here, theirs, **led)
    report.figure("community.general.scaleway", community, community.lab_share)


def _fill(here: Cloud) -> None:
    """Make the servers, through the API."""
    session = requests.Session()
    session.headers["X-Auth-Token"] = SECRET_KEY

    def post(path: str, **body: Any) -> Any:
        answer = session.post(here.lab.url + path, json=body, timeout=30)
        answer.raise_for_status()
        return answer.json()

    regions = sorted({zone.rsplit("-", 1)[0] for zone in ZONES})
    networks = {
        region: post(f"/vpc/v2/regions/{region}/private-networks", name="bench", project_id=PROJECT)["id"]
        for region in regions
    }

    def make(number: int) -> None:
        zone = ZONES[number % len(ZONES)]
        servers = f"/instance/v1/zones/{zone}/servers"
        desired = {"name": f"s-{number}", "commercial_type": SERVER_TYPE, "image": "debian_trixie", "project": PROJECT}
        server = f"{servers}/{post(servers, **desired, tags=['bench', 'ensemble-role:jitsi'])['server']['id']}"
        post(f"{server}/private_nics", private_network_id=networks[zone.rsplit("-", 1)[0]])
        post(f"{server}/action", action="poweron")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(make, range(SERVERS)))
    here.lab.admin("POST", "idle")

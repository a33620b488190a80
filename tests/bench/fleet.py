# SPDX-License-Identifier: GPL-3.0-or-later
"""A hundred servers from nothing, on recorded state times: little more than the slowest of them needs by itself."""

from __future__ import annotations

import json
import re
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

from . import others
from .cloud import LATENCY, Cloud, cloud
from .commands import HOSTS, Failed, Figures, measure
from .report import Report

SERVERS = 100
LOOPED = 10
IN_FLIGHT = 16
ALLOWANCE = 1.5
LOOK = 5.0  # seconds; a guest takes at least 21 from `running` to `booted`, so no server is missed in between
ACTION = re.compile(r"/servers/([0-9a-f-]{36})/action$")
ROOTS = {
    "local disks, as in playbooks/fleet.yml": {"volume_type": "l_ssd", "size": 20000000000},
    "block disks, which start sooner": {"volume_type": "sbs_volume", "size": 20000000000},
}


class Watch(threading.Thread):
    """Notes when each server came to run: the API moves `modification_date` with the state, and again at `booted`."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(daemon=True)
        self.running: dict[str, float] = {}
        self._cloud = cloud
        self._end = threading.Event()

    def run(self) -> None:
        while not self._end.wait(LOOK):
            self._look()

    def stop(self) -> None:
        self._end.set()
        self.join()
        self._look()

    def _look(self) -> None:
        for server in self._cloud.servers():
            if server["state"] == "running" and server["state_detail"] == "booting kernel":
                self.running[server["id"]] = datetime.fromisoformat(server["modification_date"]).timestamp()


def bench(report: Report, folder: Path) -> None:
    for number, (kind, root) in enumerate(ROOTS.items()):
        with cloud(folder / f"fleet-{number}", "--speed", "1") as here:
            here.slow_down()
            report.heading(f"Fleet of {SERVERS} from nothing, {kind}")
            _fleet(report, here, root)
            if number == 0:
                _beside(report, here, root)


def _play(here: Cloud, playbook: str, variables: dict[str, Any], **environment: str) -> Figures:
    path = Path(__file__).parent / "playbooks" / playbook
    everything = json.dumps({"account": here.account, **variables})
    return measure(here, "ansible-playbook", "-i", HOSTS, path, "-e", everything, **environment)


def _fleet(report: Report, here: Cloud, root: dict[str, Any]) -> None:
    watch = Watch(here)
    watch.start()
    made = _play(here, "fleet.yml", {"count": SERVERS, "root_volume": root})
    watch.stop()
    started = {
        found.group(1): request["at"]
        for request in made.requests
        if request["method"] == "POST" and (found := ACTION.search(request["path"]))
    }
    if len(started) != SERVERS or watch.running.keys() != started.keys():
        raise Failed(f"{len(started)} servers were started, {len(watch.running)} were seen to run")
    longest = max(watch.running[ident] - at for ident, at in started.items())
    requests_time = len(made.requests) / IN_FLIGHT * LATENCY
    report.figure("ansible-playbook with one scaleway_fleet task", made, made.lab_share)
    report.figure("longest server's own time, from its start to running", f"{longest:7.2f} s")
    report.figure(f"{len(made.requests)} requests / {IN_FLIGHT} in flight x {LATENCY} s", f"{requests_time:7.2f} s")
    allowed = ALLOWANCE * (longest + requests_time)
    report.line(f"{ALLOWANCE} x ({longest:.2f} s + {requests_time:.2f} s)", made.seconds, allowed, "s")
    again = _play(here, "fleet.yml", {"count": SERVERS, "root_volume": root})
    report.figure("the same once more, nothing to do", again, again.lab_share)


def _beside(report: Report, here: Cloud, root: dict[str, Any]) -> None:
    report.figure(f"beside it, {LOOPED} servers by loops that do not wait for them:", "")
    few = {"count": LOOPED, "root_volume": root}
    _loop(report, "loop over scaleway_server", lambda: _play(here, "loop.yml", few))
    few = {"count": LOOPED, "image": _image(here)}
    with others.environment_of_community(here) as led:
        _loop(
            report,
            "loop over community.general.scaleway_compute",
            lambda: _play(here, "loop_community.yml", few, **led),
        )
    report.figure("scaleway.scaleway", "not run: it has no module for servers")


def _loop(report: Report, what: str, run: Any) -> None:
    for title in (what, "  once more, nothing to do"):
        took = run()
        per_server = f"{took}; {took.seconds / LOOPED:.2f} s each"
        report.figure(title, per_server, took.lab_share)


def _image(here: Cloud) -> str:
    """The id that community.general wants where others take a label."""
    found = requests.get(
        f"{here.lab.url}/marketplace/v2/local-images",
        params={"image_label": "debian_trixie", "zone": "fr-par-1", "type": "instance_sbs"},
        timeout=30,
    ).json()["local_images"]
    return next(image["id"] for image in found if "DEV1-L" in image["compatible_commercial_types"])

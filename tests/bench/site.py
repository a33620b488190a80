# SPDX-License-Identifier: GPL-3.0-or-later
"""The cloud part of site.yml for a platform with a hundred Jitsi servers that is as desired already.

The very playbooks run, without what they do on machines. The first run, on a lab that takes no time, makes everything,
the images of servers that nobody configured; then the lab starts again on that state, with time, and the second run is
measured.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from .cloud import Cloud, cloud
from .commands import ROOT, Failed, Figures, measure
from .report import Report

SERVERS = 100
SITE = ROOT / "playbooks" / "site.yml"
MOST_REQUESTS = 60
MOST_SECONDS = 20
NO_MACHINES = "machines,docker,verify"  # logs in to servers; builds a container image; asks the running platform
NO_CLOUD = "certificate"  # asks no API: files of the control node
IDENT = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


def bench(report: Report, folder: Path) -> None:
    report.heading(f"Cloud part of site.yml with {SERVERS} Jitsi servers, nothing to do")
    state, platform = folder / "site", folder / "platform"
    with cloud(state, "--speed", "0") as here:
        images = ROOT / "tests" / "playbooks" / "images_without_machines.yml"
        built = _play(here, platform, NO_MACHINES, ROOT / "playbooks" / "network.yml", images, SITE)
        report.figure("made before, on a lab that takes no time", built)
    with cloud(state, "--speed", "1") as here:
        here.slow_down()
        again = _play(here, platform, f"{NO_MACHINES},{NO_CLOUD}", SITE)
    if changed := re.findall(r"\bchanged=([1-9]\d*)", again.output):
        raise Failed(f"the second run changed {', '.join(changed)} things:\n{again.output[-3000:]}")
    report.figure("ansible-playbook site.yml on localhost", again, again.lab_share)
    report.figure("tasks", len(re.findall(r"^TASK ", again.output, re.MULTILINE)))
    report.line("requests", len(again.requests), MOST_REQUESTS, "requests")
    report.line("in all", again.seconds, MOST_SECONDS, "s")
    if len(again.requests) > MOST_REQUESTS:
        for (method, path), times in Counter(map(_shape, again.requests)).most_common():
            report.figure(f"  {method} {path}", times)


def _play(here: Cloud, platform: Path, skipped: str, *playbooks: Path) -> Figures:
    inventory = _inventory(here, platform)
    folder = f"playbooks={ROOT / 'playbooks'}"
    return measure(here, "ansible-playbook", *playbooks, "-i", inventory, "--skip-tags", skipped, "-e", folder)


def _inventory(here: Cloud, platform: Path) -> Path:
    """As in inventories/, for this lab."""
    folder = platform / "inventory"
    variables = folder / "group_vars" / "all"
    variables.mkdir(parents=True, exist_ok=True)
    hosts = folder / "hosts.yml"
    hosts.unlink(missing_ok=True)
    hosts.symlink_to(ROOT / "inventories/local/hosts.yml")
    place = {"zone": "{{ ensemble_zone }}", "region": "{{ ensemble_region }}"}
    desired = {
        "ensemble_platform": "bench",
        "ensemble_domain": "ensemble.test",
        "ensemble_contact": "root@localhost",
        "ensemble_secrets_dir": str(platform / "secrets"),
        "scaleway": {**here.account, **place},
        "jitsi_count": SERVERS,
        "jitsi_archive_sha256": "0" * 64,
        "certificate_provider": "own_ca",
    }
    _write(variables / "50-bench.yml", desired)
    source = {"plugin": "ensemble.jitsi.scaleway", "zones": ["fr-par-1"], "tags": ["ensemble:bench"], **here.account}
    _write(folder / "scaleway.yml", source)
    return folder


def _write(file: Path, content: dict[str, Any]) -> None:
    file.write_text(yaml.safe_dump(content))


def _shape(request: dict[str, Any]) -> tuple[str, str]:
    return request["method"], IDENT.sub("ID", request["path"])

# SPDX-License-Identifier: GPL-3.0-or-later
"""`playbooks/remove.yml`: a whole platform goes, what is somebody else's stays."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from modules_lifecycles import KEY, LOCAL_DISK
from modules_support import PROJECT, ROOT, Lab, Runner

MACHINE = {"commercial_type": "DEV1-S", "volumes": LOCAL_DISK}
TAGS = ["ensemble:production"]


@pytest.fixture
def platform(run: Runner) -> None:
    """What the playbooks leave in the cloud, by their names and marks; and what is not theirs."""
    own = partial(run.ok, owner_tag=TAGS[0])
    for role in ("jitsi", "api", "prometheus", "database", "builder"):
        own("security_group", name=f"ensemble-production-{role}")
    for role in ("prometheus", "database"):
        own("ip", name=f"ensemble-production-{role}")
        addresses = {"dynamic_ip_required": False, "public_ips": [f"ensemble-production-{role}"]}
        server = {"name": f"{role}-1", "state": "running", "image": "debian_trixie", **MACHINE, **addresses}
        own("server", security_group=f"ensemble-production-{role}", **server)
    own("image", name="ensemble-base-4f1c9a6d2b70", tags=TAGS, server=stopped_builder(run))
    for prefix, role in (("h", "jitsi"), ("api", "api")):
        fleet = {"prefix": prefix, "count": 3, "image": "ensemble-base-4f1c9a6d2b70", **MACHINE, "tags": TAGS}
        own("fleet", **fleet, placement_groups={}, security_group=f"ensemble-production-{role}")
    own("lb_ip", name="ensemble-production-portal")
    own("lb", name="ensemble-production", type="LB-S", ip_ids=["ensemble-production-portal"])
    names = [*(f"h-{number}" for number in (1, 2, 3)), "portal"]
    mark = f"{TAGS[0]} fr-par-1"
    run.ok(
        "dns_record",
        owner_tag=mark,
        dns_zone="ensemble.test",
        records=[{"name": name, "data": ["198.18.0.9"]} for name in names],
    )
    run.ok("dns_record", dns_zone="ensemble.test", records=[{"name": "mail", "data": ["198.18.0.9"]}])
    own("registry_namespace", name="ensemble-production")
    own("ssh_key", name="ensemble-production", public_key=KEY)
    for role in ("prometheus", "registry"):
        named = {"name": f"ensemble-production-{PROJECT[:8]}-{role}", "owner_tag": f"{TAGS[0]}:{PROJECT}"}
        run.ok("iam_application", **named)
        rules = [{"permission_set_names": ["InstancesReadOnly"]}]
        run.ok("iam_policy", **named, application=named["name"], rules=rules)
        run.ok("iam_api_key", name="key", application=named["name"])
    run.ok("server", name="h-of-somebody", image="debian_trixie", **MACHINE)


def stopped_builder(run: Runner) -> str:
    run.ok("server", owner_tag=TAGS[0], name="builder-base", state="present", image="debian_trixie", **MACHINE)
    return "builder-base"


def remove(lab: Lab, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    inventory = folder / "production"
    if not inventory.exists():
        shutil.copytree(ROOT / "inventories/production", inventory, ignore=shutil.ignore_patterns("scaleway*"))
        own = {"ensemble_domain": "ensemble.test", "scaleway": lab.account, "ensemble_secrets_dir": str(folder)}
        (inventory / "group_vars/all/60-lab.yml").write_text(json.dumps(own))
    command = [
        Path(sys.executable).parent / "ansible-playbook",
        "playbooks/remove.yml",
        "-i",
        inventory,
        *arguments,
    ]
    return subprocess.run(command, cwd=ROOT, text=True, capture_output=True, timeout=300, check=False, env=os.environ)


def test_a_platform_goes_and_nothing_else(platform: None, lab: Lab, tmp_path: Path) -> None:
    unsaid = remove(lab, tmp_path)
    assert unsaid.returncode != 0
    assert "Set -e remove=production" in unsaid.stdout + unsaid.stderr

    done = remove(lab, tmp_path, "-e", "remove=production")
    assert done.returncode == 0, done.stdout + done.stderr
    left = lab.state()
    assert [server["name"] for server in left["instance_server"]] == ["h-of-somebody"]
    assert [record["name"] for record in left["dns_record"]] == ["mail"]
    kinds = {"instance_server", "instance_volume", "dns_record", "dns_zone", "project"}
    assert set(left) <= kinds, {kind: objects for kind, objects in left.items() if kind not in kinds}

# SPDX-License-Identifier: GPL-3.0-or-later
"""Two real processes that want the same at the same instant."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from modules_lifecycles import LB, LOCAL_DISK
from modules_plays import start, write_play
from modules_support import SECRET_KEY, Lab, Runner

SERVERS = 3
ROUNDS = 3
PREFIXES = ("a", "b", "c", "d", "e", "f")


def fleet(prefix: str) -> dict[str, Any]:
    template = {"commercial_type": "DEV1-L", "image": "debian_trixie", "volumes": LOCAL_DISK, "max_change": 0}
    groups = {"placement_groups": {"size": 2}, "dns": {"zone": "ensemble.test"}, "user_data": {"key": prefix}}
    return {"prefix": prefix, "count": SERVERS, **template, **groups, "reserved_ips": prefix == "a"}


def together(lab: Lab, folder: Path, tasks: list[dict[str, Any]]) -> list[str]:
    """What two plays of the same tasks print that are started at the same instant and must both succeed."""
    plays = []
    moment = {"ansible.builtin.wait_for": {"path": str(folder / "go"), "sleep": 1}}
    for number in (1, 2):
        own = folder / str(number)
        own.mkdir(exist_ok=True)
        write_play(own, lab, [moment, *tasks])
        plays.append(start(own, "ansible-playbook", "play.yml", "--diff", SCW_SECRET_KEY=SECRET_KEY))
    time.sleep(3)
    (folder / "go").touch()
    outputs = [play.communicate(timeout=300)[0] for play in plays]
    for play, output in zip(plays, outputs, strict=True):
        assert play.returncode == 0, output
    return outputs


@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", range(ROUNDS))
def test_two_runs_of_six_fleets_leave_no_twin(number: int, lab: Lab, run: Runner, tmp_path: Path) -> None:
    together(lab, tmp_path, [{"ensemble.jitsi.scaleway_fleet": fleet(prefix)} for prefix in PREFIXES])
    state = lab.state()
    desired = {f"{prefix}-{number}": 1 for prefix in PREFIXES for number in range(1, SERVERS + 1)}
    assert Counter(each["name"] for each in state["instance_server"]) == desired
    assert Counter(each["name"] for each in state["dns_record"]) == desired
    assert {each["state"] for each in state["instance_server"]} == {"running"}
    groups = Counter(each["name"] for each in state["instance_placement_group"])
    assert groups == {f"{prefix}-group-{number}": 1 for prefix in PREFIXES for number in (1, 2)}
    assert len(state["instance_volume"]) == len(desired), "no disk is left behind"
    assert len([each for each in state["instance_ip"] if not each["dynamic"]]) == SERVERS
    for prefix in PREFIXES:
        again = run.ok("fleet", **fleet(prefix))
        assert not again["changed"], again
        assert len(again["servers"]) == SERVERS


@pytest.mark.timeout(600)
def test_two_runs_of_single_objects_leave_no_twin(lab: Lab, run: Runner, tmp_path: Path) -> None:
    server = {"name": "web", "commercial_type": "DEV1-S", "image": "debian_trixie", "volumes": LOCAL_DISK}
    desired: list[tuple[str, dict[str, Any]]] = [
        ("security_group", {"name": "web", "rules": [{"dest_port_from": 22}]}),
        ("placement_group", {"name": "apart"}),
        ("ip", {"name": "mon"}),
        ("server", {**server, "state": "running", "security_group": "web", "public_ips": ["mon"]}),
        ("volume", {"name": "data", "size": 10000000000}),
        ("private_network", {"name": "inside"}),
        ("secret", {"name": "password", "value": "open sesame"}),
        ("registry_namespace", {"name": "example-portal"}),
        LB,
        ("lb_backend", {"lb": "portal", "name": "web", "forward_protocol": "http", "forward_port": 80}),
        ("dns_record", {"dns_zone": "ensemble.test", "records": [{"name": "www", "data": ["198.18.0.9"]}]}),
    ]
    together(lab, tmp_path, [{f"ensemble.jitsi.scaleway_{module}": arguments} for module, arguments in desired])
    state = lab.state()
    made = ("security_group", "placement_group", "server")
    assert {kind: len(state[f"instance_{kind}"]) for kind in made} == dict.fromkeys(made, 1)
    for kind in ("secret", "registry_namespace", "lb", "lb_backend", "dns_record", "block_volume"):
        assert len(state[kind]) == 1, state[kind]
    for module, arguments in desired:
        assert not run.ok(module, **arguments)["changed"], module

# SPDX-License-Identifier: GPL-3.0-or-later
"""Several tasks in one check run: what fails there fails for real, and what a task would find made is assumed.

A check run has no memory from task to task. Where an earlier task would have made something, a later one warns and goes
on; where an earlier one would have removed it, the later one still sees it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from modules_lifecycles import LIFECYCLES, SERVER, Lifecycle, Task
from modules_support import Lab, Runner
from test_examples import MODULES, OURS, VARIABLES, documented, load
from test_examples import folder as folder

BALANCER = "198.18.0.1"
REMOVED_BY = ("name", "path", "prefix", "dns_zone", "lb", "frontend", "instance", "zone", "region")


def sequence(lifecycle: Lifecycle) -> list[Task]:
    """A life from nothing to nothing, with what it needs."""
    before = json.loads(json.dumps(lifecycle.before).replace("{lb}", BALANCER))
    life = [lifecycle.begin, {**lifecycle.begin, **lifecycle.change}]
    return [*((module, desired) for module, desired in before), *((lifecycle.module, desired) for desired in life)]


def removal(task: Task) -> Task:
    module, desired = task
    if module == "dns_record":
        records = [{key: each[key] for key in ("name", "type") if key in each} for each in desired["records"]]
        return module, {"dns_zone": desired["dns_zone"], "records": records, "state": "absent"}
    return module, {**{key: desired[key] for key in REMOVED_BY if key in desired}, "state": "absent"}


def carried_out(run: Runner, tasks: list[Task], check: bool) -> list[str]:
    """What failed, and of what."""
    answers = [(module, run(module, check=check, **desired)) for module, desired in tasks]
    return [f"{module}: {answer['msg']}" for module, answer in answers if answer.get("failed")]


@pytest.mark.parametrize("name", sorted(LIFECYCLES))
def test_a_life_in_one_check_run(name: str, lab: Lab, run: Runner) -> None:
    lifecycle = LIFECYCLES[name]
    tasks = [*sequence(lifecycle), (lifecycle.module, lifecycle.removal())]
    lab.forget_requests()
    assert carried_out(run, tasks, check=True) == []
    assert lab.writes() == []


@pytest.mark.parametrize("name", sorted(LIFECYCLES))
def test_the_end_of_everything_in_one_check_run(name: str, lab: Lab, run: Runner) -> None:
    """All of it exists; removed in the reverse order, check mode and reality agree."""
    lifecycle = LIFECYCLES[name]
    address = ""
    for module, desired in lifecycle.before:
        made = run.ok(module, **json.loads(json.dumps(desired).replace("{lb}", address)))
        address = (made.get("ip") or {}).get("ip_address") or address
    run.ok(lifecycle.module, **lifecycle.begin)
    tasks = [(lifecycle.module, lifecycle.removal()), *(removal(task) for task in reversed(lifecycle.before))]
    assert carried_out(run, tasks, check=True) == []
    assert carried_out(run, tasks, check=False) == []


@pytest.mark.parametrize("module", MODULES)
def test_examples_in_one_check_run(module: str, lab: Lab, run: Runner, folder: Path) -> None:
    loader = DataLoader()
    loader.set_basedir(str(folder))
    variables: dict[str, Any] = {**VARIABLES, "run_directory": {"path": str(folder)}}
    before = load(Path(__file__).with_name("examples_before.yml")).get(module.removeprefix("scaleway_"), [])
    steps = [(name, {}, desired) for task in before for name, desired in task.items()]
    for task in documented(module, folder):
        steps += [(key.removeprefix(OURS), task, task[key]) for key in task if key.startswith(OURS)]
    for name, task, desired in steps:
        rendered = Templar(loader=loader, variables=variables).template(desired)
        rendered = json.loads(json.dumps(rendered).replace("example.org", "ensemble.test"))
        answer = run(name, check=True, **rendered)
        assert not answer.get("failed"), f"{task.get('name', name)}: {answer['msg']}"
        if "register" in task:
            variables[task["register"]] = answer


@pytest.mark.parametrize("state", ["stopped", "running", "rebooted"])
def test_a_server_that_an_earlier_task_would_make(state: str, lab: Lab, run: Runner) -> None:
    """Created, then told what to do by its name alone."""
    assert run.ok("server", check=True, **SERVER)["changed"]
    assert run.ok("server", check=True, name="builder", state=state)["changed"]
    assert "needs commercial_type" in run.error("server", name="builder", state=state)


def test_the_id_of_what_an_earlier_task_would_make(lab: Lab, run: Runner) -> None:
    made = run.ok("server", check=True, **SERVER)["server"]
    address = run.ok("ip", check=True, name="mon")["ip"]
    assert run.ok("server", check=True, id=made["id"] or "", state="stopped")["changed"]
    assert run.ok("server", check=True, **SERVER, public_ips=[address["id"] or ""])["changed"]
    balancer = run.ok("lb", check=True, name="portal", type="LB-S")["lb"]
    record = {"name": "meet", "data": [balancer["ip"][0]["ip_address"]]}
    run.ok("dns_record", check=True, dns_zone="ensemble.test", records=[record])
    assert "is empty" in run.error("dns_record", dns_zone="ensemble.test", records=[record])
    assert lab.writes() == []

# SPDX-License-Identifier: GPL-3.0-or-later
"""The health check of a backend: follows the port that it was derived from, and keeps what a task does not speak of."""

from __future__ import annotations

from typing import Any

import pytest
from modules_lifecycles import BACKEND, LB
from modules_support import Lab, Runner

HTTP = {"http_config": {"uri": "/healthz", "code": 204, "method": "HEAD"}, "check_delay": 2000}


@pytest.fixture
def backend(run: Runner) -> Runner:
    run.ok(*LB[:1], **LB[1])
    return run


def check(lab: Lab) -> dict[str, Any]:
    return {key: value for key, value in lab.state()["lb_backend"][0]["health_check"].items() if value is not None}


def desired(run: Runner, **more: Any) -> dict[str, Any]:
    arguments = {**BACKEND[1], **more}
    planned, done = run.ok("lb_backend", check=True, **arguments), run.ok("lb_backend", **arguments)
    assert planned["diff"] == done["diff"]
    assert not run.ok("lb_backend", **arguments)["changed"]
    return done


def test_a_port_that_was_never_given_follows_the_servers(backend: Runner, lab: Lab) -> None:
    desired(backend)
    assert check(lab)["port"] == 80
    assert desired(backend, forward_port=8080)["diff"]["after"]["health_check"]["port"] == 8080
    assert check(lab)["port"] == 8080
    desired(backend, forward_port=8081, health_check=HTTP)
    assert check(lab)["port"] == 8081


def test_a_port_that_was_given_stays(backend: Runner, lab: Lab) -> None:
    desired(backend, health_check={**HTTP, "port": 9000})
    desired(backend, forward_port=8080)
    desired(backend, forward_port=8080, health_check=HTTP)
    assert check(lab)["port"] == 9000


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_a_change_that_is_cut_anywhere_is_ended_by_the_next(failing: int, backend: Runner, lab: Lab) -> None:
    desired(backend)
    lab.fault(kind="status", status=403, method="PUT", skip=failing - 1)
    backend("lb_backend", **{**BACKEND[1], "forward_port": 8080})
    lab.good_day()
    desired(backend, forward_port=8080)
    assert check(lab)["port"] == 8080


def test_what_a_task_does_not_speak_of_is_kept(backend: Runner, lab: Lab) -> None:
    desired(backend, health_check={**HTTP, "check_max_retries": 7})
    before = check(lab)
    desired(backend, health_check={"check_delay": 3000})
    assert check(lab) == {**before, "check_delay": 3000}
    desired(backend, health_check={"http_config": {"uri": "/ready"}})
    assert check(lab)["http_config"]["uri"] == "/ready"
    assert (check(lab)["http_config"]["code"], check(lab)["http_config"]["method"]) == (204, "HEAD")
    desired(backend, timeout_server=1000)
    assert check(lab)["check_max_retries"] == 7


def test_another_kind_of_check(backend: Runner, lab: Lab) -> None:
    desired(backend, health_check=HTTP)
    desired(backend, health_check={"tcp_config": {}})
    assert "http_config" not in check(lab)
    assert check(lab)["check_delay"] == 2000
    assert "can have only one of" in backend.error("lb_backend", **BACKEND[1], health_check={**HTTP, "tcp_config": {}})


def test_kinds_that_the_module_does_not_know_are_kept(backend: Runner, lab: Lab) -> None:
    desired(backend)
    state = lab.save()
    (found,) = state["lb_backend"]
    found["health_check"] = {**found["health_check"], "tcp_config": None, "redis_config": {}}
    lab.restore(state)
    desired(backend, health_check={"check_delay": 1000}, forward_port=6379)
    assert check(lab)["redis_config"] == {}
    assert "tcp_config" not in check(lab)
    assert check(lab)["port"] == 6379

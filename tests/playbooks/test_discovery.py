# SPDX-License-Identifier: GPL-3.0-or-later
"""What could not be looked up, or was not found, is never a desired state: it changes no platform."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playbooks_support import Operator

PARTS = ["network.yml", "images.yml", "monitoring.yml", "database.yml", "portal.yml", "balancer.yml", "fleet.yml"]
IDENT = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


def cloud(operator: Operator) -> dict[str, Any]:
    """All that is there, without the times of looks."""
    return {
        kind: sorted((each for each in objects), key=str)
        for kind, objects in operator.lab.state().items()
        if kind != "instance_task"
    }


def test_a_run_of_any_part_changes_nothing_on_a_platform_as_desired(operator: Operator) -> None:
    before = cloud(operator)
    assert operator.play(*PARTS).ok().changed == 0
    assert cloud(operator) == before


@pytest.mark.timeout(2400)
def test_no_look_that_fails_changes_anything(operator: Operator) -> None:
    """Each kind of look is refused once, in the first part that takes it; the other parts take no further ones."""
    before = cloud(operator)
    tried: set[str] = set()
    for part in ("network.yml", "images.yml", "portal.yml", "balancer.yml", "fleet.yml"):
        operator.lab.forget_requests()
        operator.play(part).ok()
        seen = [each["path"].split("?")[0] for each in operator.lab.requests() if each["method"] == "GET"]
        for look in sorted({IDENT.sub("ID", path) for path in seen} - tried):
            tried.add(look)
            path = "^" + re.escape(look).replace("ID", IDENT.pattern) + "$"
            operator.lab.fault(kind="status", status=403, method="GET", path=path, count=1)
            run = operator.play(part)
            operator.lab.good_day()
            assert cloud(operator) == before, f"{part} with {look} refused: {run.output}"
            assert run.status != 0, f"{part} with {look} refused was green: {run.output}"
    assert len(tried) > 12


def test_a_refused_look_at_the_servers_leaves_the_balancer_alone(operator: Operator) -> None:
    before = operator.pool()
    assert len(before) == 2
    operator.lab.fault(kind="status", status=403, method="GET", path="/servers$", count=1)
    operator.play("balancer.yml").failed("403")
    assert operator.pool() == before


def test_a_balancer_without_api_servers_is_refused(operator: Operator) -> None:
    """Servers that lost the platform's tag are not seen: the list that is left is none to be put in their place."""
    before = operator.pool()
    for server in operator.servers().values():
        if "ensemble-role:api" in server["tags"]:
            path = f"/instance/v1/zones/fr-par-1/servers/{server['id']}"
            operator.api("PATCH", path, {"tags": []})
    operator.play("balancer.yml").failed("without the tag ensemble:production")
    assert operator.pool() == before


def test_a_play_that_should_have_hosts_and_has_none_fails(operator: Operator) -> None:
    for part in ("monitoring.yml", "portal.yml"):
        operator.play(part, skip="docker", options=("--limit", "localhost")).failed("was not configured")


def test_certificates_are_not_taken_from_servers(operator: Operator) -> None:
    """Where the secret is gone."""
    operator.lose_secret("certificate")
    before = cloud(operator)
    operator.play("fleet.yml").failed("certificate.yml")
    operator.play("fleet.yml", jitsi_count=3).failed("certificate.yml")
    assert cloud(operator) == before
    operator.play("fleet.yml", options=("--check",)).ok()
    assert cloud(operator) == before

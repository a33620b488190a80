# SPDX-License-Identifier: GPL-3.0-or-later
"""Two platforms in one project, one zone and one domain, and two zones of one platform: neither touches the other's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from playbooks_support import Operator

pytestmark = pytest.mark.slow


def neighbour(operator: Operator, **settings: Any) -> Operator:
    return replace(operator, platform="staging", settings={"ensemble_name_prefix": "staging-", **settings})


def belongings(operator: Operator, before: dict[str, set[str]] | None = None) -> dict[str, dict[str, Any]]:
    """All objects of the cloud by id; `before`, only those of these ids."""
    state = operator.lab.state()
    found = {kind: {each.get("id") or each["name"]: each for each in objects} for kind, objects in state.items()}
    if before is None:
        return found
    return {kind: {ident: found.get(kind, {}).get(ident) for ident in idents} for kind, idents in before.items()}


def idents(objects: dict[str, dict[str, Any]]) -> dict[str, set[str]]:
    return {kind: set(each) for kind, each in objects.items() if kind not in ("project", "dns_zone")}


def test_two_platforms_live_side_by_side(operator: Operator) -> None:
    production = belongings(operator)
    mine = idents(production)
    production = belongings(operator, mine)

    staging = neighbour(operator)
    staging.build()
    assert belongings(operator, mine) == production
    assert sorted(staging.servers()) == [
        "staging-api-1", "staging-api-2", "staging-database-1", "staging-h-1", "staging-h-2", "staging-prometheus-1",
        "staging-prometheus-2",
    ]  # fmt: skip
    staging_records = {name for name in operator.records() if name.startswith("staging-")}
    assert staging_records == {"staging-h-1", "staging-h-2", "staging-portal"}

    staging.play("fleet.yml", jitsi_count=4).ok()
    staging.play("fleet.yml", jitsi_count=1).ok()
    staging.play("portal.yml", "balancer.yml", api_count=3).ok()
    assert belongings(operator, mine) == production

    other = belongings(operator)
    theirs = {kind: found - mine.get(kind, set()) for kind, found in idents(other).items()}
    other = belongings(operator, theirs)
    operator.play("fleet.yml", jitsi_count=3).ok()
    operator.play("fleet.yml", jitsi_count=2).ok()
    assert operator.play("network.yml", "monitoring.yml", "portal.yml", "balancer.yml", "fleet.yml").ok().changed == 0
    assert belongings(operator, theirs) == other

    staging.play("remove.yml", remove="staging").ok()
    assert idents(belongings(operator)) == mine
    assert belongings(operator, mine) == production


def test_one_platform_does_not_remove_another(operator: Operator) -> None:
    """Same names, same project, same zone, same domain."""
    before = belongings(operator)
    same_names = replace(operator, platform="staging")
    same_names.play("remove.yml", remove="staging").ok()
    assert belongings(operator) == before


@pytest.mark.parametrize("part", ["network.yml", "fleet.yml"])
def test_names_that_another_platform_holds_are_an_error_first(operator: Operator, part: str) -> None:
    before = belongings(operator)
    replace(operator, platform="staging").play(part).failed("without the tag ensemble:staging", "prometheus-1", "h-1")
    assert belongings(operator) == before


def test_a_second_zone_does_not_take_the_names_of_the_first(operator: Operator) -> None:
    before = operator.records()
    there = {"ensemble_zone": "nl-ams-1", "ensemble_secrets_region": "fr-par", "jitsi_count": 2}
    operator.play("network.yml", "images_without_machines.yml", "fleet.yml", **there).failed("h-1")
    assert operator.records() == before
    operator.play("network.yml", "images_without_machines.yml", "fleet.yml", **there, jitsi_server_prefix="ams").ok()
    after = operator.records()
    assert before.items() <= after.items()
    assert set(after) - set(before) == {"ams-1", "ams-2"}
    operator.play("fleet.yml").ok()
    operator.play("fleet.yml", **{**there, "jitsi_count": 1}, jitsi_server_prefix="ams").ok()
    assert operator.records() == {name: data for name, data in after.items() if name != "ams-2"}
    here = operator.records()
    operator.play("portal.yml", "balancer.yml", **there).failed("@ 300 A", "already exist")
    assert operator.records() == here

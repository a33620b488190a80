# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuse plans that remove too much, as a typo would."""

from __future__ import annotations

from ..errors import Invalid
from ..plan import REPLACE
from .plan import FleetPlan
from .template import FleetTemplate


def guard(fleet: FleetTemplate, plan: FleetPlan, there: int) -> None:
    """Refuse a plan that removes or replaces more of the `there` servers than max_change allows, or a protected one.

    Raises:
        Invalid: the plan is refused; nothing was changed.
    """
    for step in [*plan.removals, *(step for step in plan.steps if step.plan.action == REPLACE)]:
        step.member.check_protection(step.plan.there)
        fleet.collect_warnings(step.member)
    lost = len(plan.removals) + len(plan.names(REPLACE)) + len(plan.names_lost)
    limit = fleet.arguments["max_change"]
    if fleet.arguments["state"] == "present" and there and lost * 100 > there * limit:
        names = f", and remove the DNS names of {len(plan.names_lost)}" if plan.names_lost else ""
        raise Invalid(
            f"This would remove {len(plan.removals)} and replace {len(plan.names(REPLACE))} of {there} servers"
            f"{names} ({100 * lost // there} %), and max_change is {limit} %. Nothing was done. "
            f"Raise max_change if this is intended."
        )

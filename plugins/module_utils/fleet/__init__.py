# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage many identical servers: list once, plan, guard, apply with bounded concurrency, wait for all together.

Each layer has its own module: template, planner, guard, apply. So does each part that they share: census, member,
placement groups, reserved addresses, private networks, DNS records, waiting.
"""

from __future__ import annotations

from ..plan import CREATE, KEEP, REPLACE, UPDATE, Object, Values
from ..resources.products import server_types
from ..resources.server import Server
from .apply import FleetApplier
from .plan import FleetPlan

HOURS_A_MONTH = 730


class Fleet(FleetApplier):
    """The servers `<prefix>-<number>` that carry this fleet's tag, and the owner's."""

    def cost(self) -> Values:
        """Cost of the desired fleet in EUR, servers only, from the product catalogue."""
        if not self.numbers:
            return {"currency": "EUR", "hourly": 0.0, "monthly": 0.0}
        price = server_types(self.client).get(self.arguments["commercial_type"]) or {}
        hourly = price.get("hourly_price") or 0.0
        monthly = price.get("monthly_price") or hourly * HOURS_A_MONTH
        return {
            "currency": "EUR",
            "hourly": round(hourly * len(self.numbers), 4),
            "monthly": round(monthly * len(self.numbers), 2),
        }

    def report(self, plan: FleetPlan) -> Values:
        """Return the names of servers by action, without servers whose changes failed."""
        actions = {
            "created": plan.names(CREATE),
            "updated": plan.names(UPDATE),
            "replaced": plan.names(REPLACE),
            "kept": plan.names(KEEP),
            "removed": [step.name for step in plan.removals],
            "outdated": plan.outdated,
            "names_lost": plan.names_lost,
        }
        return {action: [name for name in names if name not in self.failures] for action, names in actions.items()}

    def diff(self, plan: FleetPlan) -> Values:
        steps = [step for step in plan.steps if step.plan.changed]
        gone = [step.member.identity(step.plan.there) for step in plan.removals]
        before = {step.name: step.plan.before for step in steps if step.plan.current}
        before |= {
            each["name"] if each["name"] not in before else f"{each['name']} ({each['id']})": each for each in gone
        }
        after = {step.name: step.plan.after for step in steps}
        if plan.records and plan.records.changed:
            before, after = {**before, **plan.records.before}, {**after, **plan.records.after}
        return {"before": before, "after": after}

    def servers(self) -> list[Object]:
        """Return the servers as last read, ordered by number."""
        return [Server(self.client, {}).represent(each) for each in self.census.in_order()]

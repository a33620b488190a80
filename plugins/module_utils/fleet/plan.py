# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a fleet."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..plan import KEEP, Object, Plan
from ..resources import disks
from ..resources.server_power import RUNNING, arrived
from .addresses import AddressesPlan
from .groups import GroupsPlan
from .member import Member


@dataclass
class Step:
    """The plan of one server."""

    name: str
    member: Member
    plan: Plan


@dataclass
class FleetPlan:
    """What is to be done to the whole fleet, and what is known to be outdated but left as it is."""

    steps: list[Step] = field(default_factory=list)
    removals: list[Step] = field(default_factory=list)
    dying: list[Object] = field(default_factory=list)
    outdated: list[str] = field(default_factory=list)
    disks: list[disks.Disk] = field(default_factory=list)
    groups: GroupsPlan = field(default_factory=GroupsPlan)
    addresses: AddressesPlan = field(default_factory=AddressesPlan)
    records: Plan | None = None
    names_lost: list[str] = field(default_factory=list)
    wait_for: str = RUNNING

    def names(self, *actions: str) -> list[str]:
        return [step.name for step in self.steps if step.plan.action in actions]

    @property
    def pending(self) -> list[str]:
        """Servers that an interrupted run left in an intermediate state."""
        kept = [step for step in self.steps if step.plan.action == KEEP]
        return [step.name for step in kept if not arrived(step.plan.there, self.wait_for)]

    @property
    def changed(self) -> bool:
        stale = bool(self.records and self.records.changed)
        moved = self.removals or self.disks or self.groups.changed or self.addresses.changed or stale
        return bool(moved or len(self.names(KEEP)) < len(self.steps))

# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the desired fleet with the actual one."""

from __future__ import annotations

from ..errors import ASSUMED, Invalid, Overtaken
from ..plan import CREATE, DELETE, KEEP, REPLACE, UPDATE, Object, Plan
from ..resources import disks
from ..resources.existing import is_dying
from ..resources.server import reserved
from ..twins import patience
from .guard import guard
from .plan import FleetPlan, Step
from .template import FleetTemplate


class FleetPlanner(FleetTemplate):
    """The layer of :class:`Fleet` that plans."""

    def plan(self) -> FleetPlan:
        """Compare desired and actual state, and report all invalid arguments."""
        pauses = patience()
        while True:
            try:
                return self._plan()
            except Overtaken:
                pause = next(pauses, None)
                if pause is None:
                    raise
                self.client.pause(pause)

    def _plan(self) -> FleetPlan:
        there = self.census.look_past_twins()
        if self.arguments["state"] == "published":
            return FleetPlan(records=self.fleet_names.plan_following(self.census.eldest()))
        if self.arguments["state"] == "configured":
            return self._plan_in_place()
        plan = FleetPlan(wait_for=self.arguments["wait_for"], dying=[each for each in there if is_dying(each)])
        self.warnings += self.census.adopt(self.desired, self.fleet_names.leads_to)
        self.census.refuse_foreign(self.desired)
        if self.arguments["twins"] == "fail":
            self.census.refuse_twins(self.desired)
        alive = self.census.alive()
        absent = self.arguments["state"] == "absent"
        leaving = [each for name, twins in alive.items() for each in twins[name in self.desired :]]
        addressed = self.addresses.desired or absent or any(reserved(server) for server in leaving)
        if addressed:
            self.addresses.read()
        for name in self.desired:
            twins = alive.get(name, [])
            plan.steps.append(self._step(name, twins[0] if twins else None, plan))
            plan.removals += [self._removal(younger) for younger in twins[1:]]
        for name in sorted(set(alive) - set(self.desired), key=self.census.number):
            plan.removals += [self._removal(server) for server in alive[name]]
        if absent or plan.changed or plan.dying:
            pattern = self.census.pattern
            plan.disks = disks.marked(self.client, lambda name: bool(pattern.fullmatch(name)), self.owner_tag)
        if self.groups.desired or absent:
            growing = bool(plan.names(CREATE, REPLACE))
            plan.groups = self.groups.plan([step.plan.current for step in plan.steps], growing)
        if addressed:
            staying = [step.plan.there for step in plan.steps if step.plan.current]
            plan.addresses = self.addresses.plan(self.desired, staying)
        if self.fleet_names:
            coming = [*self.desired, *(step.name for step in plan.removals)]
            plan.records, plan.names_lost = self.fleet_names.plan(self.census.eldest(), self.desired, coming)
        guard(self, plan, len(set(alive) | set(plan.names_lost)))
        return plan

    def _plan_in_place(self) -> FleetPlan:
        """What the servers that there are lack of what the task gives, whether they run or not."""
        plan, there = FleetPlan(), self.census.eldest()
        if missing := [name for name in self.desired if name not in there]:
            reason = f"There is no {', '.join(missing)} in this fleet: state configured creates no servers."
            if not self.check:
                raise Invalid(reason)
            self.warnings.append(f"{reason} {ASSUMED}")
        for name in [name for name in self.desired or sorted(there, key=self.census.number) if name in there]:
            plan.steps.append(self._step(name, there[name], plan, "present"))
        return plan

    def _removal(self, server: Object) -> Step:
        return Step(server["name"], self.member(server["name"]), Plan(DELETE, server))

    def _step(self, name: str, current: Object | None, fleet: FleetPlan, state: str = "running") -> Step:
        member = self.member(name)
        plan = member.plan(state, current)
        self.collect_warnings(member)
        if plan.action == REPLACE and (state == "present" or not self.arguments["recreate"]):
            fleet.outdated.append(name)
            for outdated in member.frozen_changes(plan):
                del plan.changes[outdated]
                plan.after[outdated] = plan.before[outdated]
            plan.action = UPDATE if plan.changes else KEEP
        return Step(name, member, plan)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply the plans of all servers, with bounded concurrency."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..errors import ScalewayError
from ..plan import CREATE, REPLACE, UPDATE, Object
from ..resources import disks
from ..resources.ip import name_of
from .plan import FleetPlan, Step
from .planner import FleetPlanner


class FleetApplier(FleetPlanner):
    """The layer of :class:`Fleet` that writes."""

    def apply(self, plan: FleetPlan) -> None:
        """Bring the fleet to its plan; failures of single servers are collected and the rest goes on."""
        if self.arguments["state"] == "published":
            self.fleet_names.follow(self.census.eldest())
            return
        if self.arguments["state"] == "configured":
            self._update(plan)
            self.census.read()
            return
        replaced = [step for step in plan.steps if step.plan.action == REPLACE]
        created = [step for step in plan.steps if step.plan.action == CREATE]
        going = [*plan.removals, *replaced]
        self._delete_disks(plan.disks)
        self._reserve(plan)
        doomed = [disk for disks_of in self._for_each(going, self._begin_removal).values() for disk in disks_of]
        dying = {each["name"] for each in plan.dying}
        self.refusals += self.groups.change(plan.groups)
        self._place([*created, *replaced], plan)
        self._update(plan)
        self._create([step for step in created if step.name not in dying])
        self.waiter.gone({step.plan.there["id"]: step.name for step in going if step.name not in self.failures})
        self.waiter.gone({each["id"]: each["name"] for each in plan.dying})
        self._delete_disks(doomed)
        self._create([*(step for step in created if step.name in dying), *replaced])
        if self.fleet_names:  # before anybody asks for them: resolvers remember for long that a name is not there
            self.census.read()
            self.fleet_names.follow(self.census.eldest())
        if self.arguments["wait"]:
            changed = [step.name for step in plan.steps if step.plan.changed and step.name not in self.failures]
            self.waiter.running([*changed, *plan.pending], self.arguments["wait_for"])
        self.refusals += self.groups.remove(plan.groups)
        surplus = [each for each in plan.addresses.surplus if name_of(each) not in self.failures]
        self.warnings += self.addresses.release(surplus)
        self.census.read()
        if self.fleet_names:  # servers may get their addresses only while they start
            self.fleet_names.publish(self.census.eldest(), self.desired)

    def _for_each(self, steps: Iterable[Step], work: Callable[[Step], Any]) -> dict[str, Any]:
        """Run `work` for each server without a failure; return the results by name."""
        todo = [step for step in steps if step.name not in self.failures]
        results = self.client.outcomes(work, todo, self.arguments["concurrency"])
        done = {}
        for step, result in zip(todo, results, strict=True):
            if isinstance(result, ScalewayError):
                self.failures[step.name] = str(result)
            elif isinstance(result, Exception):
                raise result
            else:
                done[step.name] = result
        return done

    def _update(self, plan: FleetPlan) -> None:
        """Change servers in place; they join private networks before the tags that announce these are written."""
        steps = [step for step in plan.steps if step.plan.action == UPDATE]
        joining = [step for step in steps if "private_networks" in step.plan.changes]
        if self._for_each(joining, lambda step: step.member.join_networks(step.plan)):
            self.waiter.joined(step.name for step in joining if step.name not in self.failures)
            there = {each["id"]: each for each in self.census.read()}
            for step in joining:
                step.plan.current = there.get(step.plan.there["id"], step.plan.current)
        self._for_each(steps, self._apply_step)

    @staticmethod
    def _apply_step(step: Step) -> Object | None:
        return step.member.apply(step.plan)

    def _create(self, steps: list[Step]) -> None:
        """Create servers, list all once to find twins created by a peer, and only then start them."""
        for step in steps:
            if step.plan.action == REPLACE:  # without the tags that others gave its predecessor
                step.plan.desired["tags"] = step.member.own_tags
        made = self._for_each(steps, lambda step: step.member.create(step.plan.desired))
        if not made:
            return
        self.census.read()
        alive = self.census.alive()

        def start(step: Step) -> Object | None:
            server, own = made[step.name], True
            if len(alive.get(step.name, [])) > 1:
                server, own = step.member.keep_eldest(server)
                self.collect_warnings(step.member)
            return step.member.complete(step.plan, server) if own else step.member.join(server)

        self._for_each([step for step in steps if step.name in made], start)

    def _reserve(self, plan: FleetPlan) -> None:
        """Reserve missing addresses, and set them in the plans of their servers."""
        steps = {step.name: step for step in plan.steps}
        missing = [steps[name] for name in plan.addresses.missing]
        for name in self._for_each(missing, lambda step: self.addresses.reserve(step.name)):
            reference = [self.addresses.reference(name)]
            for values in (steps[name].plan.desired, steps[name].plan.changes):
                if "public_ips" in values:
                    values["public_ips"] = reference
            steps[name].member.arguments = {**steps[name].member.arguments, "public_ips": reference}

    @staticmethod
    def _begin_removal(step: Step) -> list[disks.Disk]:
        return step.member.begin_removal(step.plan.there)

    def _delete_disks(self, doomed: list[disks.Disk]) -> None:
        """Delete disks; those that cannot be deleted now keep their mark for the next run."""
        patience_of_one = self.member(f"{self.prefix}-0").waiter
        failed = self.client.failures(lambda disk: disks.delete(self.client, [disk], patience_of_one), doomed)
        self.warnings += [f"Volume {ident} was not deleted: {why}" for (_kind, ident), why in failed]

    def _place(self, steps: list[Step], plan: FleetPlan) -> None:
        """Assign new servers to placement groups."""
        if not self.groups.desired or not steps:
            return
        new = {step.name for step in steps}
        others = [
            step.plan.there for step in [*plan.steps, *plan.removals] if step.plan.current and step.name not in new
        ]
        try:
            places = self.groups.places(len(steps), [*others, *plan.dying])
        except ScalewayError as error:
            self.failures |= {step.name: f"No placement group has room for it: {error}" for step in steps}
            return
        for step, group in zip(steps, places, strict=True):
            step.plan.desired["placement_group"] = group

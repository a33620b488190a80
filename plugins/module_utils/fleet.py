# SPDX-License-Identifier: GPL-3.0-or-later
"""Many servers of one kind at once: list once, plan, guard, apply with bounded concurrency, wait for all together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .client import Client
from .errors import ASSUMED, Invalid, Overtaken, ScalewayError
from .fleet_addresses import Addresses
from .fleet_census import Census
from .fleet_groups import Groups
from .fleet_member import Member
from .fleet_plan import FleetPlan, Step
from .fleet_records import FleetNames
from .fleet_wait import FleetWaiter
from .plan import CREATE, DELETE, KEEP, REPLACE, UPDATE, Object, Plan, Values
from .resources import disks
from .resources.existing import is_dying
from .resources.ip import name_of
from .resources.products import server_types
from .resources.server import Server, reserved
from .twins import patience

HOURS_A_MONTH = 730
MOST_SERVERS = 1000


class Fleet:
    """The servers `<prefix>-<number>` that carry this fleet's tag, and the owner's."""

    def __init__(self, client: Client, arguments: Mapping[str, Any], check: bool) -> None:
        self.client = client
        self.arguments = arguments
        self.check = check
        self.prefix: str = arguments["prefix"]
        self.owner_tag: str = arguments.get("owner_tag") or ""
        self.census = Census(client, self.prefix, self.owner_tag)
        self.numbers = self._numbers()
        self.wanted = dict.fromkeys(f"{self.prefix}-{number}" for number in self.numbers)
        self.failures: dict[str, str] = {}
        self.refusals: list[str] = []  # of what is no server
        self.warnings: list[str] = []
        self.waiter = FleetWaiter(client, self.census, arguments["wait_timeout"], self.failures)
        tag, pattern = self.census.tag, self.census.pattern
        owner = [self.owner_tag] if self.owner_tag else []
        self.tags = list(dict.fromkeys([tag, *(arguments.get("tags") or []), *owner]))
        self.groups = Groups(client, self.prefix, self.tags, arguments.get("placement_groups"), self.owner_tag)
        self.addresses = Addresses(client, arguments, pattern, [tag])
        self.fleet_names = FleetNames(client, arguments, tag, pattern.pattern, check)
        self._validate()

    def _validate(self) -> None:
        if self.arguments["concurrency"] < 1:
            raise Invalid(f"concurrency is {self.arguments['concurrency']}: at least 1 server must be worked on.")
        if not 0 <= self.arguments["max_change"] <= 100:
            raise Invalid(f"max_change is {self.arguments['max_change']}: it is a percentage, 0 to 100.")
        for slot, disk in (self.arguments.get("volumes") or {}).items():
            if isinstance(disk, dict) and (disk.get("id") or disk.get("name")):
                raise Invalid(f"volumes: the volume in slot {slot} cannot be in every server of a fleet.")

    def _numbers(self) -> list[int]:
        if self.arguments["state"] == "configured":
            return sorted(self.arguments.get("numbers") or [])
        if self.arguments["state"] != "present":
            return []
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", self.prefix):
            raise Invalid(
                f"prefix {self.prefix!r} cannot begin a DNS label: lower case letters, digits and dashes only."
            )
        count, numbers = self.arguments.get("count"), self.arguments.get("numbers")
        if numbers is None:
            if count is None or not 0 <= count <= MOST_SERVERS:
                raise Invalid(f"count is {count}: a fleet has 0 to {MOST_SERVERS} servers.")
            return list(range(1, count + 1))
        if any(number < 0 for number in numbers) or len(set(numbers)) < len(numbers):
            raise Invalid("numbers must be different from each other and not negative.")
        return sorted(numbers)

    # --- planning

    def member(self, name: str) -> Member:
        apart = ("id", "state", "count", "numbers", "prefix")
        template = {key: value for key, value in self.arguments.items() if key not in apart}
        if self.addresses.desired:
            template |= {"public_ips": [self.addresses.reference(name)], "dynamic_ip_required": False}
        template |= {"name": name, "tags": self.tags, "recreate": True, "wait": False}
        template["gives_tags"] = self.arguments.get("tags") is not None
        return Member(self.client, template, self.check)

    def plan(self) -> FleetPlan:
        """Compare desired and actual state; everything that is wrong with the arguments is found here."""
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
        self.warnings += self.census.adopt(self.wanted, self.fleet_names.leads_to)
        self.census.refuse_foreign(self.wanted)
        if self.arguments["twins"] == "fail":
            self.census.refuse_twins(self.wanted)
        alive = self.census.alive()
        absent = self.arguments["state"] == "absent"
        leaving = [each for name, twins in alive.items() for each in twins[name in self.wanted :]]
        addressed = self.addresses.desired or absent or any(reserved(server) for server in leaving)
        if addressed:
            self.addresses.read()
        for name in self.wanted:
            twins = alive.get(name, [])
            plan.steps.append(self._step(name, twins[0] if twins else None, plan))
            plan.removals += [self._removal(younger) for younger in twins[1:]]
        for name in sorted(set(alive) - set(self.wanted), key=self.census.number):
            plan.removals += [self._removal(server) for server in alive[name]]
        if absent or plan.changed or plan.dying:
            pattern = self.census.pattern
            plan.disks = disks.marked(self.client, lambda name: bool(pattern.fullmatch(name)), self.owner_tag)
        if self.groups.desired or absent:
            growing = bool(plan.names(CREATE, REPLACE))
            plan.groups = self.groups.plan([step.plan.current for step in plan.steps], growing)
        if addressed:
            staying = [step.plan.there for step in plan.steps if step.plan.current]
            plan.addresses = self.addresses.plan(self.wanted, staying)
        if self.fleet_names:
            coming = [*self.wanted, *(step.name for step in plan.removals)]
            plan.records, plan.names_lost = self.fleet_names.plan(self.census.eldest(), self.wanted, coming)
        self._guard(plan, len(set(alive) | set(plan.names_lost)))
        return plan

    def _plan_in_place(self) -> FleetPlan:
        """What the servers that there are lack of what the task gives, whether they run or not."""
        plan, there = FleetPlan(), self.census.eldest()
        if missing := [name for name in self.wanted if name not in there]:
            problem = f"There is no {', '.join(missing)} in this fleet: state configured makes no servers."
            if not self.check:
                raise Invalid(problem)
            self.warnings.append(f"{problem} {ASSUMED}")
        for name in [name for name in self.wanted or sorted(there, key=self.census.number) if name in there]:
            plan.steps.append(self._step(name, there[name], plan, "present"))
        return plan

    def _removal(self, server: Object) -> Step:
        return Step(server["name"], self.member(server["name"]), Plan(DELETE, server))

    def _step(self, name: str, current: Object | None, fleet: FleetPlan, state: str = "running") -> Step:
        member = self.member(name)
        plan = member.plan(state, current)
        self._heed(member)
        if plan.action == REPLACE and (state == "present" or not self.arguments["recreate"]):
            fleet.outdated.append(name)
            for outdated in member.frozen_changes(plan):
                del plan.changes[outdated]
                plan.after[outdated] = plan.before[outdated]
            plan.action = UPDATE if plan.changes else KEEP
        return Step(name, member, plan)

    def _heed(self, member: Member) -> None:
        """What one server warns of, once for all."""
        self.warnings += [warning for warning in member.warnings if warning not in self.warnings]

    def _guard(self, plan: FleetPlan, there: int) -> None:
        """Stop a slip of the pen before it happens."""
        for step in [*plan.removals, *(step for step in plan.steps if step.plan.action == REPLACE)]:
            step.member.check_protection(step.plan.there)
            self._heed(step.member)
        lost = len(plan.removals) + len(plan.names(REPLACE)) + len(plan.names_lost)
        limit = self.arguments["max_change"]
        if self.arguments["state"] == "present" and there and lost * 100 > there * limit:
            names = f", and take the names of {len(plan.names_lost)} away" if plan.names_lost else ""
            raise Invalid(
                f"This would remove {len(plan.removals)} and replace {len(plan.names(REPLACE))} of {there} servers"
                f"{names} ({100 * lost // there} %), and max_change is {limit} %. Nothing was done. "
                f"Raise max_change if that is what you want."
            )

    # --- applying

    def apply(self, plan: FleetPlan) -> None:
        """Bring the fleet to its plan; failures of single servers are collected and the rest goes on."""
        if self.arguments["state"] == "published":
            self.fleet_names.follow(self.census.eldest())
            return
        if self.arguments["state"] == "configured":
            self._all([step for step in plan.steps if step.plan.action == UPDATE], self._apply)
            self.census.read()
            return
        replaced = [step for step in plan.steps if step.plan.action == REPLACE]
        created = [step for step in plan.steps if step.plan.action == CREATE]
        going = [*plan.removals, *replaced]
        self._forget(plan.disks)
        self._reserve(plan)
        doomed = [disk for disks_of in self._all(going, self._dismiss).values() for disk in disks_of]
        dying = {each["name"] for each in plan.dying}
        self.refusals += self.groups.change(plan.groups)
        self._place([*created, *replaced], plan)
        self._all([step for step in plan.steps if step.plan.action == UPDATE], self._apply)
        self._create([step for step in created if step.name not in dying])
        self.waiter.gone({step.plan.there["id"]: step.name for step in going if step.name not in self.failures})
        self.waiter.gone({each["id"]: each["name"] for each in plan.dying})
        self._forget(doomed)
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
            self.fleet_names.publish(self.census.eldest(), self.wanted)

    def _all(self, steps: Iterable[Step], work: Callable[[Step], Any]) -> dict[str, Any]:
        """What `work` gives for each server that nothing has failed for yet, by name."""
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

    @staticmethod
    def _apply(step: Step) -> Object | None:
        return step.member.apply(step.plan)

    def _create(self, steps: list[Step]) -> None:
        """Make servers, see in one list for all whether a peer made some of them too, and only then start them."""
        for step in steps:
            if step.plan.action == REPLACE:  # without the tags that others gave its predecessor
                step.plan.desired["tags"] = step.member.own_tags
        made = self._all(steps, lambda step: step.member.create(step.plan.desired))
        if not made:
            return
        self.census.read()
        alive = self.census.alive()

        def start(step: Step) -> Object | None:
            server, own = made[step.name], True
            if len(alive.get(step.name, [])) > 1:
                server, own = step.member.keep_eldest(server)
                self._heed(step.member)
            return step.member.complete(step.plan, server) if own else step.member.join(server)

        self._all([step for step in steps if step.name in made], start)

    def _reserve(self, plan: FleetPlan) -> None:
        """Reserve the addresses that are missing, and tell them to the servers that are to have them."""
        steps = {step.name: step for step in plan.steps}
        missing = [steps[name] for name in plan.addresses.missing]
        for name in self._all(missing, lambda step: self.addresses.reserve(step.name)):
            reference = [self.addresses.reference(name)]
            for values in (steps[name].plan.desired, steps[name].plan.changes):
                if "public_ips" in values:
                    values["public_ips"] = reference
            steps[name].member.arguments = {**steps[name].member.arguments, "public_ips": reference}

    @staticmethod
    def _dismiss(step: Step) -> list[disks.Disk]:
        return step.member.begin_removal(step.plan.there)

    def _forget(self, doomed: list[disks.Disk]) -> None:
        """Delete disks; those that cannot be deleted now keep their mark for the next run."""
        patience_of_one = self.member(f"{self.prefix}-0").waiter
        failed = self.client.failures(lambda disk: disks.delete(self.client, [disk], patience_of_one), doomed)
        self.warnings += [f"Volume {ident} is left behind: {why}" for (_kind, ident), why in failed]

    def _place(self, steps: list[Step], plan: FleetPlan) -> None:
        """Give new servers a place in the groups."""
        if not self.groups.desired or not steps:
            return
        new = {step.name for step in steps}
        others = [
            step.plan.there for step in [*plan.steps, *plan.removals] if step.plan.current and step.name not in new
        ]
        try:
            places = self.groups.places(len(steps), [*others, *plan.dying])
        except ScalewayError as error:
            self.failures |= {step.name: f"There is no place for it in a placement group: {error}" for step in steps}
            return
        for step, group in zip(steps, places, strict=True):
            step.plan.desired["placement_group"] = group

    # --- telling

    def cost(self) -> Values:
        """What the desired fleet costs in EUR, servers only, by the product catalogue."""
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
        """The plan by server names, without those that failed when it was carried out."""
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
        """The fleet as it was last seen, in the order of the numbers."""
        return [Server(self.client, {}).represent(each) for each in self.census.in_order()]

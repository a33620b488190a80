# SPDX-License-Identifier: GPL-3.0-or-later
"""Many servers of one kind at once: list once, plan, guard, apply with bounded concurrency, wait for all together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .client import Client
from .errors import Invalid, ScalewayError, WaitTimeout
from .fleet_groups import Groups, GroupsPlan
from .fleet_member import Member
from .plan import CREATE, DELETE, KEEP, REPLACE, UPDATE, Object, Plan, Values
from .resources import disks
from .resources.dns import Records
from .resources.products import server_types
from .resources.server import RUNNING, START_GRACE, Server, arrived, is_dying
from .retry import delays

FLEET_TAG = "ensemble-fleet:"
HOURS_A_MONTH = 730
MOST_SERVERS = 1000


@dataclass
class Step:
    """What is to be done to one server."""

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
    records: Plan | None = None
    wait_for: str = RUNNING

    def names(self, *actions: str) -> list[str]:
        return [step.name for step in self.steps if step.plan.action in actions]

    @property
    def unsettled(self) -> list[str]:
        """Servers that an interrupted run left on their way."""
        kept = [step for step in self.steps if step.plan.action == KEEP]
        return [step.name for step in kept if not arrived(step.plan.there, self.wait_for)]

    @property
    def changed(self) -> bool:
        stale = bool(self.records and self.records.changed)
        moved = self.removals or self.disks or self.groups.changed or stale
        return bool(moved or len(self.names(KEEP)) < len(self.steps))


class Fleet:
    """The servers `<prefix>-<number>` that carry this fleet's tag."""

    def __init__(self, client: Client, arguments: Mapping[str, Any], check: bool) -> None:
        self.client = client
        self.arguments = arguments
        self.check = check
        self.prefix: str = arguments["prefix"]
        self.tag = f"{FLEET_TAG}{self.prefix}"
        self.pattern = re.compile(rf"{re.escape(self.prefix)}-(\d+)")
        self.numbers = self._numbers()
        self.seen: list[Object] = []
        self.failures: dict[str, str] = {}
        self.warnings: list[str] = []
        tags = [self.tag, *(arguments.get("tags") or [])]
        self.groups = Groups(client, self.prefix, tags, arguments.get("placement_groups"))
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
        if self.arguments["state"] == "absent":
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

    def look(self) -> list[Object]:
        """All servers whose names have the fleet's pattern, ours or not."""
        named = Server(self.client, {}).list(name=f"{self.prefix}-")
        self.seen = [each for each in named if self.pattern.fullmatch(each["name"])]
        return self.seen

    def number(self, name: str) -> int:
        return int(self.pattern.fullmatch(name).group(1))  # type: ignore[union-attr]

    def member(self, name: str) -> Member:
        template = {
            key: value
            for key, value in self.arguments.items()
            if key not in ("id", "state", "count", "numbers", "prefix")
        }
        tags = [self.tag, *(self.arguments.get("tags") or [])]
        return Member(
            self.client, {**template, "name": name, "tags": tags, "recreate": True, "wait": False}, self.check
        )

    def plan(self) -> FleetPlan:
        """Compare wish and reality; everything that is wrong with the wish is found here."""
        there = self.look()
        plan = FleetPlan(wait_for=self.arguments["wait_for"], dying=[each for each in there if is_dying(each)])
        alive = [each for each in there if not is_dying(each)]
        wanted = {f"{self.prefix}-{number}": number for number in self.numbers}
        by_name: dict[str, Object] = {}
        for server in alive:
            ours = self.tag in server["tags"]
            if server["name"] in wanted and not ours:
                raise Invalid(
                    f"Server {server['name']} ({server['id']}) is not of this fleet: it lacks the tag {self.tag}."
                )
            if ours and server["name"] in by_name:
                raise Invalid(f"There are two servers {server['name']} in this fleet: remove one of them first.")
            if ours:
                by_name[server["name"]] = server
        for name in wanted:
            plan.steps.append(self._step(name, by_name.get(name), plan))
        for name in sorted(set(by_name) - set(wanted), key=self.number):
            plan.removals.append(Step(name, self.member(name), Plan(DELETE, by_name[name])))
        if self.arguments["state"] == "absent" or plan.changed or plan.dying:
            plan.disks = disks.marked(self.client, lambda name: bool(self.pattern.fullmatch(name)))
        if self.groups.wish or self.arguments["state"] == "absent":
            growing = bool(plan.names(CREATE, REPLACE))
            plan.groups = self.groups.plan([step.plan.current for step in plan.steps], growing)
        self._guard(plan, len(by_name))
        if self.arguments.get("dns"):
            plan.records = self._records(alive)[1]
        return plan

    def _step(self, name: str, current: Object | None, fleet: FleetPlan) -> Step:
        member = self.member(name)
        plan = member.plan("running", current)
        self._heed(member)
        if plan.action == REPLACE and not self.arguments["recreate"]:
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
            step.member.insist_on(step.plan.there)
            self._heed(step.member)
        lost = len(plan.removals) + len(plan.names(REPLACE))
        limit = self.arguments["max_change"]
        if self.arguments["state"] != "absent" and there and lost * 100 > there * limit:
            raise Invalid(
                f"This would remove {len(plan.removals)} and replace {len(plan.names(REPLACE))} of {there} servers "
                f"({100 * lost // there} %), and max_change is {limit} %. Nothing was done. "
                f"Raise max_change if that is what you want."
            )

    # --- applying

    def apply(self, plan: FleetPlan) -> None:
        """Bring the fleet to its plan; failures of single servers are collected and the rest goes on."""
        replaced = [step for step in plan.steps if step.plan.action == REPLACE]
        created = [step for step in plan.steps if step.plan.action == CREATE]
        going = [*plan.removals, *replaced]
        self._forget(plan.disks)
        doomed = [disk for disks_of in self._all(going, self._dismiss).values() for disk in disks_of]
        dying = {each["name"] for each in plan.dying}
        self.groups.change(plan.groups)
        self._place([*created, *replaced], plan)
        self._all([step for step in plan.steps if step.plan.action == UPDATE], self._apply)
        self._all([step for step in created if step.name not in dying], self._apply)
        self._gone(
            {
                step.plan.current["id"]: step.name
                for step in going
                if step.plan.current and step.name not in self.failures
            }
        )
        self._gone({each["id"]: each["name"] for each in plan.dying})
        self._forget(doomed)
        self._all([step for step in created if step.name in dying], self._apply)
        self._all([step for step in replaced if step.name not in self.failures], self._create)
        if self.arguments["wait"]:
            changed = [step.name for step in plan.steps if step.plan.changed and step.name not in self.failures]
            self._running([*changed, *plan.unsettled])
        self.groups.remove(plan.groups)
        self.publish(self.look())

    def _all(self, steps: Iterable[Step], work: Callable[[Step], Any]) -> dict[str, Any]:
        todo = list(steps)
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

    @staticmethod
    def _create(step: Step) -> Object | None:
        """The successor: without the tags that others gave its predecessor."""
        wish = {**step.plan.wish, "tags": step.member.own_tags}
        return step.member.apply(Plan(CREATE, None, wish, wish))

    @staticmethod
    def _dismiss(step: Step) -> list[disks.Disk]:
        return step.member.dismiss(step.plan.there)

    def _forget(self, doomed: list[disks.Disk]) -> None:
        """Delete disks; those that cannot be deleted now keep their mark for the next run."""
        patience = self.member(f"{self.prefix}-0").waiter
        outcomes = self.client.outcomes(lambda disk: disks.delete(self.client, [disk], patience), doomed)
        for (_kind, ident), failure in zip(doomed, outcomes, strict=True):
            if failure is not None:
                self.warnings.append(f"Volume {ident} is left behind: {failure}")

    # --- waiting: one list for all servers instead of one request for each

    def _watch(self, waiting: dict[str, str], what: str, judge: Callable[[Object | None, float], bool]) -> None:
        """Look at the list until `judge` lets every one of `waiting` (key: name) go; it may raise for one."""
        pauses = delays(0.5, 2, self.arguments["wait_timeout"], spread=0.2)
        waited = 0.0
        while waiting:
            listed = self.look()
            seen = {**{each["name"]: each for each in listed}, **{each["id"]: each for each in listed}}
            for key, name in list(waiting.items()):
                try:
                    if judge(seen.get(key), waited):
                        del waiting[key]
                except ScalewayError as error:
                    self.failures[name] = str(error)
                    del waiting[key]
            if not waiting:
                return
            pause = next(pauses, None)
            if pause is None:
                for key, name in waiting.items():
                    state = seen[key]["state"] if key in seen else "gone"
                    self.failures[name] = str(
                        WaitTimeout(f"Waited {waited:.0f} s for {name} {what}; it was last seen {state}.")
                    )
                return
            self.client.pause(pause)
            waited += pause

    def _gone(self, idents: dict[str, str]) -> None:
        self._watch(dict(idents), "to be gone", lambda seen, _waited: seen is None)

    def _running(self, names: list[str]) -> None:
        wait_for = self.arguments["wait_for"]

        def judge(seen: Object | None, waited: float) -> bool:
            if seen is None:
                raise ScalewayError("The server vanished while it was started.")
            if seen["state"] == "stopped" and waited > START_GRACE:
                detail = seen.get("state_detail") or "no detail given"
                raise ScalewayError(f"It did not start and is stopped again ({detail}). Scaleway may be out of stock.")
            return arrived(seen, wait_for)

        self._watch({name: name for name in names}, f"to be {wait_for}", judge)

    def _place(self, steps: list[Step], plan: FleetPlan) -> None:
        """Give new servers a place in the groups."""
        if not self.groups.wish or not steps:
            return
        new = {step.name for step in steps}
        others = [
            step.plan.there for step in [*plan.steps, *plan.removals] if step.plan.current and step.name not in new
        ]
        for step, group in zip(steps, self.groups.places(len(steps), [*others, *plan.dying]), strict=True):
            step.plan.wish["placement_group"] = group

    # --- names

    def _records(self, servers: list[Object]) -> tuple[Records, Plan]:
        """One address record for each wanted server that has an address, and none for others of the fleet's pattern."""
        dns, wanted = self.arguments["dns"], {f"{self.prefix}-{number}" for number in self.numbers}
        represent = Server(self.client, {}).represent
        found = {each["name"]: represent(each)["public_address"] for each in servers if self.tag in each["tags"]}
        listed = [{"name": name, "type": "A", "data": [found[name]]} for name in sorted(wanted) if found.get(name)]
        wish = {"dns_zone": dns["zone"], "ttl": dns["ttl"], "records": listed, "exclusive_names": self.pattern.pattern}
        records = Records(self.client, wish, self.check)
        return records, records.plan("present", records.find())

    def publish(self, servers: list[Object]) -> None:
        """Bring the zone in step with the fleet as it is now."""
        if self.arguments.get("dns"):
            records, plan = self._records(servers)
            records.apply(plan)

    # --- telling

    def cost(self) -> Values:
        """What the wished fleet costs in EUR, servers only, by the product catalogue."""
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
        }
        return {action: [name for name in names if name not in self.failures] for action, names in actions.items()}

    def diff(self, plan: FleetPlan) -> Values:
        steps = [step for step in plan.steps if step.plan.changed]
        before = {step.name: step.plan.before for step in [*steps, *plan.removals] if step.plan.current}
        before.update({step.name: step.member.identity(step.plan.current or {}) for step in plan.removals})
        after = {step.name: step.plan.after for step in steps}
        if plan.records and plan.records.changed:
            before, after = {**before, **plan.records.before}, {**after, **plan.records.after}
        return {"before": before, "after": after}

    def servers(self) -> list[Object]:
        """The fleet as it was last seen, in the order of the numbers."""
        ours = [each for each in self.seen if self.tag in each["tags"] and not is_dying(each)]
        return [
            Server(self.client, {}).represent(each) for each in sorted(ours, key=lambda each: self.number(each["name"]))
        ]

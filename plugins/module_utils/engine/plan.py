# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan: compare desired and actual state. Sends nothing that changes anything."""

from __future__ import annotations

import builtins

from ..errors import Invalid
from ..fields import REPLACES, Field
from ..plan import CREATE, DELETE, KEEP, REPLACE, UPDATE, Object, Plan, Values
from .read import Reader


class Planner(Reader):
    """The layer of :class:`Resource` that makes a plan."""

    def plan(self, state: str, current: Object | None) -> Plan:
        """Compare desired and actual state. Sends nothing that changes anything."""
        self._current, self._state = current, state
        if state == "absent":
            if current is None:
                return Plan(KEEP)
            self.check_removal(current)
            return Plan(DELETE, current, before=self.identity(current))
        desired = self.desired()
        if current is None:
            if self.arguments.get("id"):
                raise Invalid(f"There is no {self} in {self.where}.")
            plan = Plan(CREATE, None, desired, desired, {}, {"name": self.name, **self.display(desired)})
        else:
            plan = self.compare(current, desired)
        if plan.changed and self.can_create(plan):
            self.validate(plan)
        return plan

    def validate(self, plan: Plan) -> None:
        """Check a plan that creates or changes before anything is sent; raise :class:`Invalid` to reject it."""

    def can_create(self, plan: Plan) -> bool:
        """Whether a creation has all arguments that it needs; if not, fail, or only warn in check mode."""
        missing = self.missing() if plan.action in (CREATE, REPLACE) else ""
        if missing:
            self.fail_or_warn(f"{self} is to be created, which needs {missing}.")
        return not missing

    def missing(self) -> str:
        """Names of the arguments that a creation still needs, or ""."""
        return ", ".join(name for name in self.creation_needs if self.arguments.get(name) in (None, ""))

    def compare(self, current: Object, desired: Values) -> Plan:
        actual = self.actual_values(current, desired)
        kinds = {entry.name: entry for entry in (*self.fields, Field("name"))}
        changes = {name: desired[name] for name, value in actual.items() if not kinds[name].equal(value, desired[name])}
        frozen = [name for name in changes if self.change_of(kinds[name], current) == REPLACES]
        before = {**self.identity(current), **self.display(actual)}
        action = UPDATE if changes else KEEP
        if frozen:
            if not self.arguments.get("recreate"):
                raise Invalid(self.frozen(frozen, actual, desired))
            self.check_removal(current)
            action = REPLACE
        return Plan(action, current, desired, changes, before, {**before, **self.display(changes)})

    def frozen(self, names: builtins.list[str], actual: Values, desired: Values) -> str:
        before, after = self.display(actual), self.display(desired)
        what = "; ".join(f"{name} is {before[name]!r}, desired {after[name]!r}" for name in names)
        return f"{self} exists, and this cannot change in place: {what}. With recreate: true it is replaced."

    def check_removal(self, current: Object) -> None:
        """Fail if the API would refuse the deletion; outside check mode the API itself reports it."""
        users = self.users(current) if self.check else []
        if users:
            self.fail_or_warn(self.in_use(users))

    def in_use(self, users: builtins.list[str]) -> str:
        return f"{self} cannot be removed: it is in use by {', '.join(sorted(users))}. Change or remove these first."

    def users(self, current: Object) -> builtins.list[str]:
        """Kinds and names of the objects that use this one, so that the API would refuse to delete it."""
        return []

    def identity(self, current: Object) -> Values:
        return {key: current[key] for key in ("id", "name") if current.get(key)}

    def display(self, values: Values) -> Values:
        return {
            entry.name: entry.shown(values[entry.name])
            for entry in (*self.fields, Field("name"))
            if entry.name in values
        }

# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply a plan; safe to run again after any failure."""

from __future__ import annotations

from typing import Any

from ..errors import IN_USE, ApiError, Invalid
from ..fields import IN_PLACE, Field
from ..plan import DELETE, KEEP, REPLACE, UPDATE, Object, Plan, Values
from .plan import Planner
from .wait import Awaiting


class Applier(Planner, Awaiting):
    """The layer of :class:`Resource` that writes."""

    def apply(self, plan: Plan) -> Object | None:
        """Apply the plan; return the object, or None if it is removed. Safe to run again after any failure."""
        if plan.action == KEEP:
            return plan.current and self.wait_until_stable(plan.current)
        if plan.action == DELETE:
            self.remove(plan.there)
            return None
        if plan.action == UPDATE:
            return self.update(plan.there, plan.changes)
        if plan.action == REPLACE:
            self.remove(plan.there)
            self.gone(plan.there["id"])
        made, own = self.make(lambda: self.create(plan.desired))
        return self.complete(plan, self.wait_until_stable(made)) if own else self.join(made)

    def update(self, current: Object, changes: Values) -> Object:
        """Write the changes in order: `parts_first`, the body, the remaining parts."""
        early = {name: value for name, value in changes.items() if name in self.parts_first}
        late = {name: value for name, value in changes.items() if name not in early}
        return self.apply_parts(self.change(self.apply_parts(current, early), late), late)

    def complete(self, plan: Plan, made: Object) -> Object:
        """Write the fields that the creation request could not contain."""
        born = {entry.name for entry in self.fields if entry.at_birth}
        return self.apply_parts(made, {name: value for name, value in plan.desired.items() if name not in born})

    def join(self, elder: Object) -> Object | None:
        """Continue with an object that another run created at the same time, as with any existing one."""
        plan = self.plan(self._state, self.wait_until_stable(elder))
        if plan.action == REPLACE:
            raise Invalid(f"{self} ({elder['id']}) was created differently by another run at the same time.")
        return self.apply(plan)

    def create(self, desired: Values) -> Object:
        """Create the object exactly once, even if the response is lost. It may still be in a transient state."""
        body = self.creation_body(desired)
        answer = self.client.post(self.url(), body, recover=self.recover)
        return self.unwrap(answer)

    def recover(self) -> Object | None:
        """Return the object that the first attempt created, after its response was lost."""
        return next(iter(self.eldest_first()), None)

    def discard(self, made: Object, elder: Object) -> None:
        self.remove(made)

    def creation_body(self, desired: Values) -> Object:
        body = {} if not self.name else {"name": self.name}
        if self.project_key:
            body[self.project_key] = self.account
        body.update({entry.key: entry.created for entry in self.fields if entry.created is not None})
        body.update(self.wire(desired))
        body.update(
            {
                entry.key: entry.write(desired[entry.name])
                for entry in self.fields
                if entry.at_birth and entry.name in desired
            }
        )
        return body

    def wire(self, values: Values) -> Object:
        """Convert values to an API request body, without parts, which need separate calls."""
        return {
            entry.key: entry.write(values[entry.name])
            for entry in (*self.fields, Field("name"))
            if entry.name in values and not entry.part
        }

    def change(self, current: Object, changes: Values) -> Object:
        """Write the body's fields; parts follow in :meth:`apply_parts`."""
        body = self.change_body(current, self.wire(changes))
        if not body:
            return current
        answer = self.client.send(self.update_method, self.url(current["id"]), body=body)
        return self.wait_until_stable(self.unwrap(answer))

    def change_body(self, current: Object, changes: Object) -> Object:
        if not changes or self.update_method != "PUT":
            return changes
        whole = {
            entry.key: entry.write(entry.value(current))
            for entry in self.fields
            if entry.change == IN_PLACE and not entry.part
        }
        return {"name": current.get("name"), **whole, **changes}

    def apply_parts(self, current: Object, values: Values) -> Object:
        """Write the parts that are among `values`, in the order of the description."""
        written = False
        for entry in self.fields:
            if entry.part and entry.name in values:
                self.write_part(entry.name, current, values[entry.name])
                written = True
        return self.wait_until_stable(self.fresh(current)) if written else current

    def fresh(self, current: Object) -> Object:
        """Read the current state of an object."""
        return self.get(current["id"]) or current

    def write_part(self, name: str, current: Object, value: Any) -> None:
        raise NotImplementedError(f"{self.word}: {name}")

    def remove(self, current: Object) -> None:
        try:
            self.client.delete(self.url(current["id"]))
        except ApiError as refusal:
            users = self.users(current) if refusal.status in IN_USE else []
            if not users:
                raise
            raise Invalid(self.in_use(users)) from refusal
        if self.slow_delete and self.wait:
            self.gone(current["id"])

# SPDX-License-Identifier: GPL-3.0-or-later
"""Read, plan, apply, wait: the engine that brings every object to its desired state.

A description is a subclass of :class:`Resource` that sets class attributes and overrides a hook where its API is
unusual. Each layer has its own module: description, read, plan, wait, apply.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from ..errors import Invalid
from ..plan import CREATE, DELETE, REPLACE, Object, Plan, Values
from .apply import Applier


class Resource(Applier):
    """Base of all descriptions."""

    def represent(self, current: Object) -> Object:
        """Return the object as modules show it."""
        return current

    def predict(self, plan: Plan) -> Object:
        """Return what check mode shows instead of the object."""
        predicted = {} if plan.action in (CREATE, REPLACE) else dict(plan.current or {})
        named = {"name": self.name or predicted.get("name")}
        return {"id": None, **self.unknown, **predicted, **named, **self.wire(plan.changes)}


@dataclass
class Outcome:
    """The result of one reconciliation."""

    changed: bool
    result: Object | None
    diff: Values


Record = Callable[[Plan], AbstractContextManager[dict[str, Any]]]
"""Receives each plan before and after it is applied; yields a dictionary for the object's id, by name."""


def reconcile(resource: Resource, state: str, check: bool, record: Record = lambda _: nullcontext({})) -> Outcome:
    """Reconcile one resource with the desired state; in check mode, return the plan."""
    plan = up_to_date_plan(resource, state)
    if check and plan.changed:
        result = None if plan.action == DELETE else resource.predict(plan)
    elif plan.changed:
        with record(plan) as objects:
            result = resource.apply(plan)
            objects[resource.name] = (result or {}).get("id")
    else:
        result = resource.apply(plan)
    shown = None if result is None else resource.represent(result)
    return Outcome(plan.changed, shown, {"before": plan.before, "after": plan.after})


def up_to_date_plan(resource: Resource, state: str) -> Plan:
    """Return a plan for the current state.

    A creation can be refused because a peer created the same object after this run looked for it, for example when that
    object already holds the address. In that case, look again and plan for the object that is found.
    """
    current = resource.claim(state, resource.find())
    try:
        return resource.plan(state, current)
    except Invalid:
        made_meanwhile = None if current else resource.claim(state, resource.find())
        if made_meanwhile is None:
            raise
        return resource.plan(state, made_meanwhile)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Report changes to the journal of the run: before they are made, without secrets, and then their results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.parameters import remove_values

from .engine import Resource
from .masking import without_secrets
from .plan import CREATE, DELETE, REPLACE, UPDATE, Plan, Values
from .run_talk import recorded

ACTIONS = {CREATE: "created", UPDATE: "changed", REPLACE: "replaced", DELETE: "removed"}


def change(module: AnsibleModule, kind: str, name: str, plan: Plan) -> dict[str, Any]:
    """One change for the journal."""
    seen: tuple[Values, Values] = (plan.before, plan.after)
    before, after = (without_secrets(remove_values(values, module.no_log_values)) for values in seen)
    found = plan.current or {}
    return {
        "kind": kind, "name": name, "action": ACTIONS[plan.action], "object": found.get("id"),
        "before": before, "after": after,
    }  # fmt: skip


def recorder(module: AnsibleModule, resource: Resource) -> Callable[[Plan], Any]:
    """Records the plan of one resource."""

    @contextmanager
    def record(plan: Plan) -> Iterator[dict[str, str | None]]:
        name = resource.name or (plan.current or {}).get("name") or str(resource).removeprefix(f"{resource.word} ")
        objects: dict[str, str | None] = {}
        with recorded([change(module, resource.word, name, plan)]) as told:
            yield objects
            told.objects[name] = next(iter(objects.values()), None)

    return record

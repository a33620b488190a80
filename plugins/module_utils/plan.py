# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for one object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]
Values = dict[str, Any]

CREATE, UPDATE, REPLACE, DELETE, KEEP = "create", "update", "replace", "delete", "keep"


@dataclass
class Plan:
    """What will be done to one object: `current` is the API's, `changes` the desired values that differ."""

    action: str
    current: Object | None = None
    desired: Values = field(default_factory=dict)
    changes: Values = field(default_factory=dict)
    before: Values = field(default_factory=dict)
    after: Values = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        return self.action != KEEP

    @property
    def there(self) -> Object:
        """The object that exists already; only for plans that are about one."""
        if self.current is None:
            raise ValueError(f"a plan to {self.action} has no object")
        return self.current

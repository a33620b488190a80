# SPDX-License-Identifier: GPL-3.0-or-later
"""One server of a fleet: what it does differently from a server on its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from .client import Client
from .fields import REPLACES
from .plan import Object, Plan, Values
from .resources import disks
from .resources.server import Server

DATA_TAG = "ensemble-user-data:"


class Member(Server):
    """A server of a fleet: keeps tags that others gave it, and tells by a tag which user data it has."""

    def __init__(self, client: Client, arguments: Mapping[str, Any], check: bool = False) -> None:
        super().__init__(client, arguments, check)
        data = {**(arguments.get("user_data") or {}), **(arguments.get("secret_user_data") or {})}
        mark = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]
        self.data_tag = f"{DATA_TAG}{mark}" if data else ""

    @property
    def own_tags(self) -> list[str]:
        return [*self.arguments["tags"], *([self.data_tag] if self.data_tag else [])]

    def wish(self) -> Values:
        wished = super().wish()
        foreign = [tag for tag in (self._current or {}).get("tags", []) if not tag.startswith(DATA_TAG)]
        wished["tags"] = list(dict.fromkeys([*self.own_tags, *foreign]))
        return wished

    def resolve(self, name: str, value: Any) -> Any:
        """The fleet gives references to addresses, also to one that it is about to reserve."""
        return value if name == "public_ips" else super().resolve(name, value)

    def read_part(self, name: str, current: Object) -> Any:
        if (
            name in ("user_data", "secret_user_data")
            and current["state"] != "stopped"
            and self.data_tag in current["tags"]
        ):
            return self.resolve(name, self.arguments[name])
        return super().read_part(name, current)

    def change(self, current: Object, changes: Values) -> Object:
        """User data before the tag that vouches for it."""
        for name in ("user_data", "secret_user_data"):
            if name in changes:
                self.write_part(name, current, changes[name])
        return super().change(current, changes)

    def fresh(self, current: Object) -> Object:
        """What was just listed or made is fresh enough: waiting, the fleet looks at all of its servers at once."""
        return current

    def guard(self, current: Object) -> None:
        """Which servers are replaced is for the fleet to say: it asks :meth:`insist_on` for them."""

    def insist_on(self, current: Object) -> None:
        """Complain about removing what is protected."""
        super().guard(current)

    def frozen_changes(self, plan: Plan) -> list[str]:
        return [name for name in plan.changes if self.change_of(self.field(name), plan.there) == REPLACES]

    def _left_behind(self) -> list[disks.Disk]:
        """The fleet looks for disks of interrupted removals once, for all of its servers."""
        return []

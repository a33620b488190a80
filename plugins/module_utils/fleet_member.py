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
        self.data_tag = self._data_tag()

    def _data_tag(self) -> str:
        """The tag that tells which user data a server has, "" where it has none.

        Everybody who may list servers sees it, and the secret data may be as weak as a word: so it is a slow digest,
        salted by the project and the fleet, of what is sent. Every operator with the same desired data gets the same.
        """
        names = ("user_data", "secret_user_data")
        data = {name: texts for name in names if (texts := self.texts(self.arguments.get(name) or {}))}
        absent = sorted(self.arguments.get("absent_user_data") or [])
        if not data and not absent:
            return ""
        sent = json.dumps([data, absent], sort_keys=True)
        salt = f"{self.client.settings.project_id} {self.arguments['tags'][0]}"

        def digest() -> str:
            return hashlib.scrypt(sent.encode(), salt=salt.encode(), n=2**14, r=8, p=1, dklen=8).hex()

        return DATA_TAG + self.client.once((DATA_TAG, salt, sent), digest)

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
            name in ("user_data", "secret_user_data", "absent_user_data")
            and current["state"] != "stopped"
            and self.data_tag in current["tags"]
        ):
            return self.resolve(name, self.arguments[name])
        return super().read_part(name, current)

    def change(self, current: Object, changes: Values) -> Object:
        """User data before the tag that vouches for it."""
        for name in ("user_data", "secret_user_data", "absent_user_data"):
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

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import ClassVar

from ..engine import Resource
from ..plan import Object, Values
from ..settings import is_uuid


class Part(Resource):
    """What belongs to one other object, is found below it, and is its owner's. An argument names it (or its id)."""

    envelope = False
    project_key = ""
    whole: ClassVar[type[Resource]]
    whole_argument = ""

    def parents(self) -> Values:
        return {f"{self.whole_argument}_id": self.whole_id}

    @property
    def whole_id(self) -> str:
        return self.reference(self.whole, self.arguments[self.whole_argument])

    def find(self) -> Object | None:
        if self.arguments.get("id"):
            return self.get(self.arguments["id"])
        if self.arguments.get("state") == "absent" and not self._has_whole():
            return None
        return self.sole() if self.whole_id else None

    def _has_whole(self) -> bool:
        desired = self.arguments[self.whole_argument]
        return is_uuid(desired) or self.find_reference(self.whole, desired) is not None

    def claim(self, state: str, current: Object | None) -> Object | None:
        """The owner of the whole also owns its parts."""
        named = self.arguments[self.whole_argument]
        by = {"owner_tag": self.arguments.get("owner_tag"), "id" if is_uuid(named) else "name": named}
        whole = self.whole(self.client, by)
        if whole.owner_tag:
            found = whole.find() if is_uuid(named) else self.find_reference(self.whole, named)
            if whole.claim(state, found) is None and found is not None:
                return None
        return current

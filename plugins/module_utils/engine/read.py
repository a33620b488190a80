# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the current object and the values of its fields."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ..fields import AT_CREATION, Field, Ref
from ..plan import Object, Values
from ..settings import is_uuid
from .description import Description


class Reader(Description):
    """The layer of :class:`Resource` that asks the API and changes nothing."""

    @property
    def where(self) -> str:
        settings = self.client.settings
        return (
            settings.zone if "{zone}" in self.path else settings.region if "{region}" in self.path else "this project"
        )

    @property
    def account(self) -> str:
        """Id of the project or organization that holds the objects; the value of `project_key`."""
        return self.client.project

    def url(self, ident: str = "", tail: str = "") -> str:
        settings = self.client.settings
        path = (self.item_path or self.path) if ident else self.path
        base = path.format(zone=settings.zone, region=settings.region, **self.parents())
        return base + (f"/{quote(ident, safe='')}" if ident else "") + tail

    def parents(self) -> Values:
        """Values for the path beyond zone and region."""
        return {}

    def unwrap(self, answer: Object) -> Object:
        return answer.get(self.key, answer) if self.envelope else answer

    def get(self, ident: str) -> Object | None:
        answer = self.client.find(self.url(ident))
        return None if answer is None else self.unwrap(answer)

    def list(self, **query: Any) -> builtins.list[Object]:
        if self.project_key:
            query.setdefault(self.project_key, self.account)
        return self.client.list(self.url(), self.plural, **query)

    def find(self) -> Object | None:
        """Find the object by id or exact name; two objects with the same name are an error."""
        return self.get(self.arguments["id"]) if self.arguments.get("id") else self.sole()

    def namesakes(self) -> builtins.list[Object]:
        return [each for each in self.list(name=self.name) if each.get("name") == self.name]

    def actual_values(self, current: Object, names: Mapping[str, Any]) -> Values:
        """The current values of these fields, in the form of arguments."""
        return {
            entry.name: self.read_part(entry.name, current) if entry.part else entry.value(current)
            for entry in (*self.fields, Field("name"))
            if entry.name in names and self.change_of(entry, current) != AT_CREATION
        }

    def change_of(self, entry: Field, current: Object) -> str:
        """How a field of this object changes, where that depends on the object."""
        return entry.change

    def read_part(self, name: str, current: Object) -> Any:
        """Return the value of a part, with separate calls if the object does not contain it."""
        return self.field(name).value(current)

    # --- references to other objects

    def reference(self, other: type[Reader], value: str, **arguments: Any) -> Ref:
        """Resolve a name or id. In check mode, assume that a missing object will be created by an earlier task."""
        if is_uuid(value):
            return Ref(value)
        found = self.find_reference(other, value, **arguments)
        if found:
            return Ref(found["id"], value)
        self.fail_or_warn(f"There is no {other.word} {value!r} in {self.where}.")
        return Ref("", value)

    def find_reference(self, other: type[Reader], name: str, **arguments: Any) -> Object | None:
        """Find an object of another kind by name, preferring the owner's; cached once found."""
        owned = {**arguments, "owner_tag": self.arguments.get("owner_tag")}
        key = (other, name, tuple(owned.items()))
        found = self.client.once(key, lambda: other(self.client, {**owned, "name": name}).find())
        if found is None:
            self.client.forget(key)
        return found

    def fetch(self, other: type[Reader], value: str) -> Object:
        """Like :meth:`reference`, but return the object, uncached; {} if check mode assumes that it will exist."""
        named = {"id": value} if is_uuid(value) else {"name": value}
        found = other(self.client, {**named, "owner_tag": self.arguments.get("owner_tag")}, self.check).find()
        if found is None:
            self.fail_or_warn(f"There is no {other.word} {value!r} in {self.where}.")
        return found or {}

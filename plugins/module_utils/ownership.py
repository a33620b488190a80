# SPDX-License-Identifier: GPL-3.0-or-later
"""Determine the owner of an object by its tag, never by its name alone."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping
from typing import Any

from .errors import Invalid
from .fields import Field
from .plan import Object


def carries(owner_tag: str, tags: Iterable[str] | None) -> bool:
    """Whether an object with these tags is the owner's; everything is, where no owner is told."""
    return not owner_tag or owner_tag in (tags or [])


class Owned:
    """The part of a resource that knows its owner (argument `owner_tag`)."""

    word: str
    fields: tuple[Field, ...]
    arguments: Mapping[str, Any]

    @property
    def owner_tag(self) -> str:
        """The tag of the owner, "" where there is none or where objects of this kind have no tags."""
        return (self.arguments.get("owner_tag") or "") if any(entry.name == "tags" for entry in self.fields) else ""

    def owns(self, current: Object) -> bool:
        return carries(self.owner_tag, current.get("tags"))

    def own_first(self, candidates: builtins.list[Object]) -> builtins.list[Object]:
        """Return the owner's candidates, or all of them if none is the owner's; reading a foreign object is allowed."""
        return [each for each in candidates if self.owns(each)] or candidates

    def claim(self, state: str, current: Object | None) -> Object | None:
        """The object if a task may act on it. A stranger's of the same name stays, and must not be in the way.

        Raises:
            Invalid: the name, or the id, is that of somebody else's object.
        """
        if current is None or self.owns(current):
            return current
        if state == "absent" and not self.arguments.get("id"):
            return None
        raise Invalid(
            f"{self} ({current.get('id')}) lacks the tag {self.owner_tag}, so it belongs to another owner. Choose "
            f"another name, or add the tag to take it over."
        )

    def owner_tags(self, tags: Iterable[str] | None) -> builtins.list[str]:
        """These tags and the owner's."""
        given = list(tags or [])
        return [*given, *([self.owner_tag] if self.owner_tag and self.owner_tag not in given else [])]

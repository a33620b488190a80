# SPDX-License-Identifier: GPL-3.0-or-later
"""Describe a kind of object: the data of its description, and the arguments of a task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..client import Client
from ..errors import ASSUMED, Invalid
from ..fields import Field
from ..ownership import Owned
from ..plan import Object, Values
from ..twins import WithoutTwins
from ..wait import Waiter


class Description(Owned, WithoutTwins):
    """The first layer of :class:`Resource`. Asks the API for nothing by itself."""

    word = ""  #: what people call it, for messages
    key = ""  #: what modules return it as, and the API's envelope
    plural = ""  #: key of the API's lists
    path = ""  #: of the collection, with {zone} or {region}, and what `parents` gives
    item_path = ""  #: of single objects, where they do not lie below `path`
    fields: tuple[Field, ...] = ()
    envelope = True  #: instance v1 wraps single objects, the others do not
    project_key = "project"  #: "" for objects that belong to another one
    update_method = "PATCH"  #: with PUT every field is sent, what was left out would fall to its default
    status_key = "state"
    transient: tuple[str, ...] = ()  #: states that pass by themselves
    failed: tuple[str, ...] = ()
    slow_delete = False  #: whether it still shows for a while after DELETE
    states: tuple[str, ...] = ("present", "absent")
    parts_first: tuple[str, ...] = ()  #: parts that a change writes before the body, which vouches for them
    creation_needs: tuple[str, ...] = ()  #: arguments without which none can be created
    options: ClassVar[Values] = {}  #: further arguments of the module, beside the fields
    unknown: ClassVar[Values] = {}  #: what later tasks may ask of an object that check mode has not made

    def __init__(self, client: Client, arguments: Mapping[str, Any], check: bool = False) -> None:
        self.client = client
        self.arguments = arguments
        self.check = check
        self.warnings: list[str] = []
        self._current: Object | None = None
        self._state = "present"
        timeout = arguments.get("wait_timeout")
        self.waiter = Waiter(600 if timeout is None else timeout, sleep=client.pause)

    @property
    def name(self) -> str:
        return self.arguments.get("name") or ""

    @property
    def wait(self) -> bool:
        return self.arguments.get("wait") is not False

    def __str__(self) -> str:
        return f"{self.word} {self.name or self.arguments.get('id')}"

    def field(self, name: str) -> Field:
        return next(entry for entry in self.fields if entry.name == name)

    def desired(self) -> Values:
        """The fields that were asked for, references resolved. Raises :class:`Invalid` for what can never be."""
        desired: Values = {}
        if self.arguments.get("id") and self.name:
            desired["name"] = self.name
        for entry in self.fields:
            value = self.arguments.get(entry.name)
            if value is not None:
                desired[entry.name] = self.resolve(entry.name, value)
        if "tags" in desired or (self.owner_tag and self._current is None):
            desired["tags"] = self.owner_tags(desired.get("tags"))
        return desired

    def resolve(self, name: str, value: Any) -> Any:
        """A field's desired value as the API will show it; descriptions look up names here."""
        return value

    def fail_or_warn(self, problem: str) -> None:
        """Fail because of something that an earlier task would have corrected; only warn in check mode."""
        if not self.check:
            raise Invalid(problem)
        self.warnings.append(f"{problem} {ASSUMED}")

# SPDX-License-Identifier: GPL-3.0-or-later
"""Define one field of a resource: its argument, whether it can change, and when two values are equal."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import ipaddress
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .errors import Invalid

_SALT = os.urandom(16)

IN_PLACE = "in place"
REPLACES = "by replacement"
AT_CREATION = "never compared"


def same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Field:
    """One argument and the API's key behind it.

    `option` is its entry in the argument spec. `normal` is the form in which desired and actual are compared; `read`
    takes the value out of the API's object; `write` gives the wire form; `shown` what a diff may show. A `part` is not
    in the object's own body: the resource writes it with calls of its own, after the object exists; with `at_birth`
    the body that creates the object takes it as well. `created` is what a creation sends where the task gives nothing:
    for fields of which no recording shows what the API takes when they are left out.
    """

    name: str
    option: dict[str, Any] = field(default_factory=lambda: {"type": "str"})
    wire: str = ""
    change: str = IN_PLACE
    part: bool = False
    at_birth: bool = False
    created: Any = None
    normal: Callable[[Any], Any] = same
    read: Callable[[dict[str, Any]], Any] | None = None
    write: Callable[[Any], Any] = same
    shown: Callable[[Any], Any] = same

    @property
    def key(self) -> str:
        return self.wire or self.name

    def value(self, api_object: dict[str, Any]) -> Any:
        """The field's value in an object of the API."""
        return self.read(api_object) if self.read else api_object.get(self.key)

    def equal(self, one: Any, other: Any) -> bool:
        return self.normal(one) == self.normal(other)


class Ref(str):
    """Another object's id that remembers its name for the reader; "" is one that will exist by then (check mode)."""

    label: str

    def __new__(cls, ident: str, label: str = "") -> Ref:
        ref = super().__new__(cls, ident)
        ref.label = label or ident
        return ref


def embedded(key: str) -> Callable[[dict[str, Any]], Any]:
    """Return a function that reads a reference which the API shows as a nested object."""

    def read(api_object: dict[str, Any]) -> Any:
        nested = api_object.get(key)
        return Ref(nested["id"], nested.get("name") or "") if nested else None

    return read


def label(value: Any) -> Any:
    """For diffs: the names of references instead of their ids."""
    if isinstance(value, Ref):
        return value.label
    if isinstance(value, dict):
        return {key: label(inner) for key, inner in value.items()}
    return [label(item) for item in value] if isinstance(value, list) else value


def hidden(value: Any) -> Any:
    """For diffs: whether a secret changes. The digest is salted anew for each run, so that nobody can guess from it."""
    if value is None or isinstance(value, dict):
        return value and {key: hidden(inner) for key, inner in value.items()}
    return f"hidden {hashlib.blake2b(str(value).encode(), digest_size=4, key=_SALT).hexdigest()}"


def unordered(value: Any) -> Any:
    """Normalize a list whose order does not matter."""
    return sorted(set(value or []))


def networks(value: Any) -> Any:
    """Addresses and networks in any order and form."""
    return unordered([network(each) for each in value or []])


def lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def text(value: Any) -> str:
    """Treat null as the empty string, as the API does."""
    return value or ""


def is_network(value: str) -> bool:
    """Whether it is an address or a network."""
    try:
        return bool(ipaddress.ip_network(value, strict=False))
    except ValueError:
        return False


def network(value: Any) -> str:
    """`1.1.1.1/32` and `1.1.1.1` are one network; host bits do not count."""
    if not value:
        return "0.0.0.0/0"
    return str(ipaddress.ip_network(value, strict=False)) if is_network(value) else str(value)


def plain_text(what: str, value: Any) -> str:
    """A value that must be a text. Templates may turn JSON text into data, whose text form would be Python's."""
    if isinstance(value, (dict, list)):
        raise Invalid(f"{what} is a {type(value).__name__} not a text: use to_json or to_yaml.")
    return str(value)


def is_representation(text: str) -> bool:
    """Whether this is the text that Python gives of a list or dictionary with texts in it."""
    if not text.startswith(("{'", '{"', "['", '["')) or "'" not in text:
        return False
    with contextlib.suppress(ValueError):
        json.loads(text)
        return False
    with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError):
        return isinstance(ast.literal_eval(text), (dict, list))
    return False


def tidy(name: str, values: list[str]) -> list[str]:
    """The elements of a list as they were meant: `a, b` from a command line are two, and JSON text is none of them.

    Raises:
        Invalid: the text of a whole list was cut at its commas.
    """
    if values and values[0].lstrip()[:2] in ('["', "['", "[]") and values[-1].rstrip().endswith("]"):
        raise Invalid(f"{name} is the text {','.join(values)!r} not a list: use from_json, or pass a list.")
    return [value.strip() for value in values]


def tag_query(tags: Any) -> str | None:
    """The value of a filter by tags, which Scaleway takes with commas between them."""
    for tag in tags or []:
        if "," in tag:
            raise Invalid(f"tags: {tag!r} contains a comma, which Scaleway reads as two tags. Pass a list of tags.")
    return ",".join(sorted(tags or [])) or None


TAGS = Field("tags", {"type": "list", "elements": "str"}, normal=unordered, created=[])


def choice(*choices: str, **more: Any) -> dict[str, Any]:
    """Argument spec of one word out of several."""
    return {"type": "str", "choices": list(choices), **more}

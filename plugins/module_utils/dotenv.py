# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment files (`NAME=value`), written so that Docker Compose and `parse` read back exactly what was meant.

Used on the control node, and copied to the Jitsi servers: no imports beyond the standard library.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
PLAIN = re.compile(r"[A-Za-z0-9_./:@,+-]*")
ASSIGNMENT = re.compile(
    r"""[ \t]*(?:export[ \t]+)?(?P<name>[^\s=]+)[ \t]*=[ \t]*
    (?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>[^']*)'|(?P<bare>(?!["'])[^\n]*?))
    (?:[ \t]+\#[^\n]*)?[ \t]*(?:\n|$)""",
    re.VERBOSE | re.DOTALL,
)
BLANK = re.compile(r"[ \t]*(?:\#[^\n]*)?(?:\n|$)")
ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def write(environment: Mapping[str, Any]) -> str:
    """Return the text for these variables, sorted by name. Booleans are written as `true` and `false`.

    The order of the input does not matter, because AWX sorts variables.

    Raises:
        ValueError: a name or value is invalid: a value must not be null, a list or a dictionary.
    """
    return "".join(
        f"{_name(name)}={_quoted(_text(name, value))}\n"
        for name, value in sorted(environment.items(), key=lambda item: str(item[0]))
    )


def parse(text: str) -> dict[str, str]:
    """The variables of a text. Quotes are optional, `export` is too; the last of two assignments counts.

    Raises:
        ValueError: a line is neither an assignment nor empty nor a comment.
    """
    found: dict[str, str] = {}
    text = text.replace("\r\n", "\n")
    position = 0
    while position < len(text):
        if blank := BLANK.match(text, position):
            position = blank.end()
            continue
        assignment = ASSIGNMENT.match(text, position)
        if assignment is None or not NAME.fullmatch(assignment["name"]):
            number = text.count("\n", 0, position) + 1
            raise ValueError(f"line {number} is not NAME=value")
        found[assignment["name"]] = _value(assignment)
        position = assignment.end()
    return found


def _value(assignment: re.Match[str]) -> str:
    if assignment["double"] is not None:
        return re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), assignment["double"], flags=re.DOTALL)
    return assignment["single"] if assignment["single"] is not None else assignment["bare"].strip()


def _name(name: Any) -> str:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a variable: letters, digits and underscores, no leading digit")
    return name


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, (str, int, float)):
        kind = "null" if value is None else "a list" if isinstance(value, (list, tuple)) else "a dictionary"
        raise ValueError(f"{name} is {kind}, not a text")
    if "\0" in str(value):
        raise ValueError(f"{name} contains a null character")
    return str(value)


def _quoted(value: str) -> str:
    if PLAIN.fullmatch(value):
        return value
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("$", "\\$"), ("\n", "\\n"), ("\r", "\\r")):
        value = value.replace(plain, escaped)
    return f'"{value}"'

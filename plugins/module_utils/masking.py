# SPDX-License-Identifier: GPL-3.0-or-later
"""Hide secrets in output: values with secret-looking names show only whether they change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .fields import hidden

SECRET_NAME = re.compile(
    r"SECRET|PASSW(OR)?D|PASSPHRASE|CREDENTIAL|TOKEN|PRIVATE|API_?KEY|ACCESS_?KEY|BIND_?PW|_PW$|_KEY$|-KEY$|_DSN$", re.I
)
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
LINE = re.compile(r"^(\s*(?:export\s+)?)([A-Za-z_][\w.-]*)(\s*[=:]\s*)(\S.*?)(\s*)$", re.MULTILINE)
PASSWORD_IN_URL = re.compile(r"(\w+://[^\s/:@]*:)[^\s/@]+@")
SHORTEST = 6
"""Shorter values are not taken out of a module's whole output: 1 or true stand in much that is no secret."""


def looks_secret(name: str) -> bool:
    """Whether a value with this name must be hidden."""
    return bool(SECRET_NAME.search(name))


def masked(value: Any) -> Any:
    """For diffs: texts by name, with secret ones and secret lines in them hidden."""
    return {name: _masked(name, text) for name, text in value.items()} if isinstance(value, dict) else value


def _masked(name: str, text: Any) -> Any:
    if not isinstance(text, str):
        return text
    if looks_secret(name) or PRIVATE_KEY.search(text):
        return hidden(text)

    def line(found: re.Match[str]) -> str:
        before, key, sign, secret, after = found.groups()
        return f"{before}{key}{sign}{hidden(secret) if looks_secret(key) else secret}{after}"

    return LINE.sub(line, text)


def without_secrets(value: Any, name: str = "") -> Any:
    """A value of any depth for what is kept: nothing in it that has a secret name or looks like a secret."""
    if isinstance(value, dict):
        return {str(key): without_secrets(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(inner, name) for inner in value]
    if name and looks_secret(name) and value not in (None, "", False, True):
        return "hidden"
    return PASSWORD_IN_URL.sub(r"\1hidden@", _masked(name, value)) if isinstance(value, str) else value


def secrets_in(value: Any) -> Iterator[str]:
    """What :func:`masked` hides, for a module's own output filter; without quotes, and nothing that is short."""
    for name, text in (value or {}).items() if isinstance(value, dict) else ():
        if not isinstance(text, str):
            continue
        if looks_secret(name) or PRIVATE_KEY.search(text):
            found = [text.strip()]
        else:
            found = [each[4].strip("\"'") for each in LINE.finditer(text) if looks_secret(each[2])]
        yield from (each for each in found if len(each) >= SHORTEST)

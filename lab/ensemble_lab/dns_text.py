# SPDX-License-Identifier: GPL-3.0-or-later
"""Domain v2beta1: what the API makes of the text of a record, and how it shows it.

TXT as measured by users of the real API: read as a BIND string, kept as bytes, shown in quotes with a backslash before
inner double quotes only. Guesses: what is not quoted is taken as it is; several strings are joined.
"""

from __future__ import annotations

import re

from ensemble_lab import errors

NAME_SERVERS = ("ns0.dom.scw.cloud", "ns1.dom.scw.cloud")
"""What every zone is delegated to."""
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_STRINGS = re.compile(r'(?:"(?:[^"\\]|\\.)*"\s*)+', re.DOTALL)
_ESCAPE = re.compile(rb"\\(\d{3}|.)", re.DOTALL)


def kept_text(data: str) -> str:
    """A TXT value as the API shows it after a write."""
    text = data.strip()
    if _STRINGS.fullmatch(text):
        text = _unescape("".join(_STRING.findall(text)))
    text = text.strip(" ")
    text = text[1:] if text.startswith('"') else text
    text = text[:-1] if text.endswith('"') else text
    return '"' + text.replace('"', '\\"') + '"'


def shown_strings(data: str) -> list[bytes]:
    """The strings of a TXT value in the form in which the API shows it, each no longer than DNS allows."""
    inner = data[1:-1] if len(data) > 1 and data[0] == data[-1] == '"' else data
    texts = [text.replace('\\"', '"').encode() for text in inner.split('" "')]
    return [text[at : at + 255] for text in texts for at in range(0, max(len(text), 1), 255)]


def _unescape(text: str) -> str:
    def byte(found: re.Match[bytes]) -> bytes:
        escaped = found.group(1)
        return bytes([int(escaped)]) if len(escaped) == 3 and int(escaped) < 256 else escaped

    try:
        return _ESCAPE.sub(byte, text.encode()).decode()
    except UnicodeDecodeError:
        raise errors.constraint("data", "not UTF-8") from None

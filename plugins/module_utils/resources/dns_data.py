# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of DNS: names and values in the one form in which desired and actual records are compared.

What the API does with a TXT value is not symmetric: it reads a BIND string (quotes, backslash escapes), keeps the
bytes, and shows them in quotes with a backslash before inner double quotes only. So here are two parsers, one writer.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata

from ..errors import Invalid

WITH_PRIORITY = {"MX": 1, "SRV": 3}
"""Types whose value begins with a priority, and how many words follow it."""
WITH_TARGET = ("ALIAS", "CNAME", "DNAME", "MX", "NS", "PTR", "SRV")
"""Types whose last word is the name of a host."""
WITH_DIGEST = {"SSHFP": 2, "TLSA": 3}
"""Types that end with hexadecimal digits, and how many words stand before them."""
STRING = 255
"""Bytes of one string of a TXT record."""
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"(?:\s*"(?:[^"\\]|\\.)*")*', re.DOTALL)
ESCAPE = re.compile(rb"\\(\d{3}|.)", re.DOTALL)


def ascii_name(name: str) -> str:
    """A name as DNS knows it: lower case, and punycode for what is not ASCII."""
    if name.isascii():
        return name.lower()
    import idna

    try:
        labels = [label if label.isascii() else idna.encode(label, uts46=True).decode() for label in name.split(".")]
    except idna.IDNAError as error:
        raise Invalid(f"{name!r} is not a valid DNS name: {error}.") from None
    return ".".join(labels).lower()


def relative_name(name: str, zone: str) -> str:
    """Relative to the zone, "" for its apex.

    Raises:
        Invalid: a full name (with a final dot) that is not in the zone, or no name at all.
    """
    given, name = name, ascii_name((name or "").strip())
    full, name = name.endswith("."), name.rstrip(".")
    if name in ("", "@", zone):
        return ""
    if name.endswith(f".{zone}"):
        name = name[: -len(zone) - 1]
    elif full:
        raise Invalid(f"The record {given} is not in the zone {zone}.")
    if any(not 0 < len(label) <= 63 for label in name.split(".")) or len(name) + len(zone) > 252 or " " in name:
        raise Invalid(f"{given!r} is not a valid record name: use labels of 1 to 63 letters, separated by dots.")
    return name


def full_name(name: str, zone: str, dotted_is_full: bool) -> str:
    """A host as the value of a record, with its final dot. Without one, the API takes every name as below the zone."""
    name = ascii_name(name)
    if name == "@":
        return f"{zone}."
    if name.endswith(".") or not name:
        return name or "."
    return f"{name}." if dotted_is_full and "." in name else f"{name}.{zone}."


# --- TXT


def quoted(text: str) -> str:
    """A text as one BIND string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def desired_text(value: str) -> str:
    """What a task means: the text itself, or BIND strings that are joined.

    Raises:
        Invalid: the API would keep another text than this.
    """
    text = value
    if QUOTED.fullmatch(value.strip()):
        text = _unescaped("".join(each[1:-1] for each in re.findall(r'"(?:[^"\\]|\\.)*"', value, re.DOTALL)))
    if text != text.strip(" ") or text[:1] == '"' or text[-1:] == '"':
        raise Invalid(f"The text {text!r} begins or ends with spaces or double quotes, which Scaleway drops.")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise Invalid(f"The text {text!r} contains control characters, such as line breaks.")
    return text


def _unescaped(string: str) -> str:
    """BIND's escapes: a backslash and three decimal digits are a byte, before anything else it stands for that."""

    def byte(found: re.Match[bytes]) -> bytes:
        escaped = found.group(1)
        return bytes([int(escaped)]) if len(escaped) == 3 and int(escaped) < 256 else escaped

    try:
        return ESCAPE.sub(byte, string.encode()).decode()
    except UnicodeDecodeError:
        raise Invalid(f"The text {string!r} is not valid UTF-8 after its escapes are resolved.") from None


def shown_text(value: str) -> str:
    """The text in a value as the API shows it."""
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    return value[1:-1].replace('" "', "").replace('\\"', '"')


def strings(text: str) -> str:
    """A text as the API takes it: BIND strings of no more than 255 bytes each."""
    found, size = [""], 0
    for character in text:
        length = len(character.encode())
        if size + length > STRING:
            found.append("")
            size = 0
        found[-1] += character
        size += length
    return " ".join(quoted(each) for each in found)


# --- values of all types


def desired_value(kind: str, value: str, zone: str, priority: int | None = None) -> str:
    """What a task gives, in the form of comparison."""
    value = str(value)
    if kind == "TXT":
        return quoted(desired_text(value))
    return _value(kind, value.strip(), zone, priority, dotted_is_full=True)


def actual_value(kind: str, value: str, zone: str, priority: int | None = None) -> str:
    """What the API shows, in the form of comparison; as it is where it cannot be understood."""
    if kind == "TXT":
        return quoted(shown_text(value))
    try:
        return _value(kind, value, zone, priority, dotted_is_full=False)
    except Invalid:
        return value


def _value(kind: str, value: str, zone: str, priority: int | None, dotted_is_full: bool) -> str:
    if kind in ("A", "AAAA"):
        return _address(kind, value)
    words = value.split()
    if not words:
        raise Invalid(f"A {kind} record has an empty value, perhaps because a lookup found nothing.")
    if kind in WITH_PRIORITY:
        words = _with_priority(kind, words, priority)
    if kind in WITH_TARGET:
        if len(words) != 1 + WITH_PRIORITY.get(kind, 0):
            raise Invalid(f"{value!r} is not a valid {kind} record: it must be one host name.")
        return " ".join([*words[:-1], full_name(words[-1], zone, dotted_is_full)])
    if kind == "CAA":
        return _caa(value)
    if kind in WITH_DIGEST:
        before = WITH_DIGEST[kind]
        digest = "".join(words[before:]).lower()
        if not re.fullmatch(r"([0-9a-f]{2})+", digest) or not all(word.isdigit() for word in words[:before]):
            raise Invalid(f"{value!r} is not a valid {kind} record: it needs {before} numbers and hexadecimal digits.")
        return " ".join([*words[:before], digest])
    return value


def _address(kind: str, value: str) -> str:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        address = None
    if address is None or address.version != (4 if kind == "A" else 6):
        raise Invalid(f"{value!r} is not a valid address for type {kind}.")
    return str(address)


def _with_priority(kind: str, words: list[str], priority: int | None) -> list[str]:
    """The words with exactly one priority in front."""
    more = WITH_PRIORITY[kind]
    if len(words) == more:
        words = [str(priority or 0), *words]
    elif len(words) == more + 1 and priority is not None and str(priority) != words[0]:
        raise Invalid(f"The {kind} value {' '.join(words)!r} begins with a priority, but priority is {priority}.")
    if len(words) != more + 1 or not all(word.isdigit() and int(word) <= 65535 for word in words[:-1]):
        form = "10 mail.example.org." if kind == "MX" else "10 5 5060 sip.example.org."
        raise Invalid(f"{' '.join(words)!r} is not a valid {kind} record such as {form}")
    return [*(str(int(word)) for word in words[:-1]), words[-1]]


def _caa(value: str) -> str:
    """`0 issue letsencrypt.org` and `0 issue "letsencrypt.org"` are one record."""
    found = re.fullmatch(r"(\d{1,3})\s+([a-z0-9]+)\s+(.+)", value, re.IGNORECASE)
    if found is None or int(found.group(1)) > 255:
        raise Invalid(f"{value!r} is not a valid CAA record such as 0 issue letsencrypt.org")
    flags, tag, rest = found.groups()
    return f"{int(flags)} {tag.lower()} {quoted(_unescaped(rest[1:-1]) if QUOTED.fullmatch(rest) else rest)}"


def written(kind: str, value: str) -> tuple[str, int]:
    """A compared value as it is sent: data and priority."""
    if kind == "TXT":
        return strings(_unescaped(value[1:-1])), 0
    if kind in WITH_PRIORITY:
        priority, rest = value.split(" ", 1)
        return rest, int(priority)
    return value, 0

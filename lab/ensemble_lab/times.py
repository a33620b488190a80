# SPDX-License-Identifier: GPL-3.0-or-later
"""The API's ways to write a moment and a duration, and how long things take."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

NEVER = "0001-01-01T00:00:00Z"


def now() -> str:
    """``2026-07-30T12:55:26.540666Z``, as most APIs write it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def now_instance() -> str:
    """``2026-07-30T12:55:26.540666+00:00``, as instance v1 writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")


def now_seconds() -> str:
    """``2026-07-30T12:55:26Z``, as domain v2beta1 writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def plain(moment: str) -> str:
    """A moment of instance v1 in the form of the other APIs."""
    return moment.replace("+00:00", "Z")


_MICROSECONDS = re.compile(r"(\.\d{6})Z$")


def written(shown: dict[str, Any]) -> dict[str, Any]:
    """What lb and registry answer to POST, PUT and PATCH: the moment of the write is told to the nanosecond."""
    moment = shown["updated_at"]
    longer = _MICROSECONDS.sub(r"\g<1>000Z", moment)
    return shown | {name: longer for name in ("created_at", "updated_at") if shown[name] == moment}


def duration(text: str | None) -> str | None:
    """``"0.500000000s"`` -> ``"0.500s"``, ``"4.000000000s"`` -> ``"4s"``: fractions in groups of three digits."""
    if text is None:
        return None
    try:
        seconds = Decimal(str(text).rstrip("s"))
    except InvalidOperation:
        return text
    whole, _, fraction = f"{seconds:.9f}".partition(".")
    while fraction.endswith("000"):
        fraction = fraction[:-3]
    return f"{whole}.{fraction}s" if fraction else f"{whole}s"


def seconds_of(text: str | None) -> float | None:
    """``"1800s"`` -> 1800.0."""
    return None if text is None else float(text.rstrip("s"))


def is_past(moment: str, seconds: float) -> bool:
    """Whether `seconds` have gone by since `moment` (in the form of :func:`now`)."""
    return datetime.now(UTC) - datetime.fromisoformat(moment.replace("Z", "+00:00")) > timedelta(seconds=seconds)


def drawn(source: random.Random, least: float, median: float, most: float) -> float:
    """Seconds within the bounds: half of them below the median, and the nearer to it the more."""
    share = source.random() * 2 - 1
    edge = least if share < 0 else most
    return median + (edge - median) * (1 - (1 - abs(share)) ** 0.5)

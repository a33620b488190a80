"""Adapt an organisation's colour to the light and the dark scheme."""

from __future__ import annotations

import re
from typing import NamedTuple

LIGHT_PAPER, DARK_PAPER = "#f7f3e9", "#0f1815"
WHITE, BLACK = "#ffffff", "#000000"
READABLE = 4.5
"""Minimum contrast between text and background according to WCAG 2.2 AA."""


class Shades(NamedTuple):
    """A colour for links and buttons, a stronger one for hovering, and one for text on them."""

    plain: str
    strong: str
    text: str


def shades(color: str, paper: str) -> Shades:
    """Derive the shades of `color` on the background `paper`, moving it away from `paper` until it is readable."""
    far = WHITE if luminance(paper) < 0.5 else BLACK
    candidates = (mix(color, far, share / 100) for share in range(0, 101, 5))
    plain = next(each for each in candidates if contrast(each, paper) >= READABLE)
    strong = mix(plain, far, 0.25)
    text = max((WHITE, BLACK), key=lambda one: min(contrast(one, plain), contrast(one, strong)))
    return Shades(plain, strong, text)


def parse(text: str) -> str:
    """Parse a hexadecimal colour into `#rrggbb`. Raises ValueError."""
    match = re.fullmatch(r"#?([0-9a-f]{6}|[0-9a-f]{3})", text.strip().lower())
    if not match:
        raise ValueError("must be a colour such as #12493b")
    digits = match[1] if len(match[1]) == 6 else "".join(2 * digit for digit in match[1])
    return f"#{digits}"


def mix(color: str, other: str, share: float) -> str:
    """Mix `color` with a share (0 to 1) of `other`."""
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(_rgb(color), _rgb(other), strict=True))


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, from 1 to 21, as defined by WCAG."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in _rgb(color))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)

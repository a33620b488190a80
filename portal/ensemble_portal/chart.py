"""The fleet's history as the points of a small SVG chart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .fleet import Moment

WIDTH, HEIGHT = 600, 120
MOST_POINTS = 120


def chart(history: Sequence[Moment]) -> dict[str, Any] | None:
    """Polylines of average and busiest load, from 0 at the bottom to 1 or more at the top; None without two points."""
    known = [moment for moment in history if moment.load is not None and moment.peak is not None]
    if len(known) < 2:
        return None
    points = known[:: max(1, len(known) // MOST_POINTS)]
    first, last = points[0].at, points[-1].at
    top = max(1.0, *(moment.peak or 0.0 for moment in points))
    across = [(moment.at - first) / max(1e-9, last - first) * WIDTH for moment in points]
    average = _line(across, (moment.load or 0.0 for moment in points), top)
    return {
        "average": average,
        "area": f"0,{HEIGHT} {average} {WIDTH},{HEIGHT}",
        "peak": _line(across, (moment.peak or 0.0 for moment in points), top),
        "width": WIDTH,
        "height": HEIGHT,
        "full": round(HEIGHT - HEIGHT / top, 1),
        "minutes": max(1, round((last - first) / 60)),
        "now": _percent(known[-1].load),
        "highest": _percent(max(moment.peak or 0.0 for moment in known)),
    }


def _percent(share: float | None) -> str:
    return f"{(share or 0.0) * 100:.0f} %"


def _line(across: Sequence[float], values: Iterable[float], top: float) -> str:
    return " ".join(f"{x:.1f},{HEIGHT - value / top * HEIGHT:.1f}" for x, value in zip(across, values, strict=True))

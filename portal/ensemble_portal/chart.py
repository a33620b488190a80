"""The fleet's history as the paths of a small SVG chart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import fmean
from typing import NamedTuple

from .fleet import Moment

WIDTH, HEIGHT = 600, 100
MOST_POINTS = 120

Points = list[tuple[float, float]]


class Chart(NamedTuple):
    """Path data of the average load (line and area) and of the busiest server's load; a load of 1 is a full server."""

    average: str
    area: str
    peak: str
    minutes: int
    now: float
    now_peak: float
    highest: float


def chart(history: Sequence[Moment], longest_gap: float) -> Chart | None:
    """Draw the load from 0 (bottom) to 1 or more (top); return None with fewer than two points.

    Gaps of more than `longest_gap` seconds without data break the lines.
    """
    known = [moment for moment in history if moment.in_use]
    if len(known) < 2:
        return None
    first, last = known[0].at, known[-1].at
    across = WIDTH / max(1e-9, last - first)
    size = -(-len(known) // MOST_POINTS)
    averages: list[Points] = []
    peaks: list[Points] = []
    for stretch in _stretches(known, longest_gap):
        bundles = [stretch[start : start + size] for start in range(0, len(stretch), size)]
        places = [(bundle[-1].at - first) * across for bundle in bundles]
        averages.append([(x, fmean(one.load for one in bundle)) for x, bundle in zip(places, bundles, strict=True)])
        peaks.append([(x, max(one.peak for one in bundle)) for x, bundle in zip(places, bundles, strict=True)])
    return Chart(
        average=" ".join(_line(points) for points in averages),
        area=" ".join(f"{_line(points)}V{HEIGHT}H{points[0][0]:.0f}Z" for points in averages),
        peak=" ".join(_line(points) for points in peaks),
        minutes=max(1, round((last - first) / 60)),
        now=known[-1].load,
        now_peak=known[-1].peak,
        highest=max(moment.peak for moment in known),
    )


def _stretches(moments: Sequence[Moment], longest_gap: float) -> Iterator[Sequence[Moment]]:
    start = 0
    for place, (one, following) in enumerate(pairwise(moments), 1):
        if following.at - one.at > longest_gap:
            yield moments[start:place]
            start = place
    yield moments[start:]


def _line(points: Points) -> str:
    places = [f"{x:.0f} {HEIGHT - min(1.0, load) * HEIGHT:.1f}" for x, load in points]
    return f"M{places[0]}L{' '.join(places[1:] or places)}"

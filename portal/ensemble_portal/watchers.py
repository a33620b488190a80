"""Query several Prometheus servers that watch the same fleet, and use the freshest complete answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from statistics import fmean

from .logs import Condition
from .prometheus import PROBE_GAUGES, PROBED, Prometheus, PrometheusError, Result

LATER = 1.0
"""Seconds to wait for the others once one has answered."""
AS_FRESH = 15.0
"""Seconds of age that make no difference: who was believed last is believed on."""
log = logging.getLogger("ensemble.poller")


class Watchers:
    """Asks them all at once. One that is lost changes nothing. `up` tells which of them answered last time."""

    def __init__(self, watchers: Sequence[Prometheus]) -> None:
        self._watchers = watchers
        self._silent = [Condition(log, "One Prometheus is silent", "It answers again") for _ in watchers]
        self._believed = 0
        self.up: dict[str, bool] = {}

    async def ask(self) -> Result:
        """What the best of them says, with the most rooms that any has seen. Raises PrometheusError."""
        tasks = [asyncio.create_task(watcher.ask()) for watcher in self._watchers]
        try:
            await _first_success(tasks)
            await asyncio.wait(tasks, timeout=LATER)
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        results = {place: outcome for place, outcome in enumerate(outcomes) if isinstance(outcome, Result)}
        self.up = {watcher.host: place in results for place, watcher in enumerate(self._watchers)}
        if not results:
            reasons = (f"{watcher.host}: {outcome}" for watcher, outcome in zip(self._watchers, outcomes, strict=True))
            raise PrometheusError("; ".join(reasons) if len(outcomes) > 1 else str(outcomes[0]))
        for place, watcher in enumerate(self._watchers):
            reason = str(outcomes[place]) or f"no answer within {LATER:g} s after the first"
            self._silent[place].note(place not in results, host=watcher.host, reason=reason)
        self._believed = best = _best(results, self._believed)
        rooms = {
            counter: max(result.rooms.get(counter, 0.0) for result in results.values())
            for counter in {counter for result in results.values() for counter in result.rooms}
        }
        _share_probes(results, best)
        return Result(results[best].readings, rooms, results[best].skipped)


def _share_probes(results: dict[int, Result], best: int) -> None:
    """Give the best result the probes of the others: one that got in proves more than another one that did not.

    Who does not get in may have trouble of its own, such as with its resolver. Samples of long ago prove nothing.
    """
    oldest = min(map(_age, results.values())) + AS_FRESH
    others = [result.readings for place, result in results.items() if place != best and _age(result) <= oldest]
    for name, reading in results[best].readings.items():
        for other in (readings[name] for readings in others if name in readings):
            if other.gauges.get(PROBED, -1.0) > reading.gauges.get(PROBED, -1.0):
                reading.gauges |= {gauge: other.gauges[gauge] for gauge in PROBE_GAUGES if gauge in other.gauges}


async def _first_success(tasks: Sequence[asyncio.Task[Result]]) -> None:
    pending = set(tasks)
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        if any(task.exception() is None for task in done):
            return


def _best(results: dict[int, Result], believed: int) -> int:
    """Who knows most servers with all their measures; among those whose samples are about as fresh, whoever it was."""
    complete = {place: _complete(result) for place, result in results.items()}
    most = max(complete.values())
    ages = {place: _age(results[place]) for place, known in complete.items() if known == most}
    freshest = min(ages, key=lambda place: ages[place])
    return believed if believed in ages and ages[believed] <= ages[freshest] + AS_FRESH else freshest


def _complete(result: Result) -> int:
    measured = (reading.age is not None and reading.cpu is not None for reading in result.readings.values())
    return sum(measured)


def _age(result: Result) -> float:
    ages = [reading.age for reading in result.readings.values() if reading.age is not None]
    return fmean(ages) if ages else 0.0

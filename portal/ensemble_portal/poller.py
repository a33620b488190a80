"""Query Prometheus at every poll interval and pass the answer on."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from .logs import Condition
from .metrics import Metrics
from .prometheus import PrometheusError, Result
from .watchers import Watchers

log = logging.getLogger("ensemble.poller")


class Poller:
    def __init__(
        self,
        watchers: Watchers,
        metrics: Metrics,
        interval: float,
        on_result: Callable[[Result, float], Awaitable[None]],
    ) -> None:
        self._watchers = watchers
        self._metrics = metrics
        self._interval = interval
        self._on_result = on_result
        self._silent = Condition(log, "Prometheus is silent", "Prometheus answers again", logging.ERROR)
        self._skipping = Condition(log, "Some series cannot be read", "All series can be read again")

    async def run(self) -> None:
        """Poll until cancelled, on a steady beat. A bug in one poll must not end the others."""
        beat = time.monotonic()
        while True:
            try:
                await self.poll()
            except Exception:
                self._metrics.polls.labels("failed").inc()
                log.exception("a poll went wrong")
            beat = max(beat + self._interval, time.monotonic())
            await asyncio.sleep(beat - time.monotonic())

    async def poll(self) -> None:
        """One query. What goes wrong is logged and counted, and the last list stays."""
        started = time.monotonic()
        try:
            result = await self._watchers.ask()
        except PrometheusError as error:
            self._metrics.polls.labels("failed").inc()
            self._silent.note(True, reason=str(error))
            return
        finally:
            self._metrics.heard(self._watchers.up)
        self._metrics.polls.labels("ok").inc()
        self._metrics.poll_time.observe(time.monotonic() - started)
        self._silent.note(False)
        self._metrics.skipped.inc(len(result.skipped))
        self._skipping.note(bool(result.skipped), series=len(result.skipped), first="".join(result.skipped[:1]))
        await self._on_result(result, started)

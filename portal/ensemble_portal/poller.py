"""The heart beat: ask Prometheus, hand on the answer; again after the poll interval."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from .metrics import Metrics
from .prometheus import Answer, Prometheus, PrometheusError

log = logging.getLogger("ensemble.poller")


class Poller:
    def __init__(
        self,
        prometheus: Prometheus,
        metrics: Metrics,
        interval: float,
        on_answer: Callable[[Answer, float], Awaitable[None]],
    ) -> None:
        self._prometheus = prometheus
        self._metrics = metrics
        self._interval = interval
        self._on_answer = on_answer
        self._silent = False
        self._skipping = False

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
            answer = await asyncio.to_thread(self._prometheus.ask)
        except PrometheusError as error:
            self._metrics.polls.labels("failed").inc()
            if not self._silent:
                log.error("Prometheus is silent", extra={"reason": str(error)})
            self._silent = True
            return
        self._metrics.polls.labels("ok").inc()
        self._metrics.poll_time.observe(time.monotonic() - started)
        if self._silent:
            log.info("Prometheus answers again")
        self._silent = False
        self._tell_skipped(answer.skipped)
        await self._on_answer(answer, started)

    def _tell_skipped(self, skipped: list[str]) -> None:
        """Count what could not be read, and log it when it begins and when it ends."""
        self._metrics.skipped.inc(len(skipped))
        if bool(skipped) != self._skipping:
            if skipped:
                log.warning("Some series cannot be read", extra={"series": len(skipped), "first": skipped[0]})
            else:
                log.info("All series can be read again")
        self._skipping = bool(skipped)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Limit the request rate with a token bucket, and retry with jittered back-off."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator


class TokenBucket:
    """At most `rate` requests a second on average, `burst` at once; shared by all threads of one client."""

    def __init__(
        self,
        rate: float,
        burst: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._tokens = float(burst)
        self._clock = clock
        self._sleep = sleep
        self._last = clock()
        self._lock = threading.Lock()

    def take(self) -> None:
        """Take one token, sleeping until it is there. Waiting callers are served in the order they came."""
        with self._lock:
            now = self._clock()
            self._tokens = min(self._burst, self._tokens + (now - self._last) * self._rate) - 1
            self._last = now
            wait = -self._tokens / self._rate
        if wait > 0:
            self._sleep(wait)


def delays(
    first: float, longest: float, budget: float, clock: Callable[[], float] = time.monotonic, spread: float = 0.5
) -> Iterator[float]:
    """Seconds to sleep before each further try: growing from `first` to `longest` by half, each scattered by
    up to `spread` below and above, and none that would end later than `budget` seconds from the first call."""
    start = clock()
    delay = first
    while True:
        pause = delay * random.uniform(1 - spread, 1 + spread)
        left = budget - (clock() - start)
        if left <= 0:
            return
        yield min(pause, left)
        delay = min(delay * 1.5, longest)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for the cloud with a timeout, back-off and jitter, and name the condition in errors."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from .errors import WaitTimeout
from .retry import delays

Object = dict[str, Any]


class Waiter:
    """Poll until a condition holds. `timeout` in seconds holds for each wait; `clock` and `sleep` are for tests."""

    def __init__(
        self,
        timeout: float,
        first: float = 0.5,
        longest: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.timeout = timeout
        self._first = first
        self._longest = longest
        self._clock = clock
        self._sleep = sleep

    def until(
        self,
        what: str,
        read: Callable[[], Object | None],
        done: Callable[[Object | None], bool],
        state: Callable[[Object | None], str],
    ) -> Object | None:
        """What `read` returned when `done` held; `state` puts what was seen in words for the error.

        `done` raises what it likes to end a wait that cannot succeed.
        """
        pauses = delays(self._first, self._longest, self.timeout, self._clock, spread=0.2)
        start = self._clock()
        while True:
            actual = read()
            if done(actual):
                return actual
            pause = next(pauses, None)
            if pause is None:
                waited = self._clock() - start
                last = f"its last state was {state(actual)}"
                raise WaitTimeout(f"Waited {waited:.0f} s for {what}; {last}. A longer wait_timeout may help.")
            self._sleep(pause)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Patience: bounded, growing, scattered, and able to say what it waited for."""

from __future__ import annotations

import pytest
from ansible_collections.ensemble.jitsi.plugins.module_utils.errors import ScalewayError, WaitTimeout
from ansible_collections.ensemble.jitsi.plugins.module_utils.retry import TokenBucket, delays
from ansible_collections.ensemble.jitsi.plugins.module_utils.wait import Waiter
from hypothesis import given
from hypothesis import strategies as st


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)


@given(st.floats(0.01, 2), st.floats(2, 20), st.floats(1, 120))
def test_delays_grow_and_end(first: float, longest: float, budget: float) -> None:
    clock = Clock()
    for pause in delays(first, longest, budget, clock):
        assert 0 <= pause <= longest * 1.5
        clock.sleep(pause)
    assert clock.now == pytest.approx(budget)
    clock = Clock()
    for pause in delays(first, longest, budget, clock, spread=0):
        clock.sleep(pause)
    middle = clock.slept[:-1]
    assert middle == sorted(middle)


@given(st.lists(st.floats(0, 0.5), min_size=20, max_size=200))
def test_token_bucket_holds_its_rate(gaps: list[float]) -> None:
    clock = Clock()
    bucket = TokenBucket(10, 5, clock, clock.sleep)
    start = clock.now
    for gap in gaps:
        clock.now += gap
        bucket.take()
    assert len(gaps) <= (clock.now - start) * 10 + 5 + 1e-6


def test_sees_a_state_soon_after_it_is_there() -> None:
    """Polls are frequent in the beginning: what takes 3 s is seen within 2 s more."""
    for _ in range(50):
        clock = Clock()
        waiter = Waiter(600, clock=clock, sleep=clock.sleep)
        waiter.until("it", lambda clock=clock: {"now": clock.now}, lambda seen: seen["now"] >= 3, str)
        assert clock.now < 5
        assert len(clock.slept) < 8


def test_tells_what_it_waited_for_and_saw_last() -> None:
    clock = Clock()
    waiter = Waiter(20, clock=clock, sleep=clock.sleep)
    with pytest.raises(WaitTimeout, match="Waited 20 s for server h-1 to run; its last state was starting"):
        waiter.until("server h-1 to run", lambda: {}, lambda _seen: False, lambda _seen: "starting")


def test_ends_at_once_when_it_cannot_succeed() -> None:
    def failed(_seen: object) -> bool:
        raise ScalewayError("locked")

    clock = Clock()
    with pytest.raises(ScalewayError, match="locked"):
        Waiter(600, clock=clock, sleep=clock.sleep).until("it", dict, failed, str)
    assert clock.now == 0

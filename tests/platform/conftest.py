# SPDX-License-Identifier: GPL-3.0-or-later
"""A platform that runs already (`make up`) is used as it is; otherwise the session brings one up and takes it down."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.platform.running import Platform, run, runs


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    if runs():
        yield Platform()
        return
    up = run("make", "up")
    assert up.status == 0, "make up failed: see its output above"
    yield Platform(seconds_to_bring_up=up.seconds)
    down = run("make", "down", timeout=300)
    assert down.status == 0, down.output

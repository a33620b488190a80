# SPDX-License-Identifier: GPL-3.0-or-later
"""A platform that runs already (`make up`) is used as it is; otherwise the session brings one up and takes it down."""

from __future__ import annotations

from collections.abc import Iterator

import dns.resolver
import pytest

from tests.platform.running import RESOLVER, Platform, run, runs


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whichever test comes first waits for the whole platform."""
    for item in items:
        if "tests/platform" in item.path.as_posix():
            item.add_marker(pytest.mark.timeout(1800))


@pytest.fixture(scope="session")
def names() -> Iterator[None]:
    """This process asks the lab's DNS for every name, as the README tells visitors to."""
    dns.resolver.override_system_resolver(RESOLVER)
    yield
    dns.resolver.restore_system_resolver()


@pytest.fixture(scope="session")
def platform(names: None) -> Iterator[Platform]:
    if runs():
        yield Platform()
        return
    up = run("make", "up")
    assert up.status == 0, "make up failed: see its output above"
    yield Platform(seconds_to_bring_up=up.seconds)
    down = run("make", "down", timeout=300)
    assert down.status == 0, down.output

# SPDX-License-Identifier: GPL-3.0-or-later
"""Down, up, and up again after being killed half-way. Runs last: it takes the platform down."""

from __future__ import annotations

import pytest

from tests.platform.running import Platform, authority, interrupted, run, until

pytestmark = pytest.mark.slow


def test_killed_make_up_converges_with_nothing_left_over(platform: Platform) -> None:
    down = run("make", "down", timeout=300)
    assert down.status == 0
    containers = (
        run("docker", "ps", "-aq", "--filter", "label=ensemble.lab") if run("docker", "info").status == 0 else None
    )
    assert containers is None or containers.output.strip() == ""

    def builder_is_being_configured() -> bool:
        return platform.servers("builder-base")["builder-base"]["state"] == "running"

    interrupted(["make", "up"], builder_is_being_configured, 400)
    assert platform.servers("builder-base")

    up = run("make", "up")
    assert up.status == 0
    authority.cache_clear()  # another platform, with a rehearsal CA of its own
    print(f"make up after an interruption: {up.seconds:.0f} s")
    assert platform.leftovers() == {"servers": [], "volumes": [], "snapshots": [], "ips": []}
    until(lambda: platform.eligible() == ["h-1", "h-2"], 120, "both Jitsi servers")
    assert platform.fetch(platform.room()["url"])[0] == 200

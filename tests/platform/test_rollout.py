# SPDX-License-Identifier: GPL-3.0-or-later
"""Visitors notice nothing of what operators do to the API servers: 100 requests a second to the balancer all along."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.platform.running import ROOT, Platform, play, until
from tests.platform.traffic import Account, steady

pytestmark = pytest.mark.slow
RATE = 100


@contextmanager
def visitors(platform: Platform) -> Iterator[Account]:
    """The account of what visitors met; complete when the block has ended. Fails when too few of them came."""
    until(lambda: len(platform.eligible()) == 2, 120, "two Jitsi servers to choose from")
    with steady(platform.portal, RATE) as account:
        yield account
    print(account, *account.failures[:30], sep="\n")
    assert len(account.requests) == pytest.approx(RATE * account.seconds, rel=0.02)


def version_on(platform: Platform, server: str) -> str:
    """The version that an API server's portal tells Prometheus."""
    metrics = platform.portal_on(server).get("/metrics").text
    return re.search(r'ensemble_portal_info\{version="([^"]+)"\}', metrics)[1]


def other_version(folder: Path, **additions: str) -> str:
    """A copy of the portal's source with lines added to its modules; to be rolled out as it is."""
    source = folder / "portal"
    shutil.copytree(ROOT / "portal", source, ignore=shutil.ignore_patterns("__pycache__", "node_modules", "build"))
    for module, line in additions.items():
        with (source / "ensemble_portal" / f"{module}.py").open("a") as code:
            code.write(f"\n{line}\n")
    return str(source)


def test_new_version_replaces_the_old_one_unnoticed(platform: Platform, tmp_path: Path) -> None:
    today = version_on(platform, "api-1")
    source = other_version(tmp_path, __init__='__version__ = "99.0"')
    with visitors(platform) as account:
        out = play("portal.yml", "-e", f"portal_source={source}")
        versions = {version_on(platform, server) for server in ("api-1", "api-2")}
        back = play("portal.yml")
    assert (out.status, back.status) == (0, 0)
    assert versions == {"99.0"}
    assert {version_on(platform, server) for server in ("api-1", "api-2")} == {today}
    assert account.failures == []


def test_version_that_is_not_ready_makes_way_for_the_old_one_unnoticed(platform: Platform, tmp_path: Path) -> None:
    today = version_on(platform, "api-1")
    broken = 'Portal.not_ready_because = lambda self: "broken on purpose"'
    source = other_version(tmp_path, __init__='__version__ = "99.1"', portal=broken)
    with visitors(platform) as account:
        failed = play("portal.yml", "-e", f"portal_source={source}", "-e", "api_ready_timeout=8")
    assert failed.status != 0
    told = " ".join(failed.output.split())
    assert "did not become ready (/readyz) within 8 s on api-1; the previous version serves again" in told
    assert failed.recap["api-2"]["failed"] == 0
    assert {version_on(platform, server) for server in ("api-1", "api-2")} == {today}
    assert account.failures == []


def test_third_api_server_comes_and_goes_unnoticed(platform: Platform) -> None:
    def rooms_given_by(server: str) -> float:
        metrics = platform.portal_on(server).get("/metrics").text
        return sum(map(float, re.findall(r"^ensemble_portal_rooms_assigned_total\{.*\} (\S+)$", metrics, re.MULTILINE)))

    with visitors(platform) as account:
        try:
            grown = play("site.yml", "-e", "api_count=3")
            assert grown.status == 0
            until(lambda: rooms_given_by("api-3") > 0, 30, "rooms that the third API server gives out")
        finally:
            shrunk = play("site.yml")
    assert shrunk.status == 0
    assert sorted(platform.servers("api-")) == ["api-1", "api-2"]
    assert account.failures == []


def test_killed_api_server_takes_only_requests_under_way_with_it(platform: Platform) -> None:
    server = platform.servers()["api-2"]["id"]
    machine = ["docker", "ps", "-q", "--filter", f"label=ensemble.server={server}"]
    container = subprocess.run(machine, check=True, text=True, capture_output=True).stdout.strip()
    try:
        with visitors(platform) as account:
            time.sleep(5)
            subprocess.run(["docker", "kill", container], check=True, capture_output=True)
            killed = time.monotonic()
            time.sleep(15)  # longer than the balancer needs to notice, by its health check
    finally:
        healed = play("site.yml")
    assert [request for request in account.failures if request.due > killed] == []
    assert healed.status == 0
    assert platform.portal_on("api-2").get("/readyz").status_code == 200

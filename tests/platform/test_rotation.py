# SPDX-License-Identifier: GPL-3.0-or-later
"""Visitors notice nothing of another certificate, neither at the portal nor on a Jitsi server."""

from __future__ import annotations

import ssl
from contextlib import ExitStack
from pathlib import Path

from tests.platform.places import fresh_clone, play_from
from tests.platform.running import DOMAIN, ROOT, Platform
from tests.platform.traffic import steady

RATE = 20
PAGES = [("GET", "/config.js"), ("GET", "/Somewhere")]


def served(platform: Platform) -> dict[str, str]:
    """What is shown to a visitor who comes now, at each name."""
    addresses = {DOMAIN: platform.balancer} | {server: platform.address(server) for server in ("h-1", "h-2")}
    return {name: ssl.get_server_certificate((address, 443), timeout=10) for name, address in addresses.items()}


def logins_on(platform: Platform, server: str) -> int:
    told = platform.inside(server, "journalctl --no-pager -o cat -t sshd -t sshd-session | grep -c Accepted || true")
    return int(told)


def test_a_rotation_and_another_from_a_fresh_clone_cut_nobody(platform: Platform, tmp_path: Path) -> None:
    before, logins = served(platform), logins_on(platform, "h-1")
    other = fresh_clone(tmp_path)
    with ExitStack() as visitors:
        accounts = [
            visitors.enter_context(steady(f"https://{server}.{DOMAIN}", RATE, PAGES, anew=True))
            for server in ("h-1", "h-2")
        ]
        accounts.append(visitors.enter_context(steady(platform.portal, RATE, anew=True)))
        for clone in (ROOT, other):
            assert play_from(clone, "certificate.yml", "-e", "certificate_renew_days=400").status == 0
            after = served(platform)
            assert len(set(after.values())) == 1
            assert set(after.values()).isdisjoint(before.values())
            before = after
    for account in accounts:
        print(account, *account.failures[:10], sep="\n")
        assert account.failures == []
        assert len(account.requests) > RATE * account.seconds * 0.9
    assert logins_on(platform, "h-1") == logins

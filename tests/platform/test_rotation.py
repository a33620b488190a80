# SPDX-License-Identifier: GPL-3.0-or-later
"""Visitors notice nothing of another certificate, neither at the portal nor on a Jitsi server."""

from __future__ import annotations

import ssl
from contextlib import ExitStack

from tests.platform.running import DOMAIN, Platform, play
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


def test_a_rotation_and_another_cut_nobody(platform: Platform) -> None:
    before, logins = served(platform), logins_on(platform, "h-1")
    with ExitStack() as visitors:
        accounts = [
            visitors.enter_context(steady(f"https://{server}.{DOMAIN}", RATE, PAGES, anew=True))
            for server in ("h-1", "h-2")
        ]
        accounts.append(visitors.enter_context(steady(platform.portal, RATE, anew=True)))
        for _ in range(2):
            assert play("certificate.yml", "-e", "certificate_renew_days=400").status == 0
            after = served(platform)
            assert len(set(after.values())) == 1
            assert set(after.values()).isdisjoint(before.values())
            before = after
    for account in accounts:
        print(account, *account.failures[:10], sep="\n")
        assert account.failures == []
        assert len(account.requests) > RATE * account.seconds * 0.9
    assert logins_on(platform, "h-1") == logins

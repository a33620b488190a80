# SPDX-License-Identifier: GPL-3.0-or-later
"""What a visitor meets: the portal, a room, and the Jitsi server that the link names."""

from __future__ import annotations

import concurrent.futures
import time

import pytest
import requests

from tests.platform.running import COLD_MINUTES, DOMAIN, Platform, authority, until

SCRAPE_INTERVAL = POLL_INTERVAL = 5
"""Seconds, as inventories/local sets them."""


def test_bring_up_is_quick(platform: Platform) -> None:
    if platform.seconds_to_bring_up is None:
        pytest.skip("the platform ran before the tests began")
    print(f"make up: {platform.seconds_to_bring_up:.0f} s")
    assert platform.seconds_to_bring_up <= COLD_MINUTES * 60


def test_room_is_served_by_the_jitsi_server_that_its_link_names(platform: Platform) -> None:
    room = platform.room()
    host = room["url"].split("/")[2]
    assert host == f"{room['server']}.ensemble.test"
    assert platform.resolve(host) == platform.address(room["server"])

    status, headers, body = platform.fetch(room["url"])
    assert status == 200
    assert headers["server"].startswith("nginx")
    assert "<html" in body.lower()


def test_the_portal_is_met_by_https_at_the_domain_itself(platform: Platform) -> None:
    assert platform.resolve(DOMAIN) == platform.balancer
    page = platform.ask("GET", "/")
    assert page.status_code == 200
    assert page.headers["strict-transport-security"] == "max-age=31536000"
    plain = requests.get(f"http://{DOMAIN}/status?a=b", allow_redirects=False, timeout=5)
    assert (plain.status_code, plain.headers["location"]) == (301, f"https://{DOMAIN}/status?a=b")
    with pytest.raises(requests.exceptions.SSLError):
        platform.ask("GET", "/", verify=True)  # nobody else's authority
    room = platform.room()
    back = platform.fetch(f"https://{room['host']}/")
    assert (back[0], back[1]["location"]) == (302, f"https://{DOMAIN}")


@pytest.mark.parametrize("server", ["h-1", "h-2"])
def test_server_serves_by_itself(platform: Platform, server: str) -> None:
    """nginx runs in docker compose inside the server, and nobody logged in since it was created."""
    containers = platform.inside(
        server, "docker ps --format '{{.Names}} {{.Image}} {{.Label \"com.docker.compose.service\"}}'"
    )
    assert {"web", "prosody", "jicofo", "jvb"} <= {line.split()[-1] for line in containers.splitlines()}
    logins = platform.inside(server, "journalctl --no-pager -o cat -t sshd -t sshd-session | grep -c Accepted || true")
    assert int(logins) == 0


def test_page_creates_a_room_without_javascript(platform: Platform) -> None:
    page = platform.ask("GET", "/", headers={"Accept-Language": "fr"})
    assert page.status_code == 200
    assert '<html lang="fr"' in page.text
    assert "<form" in page.text
    assert 'method="post"' in page.text.lower()


def test_load_changes_the_next_choice_within_two_polls(platform: Platform) -> None:
    """Real CPU load on one server: within two polls the next rooms go elsewhere."""
    until(lambda: len(platform.eligible()) >= 2, 120, "two eligible servers")
    loaded = platform.room()["server"]
    busy = "timeout 60 sh -c 'while :; do :; done' >/dev/null 2>&1 &"
    platform.inside(loaded, busy + busy)
    try:
        time.sleep(2 * SCRAPE_INTERVAL)  # a rate needs two samples before any poll can know
        started = time.monotonic()
        until(
            lambda: loaded not in [platform.room()["server"] for _ in range(3)],
            2 * POLL_INTERVAL,
            f"rooms elsewhere than on {loaded}",
        )
        print(f"the choice changed {time.monotonic() - started:.1f} s after two scrapes; a poll is {POLL_INTERVAL} s")
    finally:
        platform.inside(loaded, "pkill -x timeout || true")


def test_killed_api_container_is_taken_out_by_the_balancer(platform: Platform) -> None:
    """One portal container killed: after the health check's own delay a loop of requests sees no error."""
    delay_and_retries = 2.0 * 2 + 1.0 * 2
    statuses: list[tuple[float, int]] = []
    platform.ssh("api-1", "docker kill ensemble-portal")
    try:
        start = time.monotonic()
        with requests.Session() as session:
            while time.monotonic() - start < delay_and_retries + 15:
                try:
                    statuses.append(
                        (
                            time.monotonic() - start,
                            session.post(
                                f"{platform.portal}/api/v1/rooms", json={}, timeout=5, verify=authority()
                            ).status_code,
                        )
                    )
                except requests.RequestException:
                    statuses.append((time.monotonic() - start, 0))
                time.sleep(0.1)
        late = [(at, status) for at, status in statuses if at > delay_and_retries]
        assert len(late) > 50
        assert [entry for entry in late if entry[1] != 201] == []
    finally:
        platform.ssh("api-1", "docker start ensemble-portal")


def test_many_visitors_at_once(platform: Platform) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        rooms = list(pool.map(lambda _: platform.room(), range(40)))
    assert len({room["room"] for room in rooms}) == 40

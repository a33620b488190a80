# SPDX-License-Identifier: GPL-3.0-or-later
"""Named rooms on two API servers that share one register in a PostgreSQL on a server of its own."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.platform.running import Platform, secret, until


@pytest.fixture
def portals(platform: Platform) -> list[httpx.Client]:
    """The portals of both API servers, without the balancer between."""
    until(lambda: len(platform.eligible()) == 2, 120, "two Jitsi servers to choose from")
    return [platform.portal_on("api-1"), platform.portal_on("api-2")]


def claim(portal: httpx.Client, name: str) -> httpx.Response:
    return portal.post("/api/v1/rooms", json={"name": name})


def unique(name: str) -> str:
    return f"{name} {uuid.uuid4()}"


def test_a_name_claimed_on_one_api_server_is_known_on_the_other(portals: list[httpx.Client]) -> None:
    for here, there in (portals, portals[::-1]):
        name = unique("team standup")
        assert there.get(f"/api/v1/rooms/{name}").status_code == 404
        claimed = claim(here, name)
        assert claimed.status_code == 201
        found = there.get(f"/api/v1/rooms/{name}")
        assert found.status_code == 200
        assert found.json()["url"] == claimed.json()["url"]


def test_one_name_typed_at_the_same_moment_on_two_api_servers_is_one_room(portals: list[httpx.Client]) -> None:
    names = [unique("rendezvous") for _ in range(50)]
    with ThreadPoolExecutor(4 * len(portals)) as visitors:
        typed = [[visitors.submit(claim, portal, name) for portal in portals] for name in names]
        answers = [[visitor.result() for visitor in pair] for pair in typed]
    assert {answer.status_code for pair in answers for answer in pair} == {201}
    urls = [{answer.json()["url"] for answer in pair} for pair in answers]
    assert [url for url in urls if len(url) != 1] == []
    servers = {pair[0].json()["server"] for pair in answers}
    assert len(servers) > 1, "one server for all names would prove nothing"


def test_without_the_database_rooms_without_a_name_go_on(platform: Platform, portals: list[httpx.Client]) -> None:
    name = unique("kept")
    before = claim(portals[0], name).json()["url"]
    platform.ssh("database-1", "systemctl stop postgresql@17-main")
    try:
        for portal in portals:
            refused = claim(portal, name)
            assert (refused.status_code, refused.json()["type"]) == (503, "urn:ensemble:problem:store-unavailable")
            assert portal.post("/api/v1/rooms").status_code == 201
        assert platform.room()["url"]
    finally:
        platform.ssh("database-1", "systemctl start postgresql@17-main")
    for portal in portals:
        until(lambda portal=portal: claim(portal, name).status_code == 201, 30, "named rooms again", every=0.2)
        assert portal.get(f"/api/v1/rooms/{name}").json()["url"] == before, "what was claimed before is still held"


def test_password_of_the_database_stays_secret(platform: Platform) -> None:
    """It lies in files that only root reads, and no image knows it."""
    password = secret("database-password")
    assert len(password) >= 32
    found = platform.ssh("api-1", f"grep -rl -- {password} /etc /var/lib/ensemble /opt /home /tmp || true")
    assert {path.rpartition("/")[0] for path in found.split()} == {"/etc/ensemble/portal"}
    assert platform.ssh("api-1", "stat -c '%U %a' /etc/ensemble/portal/compose.yml").split() == ["root", "600"]
    image = platform.ssh("api-1", "docker inspect -f '{{.Config.Image}}' ensemble-portal").strip()
    assert password not in platform.ssh("api-1", f"docker image inspect {image}; docker history --no-trunc {image}")

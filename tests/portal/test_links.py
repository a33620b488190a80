"""The lasting link of a room: it finds the room, or opens it by a click; looking claims nothing."""

from __future__ import annotations

import subprocess
import time
from urllib.parse import urlsplit

import httpx
import pytest
from fake_prometheus import FakePrometheus
from icalendar import Calendar
from portal_support import PortalProcess, StartPortal, wait_until

from tests.postgres import Postgres

PUBLIC = "https://meet.example.test"


def unique(name: str) -> str:
    return f"{name}-{time.monotonic_ns()}"


def opened(portal: PortalProcess, path: str) -> str | None:
    """Where the link leads; None for a door that is closed."""
    answer = portal.client.get(path)
    assert answer.status_code in {200, 302}, answer.text
    return answer.headers.get("location")


def test_a_made_up_room_is_found_by_every_portal(
    prometheus: FakePrometheus, postgres: Postgres, start_portal: StartPortal
) -> None:
    one, other = (start_portal(prometheus.url, store=postgres.address, public_url=PUBLIC) for _ in range(2))
    room = one.client.post("/api/v1/rooms").json()
    assert room["link"] == f"{PUBLIC}/{room['room']}"
    assert opened(one, f"/{room['room']}") == room["url"], "at once, before it is written"
    wait_until(lambda: opened(other, f"/{room['room']}") == room["url"], 2)
    page = other.client.get(room["page"]).text
    assert page.count(room["link"]) >= 4
    assert "h-1" not in page, "the page names no server"
    (event,) = Calendar.from_ical(other.client.get(f"{room['page']}/calendar.ics").content).events
    assert event["LOCATION"] == event["URL"] == room["link"]
    android = other.client.get(urlsplit(room["apps"]["android"]).path)
    assert android.headers["location"].startswith(f"intent://h-1.ensemble.test/{room['room']}#Intent;")
    config = other.client.get("/config.js", params={"room": room["room"]})
    assert config.headers["location"] == f"https://h-1.ensemble.test/config.js?room={room['room']}"
    assert other.client.get("/config.js").status_code == 422


def test_links_begin_with_the_address_that_was_asked(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    portal = start_portal(prometheus.url, trusted_proxies="127.0.0.0/8")

    def base(**headers: str) -> str:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        fast, ordinary = (portal.client.post(f"/api/v1/rooms{end}", headers=told).json() for end in ("", "?"))
        bases = {room["link"].removesuffix(f"/{room['room']}") for room in (fast, ordinary)}
        return bases.pop() if len(bases) == 1 else str(bases)

    assert base() == portal.url
    assert base(host="meet.example.test", x_forwarded_proto="https") == PUBLIC
    assert base(host='evil.test/"', x_forwarded_proto="javascript") == "http://localhost"


def test_looking_claims_nothing_and_a_click_opens(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    portal = start_portal(prometheus.url)
    name = unique("standup")
    for method, path in [("GET", f"/{name}"), ("HEAD", f"/{name}"), ("GET", f"/room/{name}"), ("GET", f"/go/{name}")]:
        answer = portal.client.request(method, path, follow_redirects=True)
        assert answer.status_code == 200
        assert portal.client.get(f"/api/v1/rooms/{name}").status_code == 404
    door = portal.client.get(f"/{name}")
    assert f'<form class="actions" method="post" action="/{name}">' in door.text
    assert "ready" not in door.text
    assert door.headers["x-robots-tag"] == "noindex"
    assert "Disallow: /\n" in portal.client.get("/robots.txt").text
    opens = portal.client.post(f"/{name}")
    assert opens.status_code == 303
    assert opens.headers["location"] == opened(portal, f"/{name}") == f"https://h-1.ensemble.test/{name}"
    assert portal.client.get(f"/go/{name}").headers["location"] == f"/{name}"


def test_a_room_made_while_the_register_is_away_is_noted_when_it_returns(
    prometheus: FakePrometheus, postgres: Postgres, start_portal: StartPortal
) -> None:
    one, other = (start_portal(prometheus.url, store=postgres.address) for _ in range(2))
    postgres.stop()
    try:
        room = one.client.post("/api/v1/rooms").json()
        time.sleep(0.5)
        assert opened(one, f"/{room['room']}") == room["url"]
        assert other.client.get(f"/{room['room']}").status_code == 503
    finally:
        postgres.start()
    wait_until(lambda: other.client.get(f"/{room['room']}").headers.get("location") == room["url"])


@pytest.fixture
def read_only(postgres: Postgres):
    """Makes the database read-only, as after a failover, until the test ends."""

    def set_to(value: str) -> None:
        command = ["psql", "-q", postgres.address, "-c", f"ALTER SYSTEM SET default_transaction_read_only = {value}"]
        subprocess.run([*command, "-c", "SELECT pg_reload_conf()"], check=True, capture_output=True)
        time.sleep(0.3)

    yield lambda: set_to("on")
    set_to("off")


def test_who_joins_needs_no_write(
    prometheus: FakePrometheus, postgres: Postgres, start_portal: StartPortal, read_only
) -> None:
    known = start_portal(prometheus.url, store=postgres.address, claim_time="1h")
    name = unique("failover")
    url = known.client.post("/api/v1/rooms", json={"name": name}).json()["url"]
    read_only()
    started_later = start_portal(prometheus.url, store=postgres.address, claim_time="3h")  # wants to prolong
    for portal in (known, started_later):
        assert opened(portal, f"/{name}") == url
        assert portal.client.post("/api/v1/rooms", json={"name": name}).json()["url"] == url
        assert portal.client.post("/start", data={"name": name}).headers["location"] == url
        assert portal.client.post("/api/v1/rooms", json={"name": unique("new")}).status_code == 503


def test_the_register_is_bounded(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    portal = start_portal(prometheus.url, most_rooms="20")
    rooms = [portal.client.post("/api/v1/rooms").json() for _ in range(30)]
    assert [opened(portal, f"/{room['room']}") is not None for room in rooms] == [True] * 15 + [False] * 15
    metrics = portal.client.get("/metrics").text
    assert "ensemble_portal_rooms_held 15.0" in metrics
    assert "ensemble_portal_rooms_not_kept_total 15.0" in metrics
    named = [portal.client.post("/api/v1/rooms", json={"name": f"standup-{number}"}) for number in range(5)]
    assert {answer.status_code for answer in named} == {201}, "made-up rooms leave a part to names"
    refusal = portal.client.post("/api/v1/rooms", json={"name": "standup"})
    assert (refusal.status_code, refusal.json()["type"]) == (503, "urn:ensemble:problem:register-full")
    assert portal.client.post("/api/v1/rooms", json={"name": rooms[0]["room"]}).json()["url"] == rooms[0]["url"]


def test_one_client_cannot_fill_the_register(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    portal = start_portal(prometheus.url, names_per_client="3", claim_time="1h")

    def ask(client: str, name: str) -> httpx.Response:
        return portal.client.post("/api/v1/rooms", json={"name": name}, headers={"x-forwarded-for": client})

    assert [ask("198.51.100.1", f"name-{number}").status_code for number in range(4)] == [201, 201, 201, 429]
    assert 1 < int(ask("198.51.100.1", "name-5").headers["retry-after"]) <= 1201
    assert ask("198.51.100.1", "name-0").status_code == 201, "whoever only joins is not concerned"
    assert ask("198.51.100.2", "name-5").status_code == 201

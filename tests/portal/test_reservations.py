"""Jitsi's reservation protocol, asked as Prosody's mod_reservations asks."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

import httpx
import pytest
from fake_prometheus import FakePrometheus, FakeServer
from portal_support import PortalProcess, StartPortal, wait_until

KEY = "the-key-of-prosody"
HEADERS = {"Authorization": f"Bearer {KEY}", "User-Agent": "Prosody (13.0)"}


@pytest.fixture(scope="module")
def prometheus() -> Iterator[FakePrometheus]:
    fake = FakePrometheus(
        [FakeServer("h-1"), FakeServer("h-2"), FakeServer("h-3", fleet_state="draining"), FakeServer("h-4", cpu=1.0)]
    )
    yield fake
    fake.close()


@pytest.fixture(scope="module")
def portal(prometheus: FakePrometheus, start_portal_once: StartPortal) -> PortalProcess:
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    started = start_portal_once(prometheus.url, api_keys=f"prosody={digest} reservations", reservation_time="2h")
    wait_until(lambda: started.client.get("/readyz").status_code == 200)
    return started


def ask(portal: PortalProcess, server: str, name: str, **changes: str) -> httpx.Response:
    """What mod_reservations sends: a form."""
    form = {"name": name, "start_time": "2026-03-01T20:00:00.000Z", "mail_owner": "x@guest.meet.jitsi", **changes}
    return portal.client.post(f"/api/v1/reservations/{server}/conference", data=form, headers=HEADERS)


def accepted_by_prosody(response: httpx.Response, name: str) -> dict:
    """The checks of mod_reservations: status, the same name, all members, a time that it can parse."""
    assert response.status_code in (200, 201), response.text
    told = response.json()
    assert told["name"].lower() == name.lower()
    assert {"id", "mail_owner", "duration", "start_time"} <= told.keys()
    assert float(told["duration"]) > 0
    assert re.fullmatch(r"\d{4}-?\d\d-?\d\dT\d\d:\d\d:\d\d\.?\d*([Z+-]?.*)", told["start_time"])
    return told


def test_the_life_of_a_meeting(portal: PortalProcess) -> None:
    given = portal.client.post("/api/v1/rooms", json={"name": "Team Standup"}).json()
    told = accepted_by_prosody(ask(portal, given["server"], "team%20standup"), "team%20standup")
    assert told["duration"] == 7200
    assert (told["start_time"], told["mail_owner"]) == ("2026-03-01T20:00:00.000Z", "x@guest.meet.jitsi")
    address = f"/api/v1/reservations/{given['server']}/conference/{told['id']}"
    found = accepted_by_prosody(portal.client.get(address, headers=HEADERS), "team%20standup")
    assert found == told
    other = "h-2" if given["server"] == "h-1" else "h-1"
    assert portal.client.get(address.replace(given["server"], other), headers=HEADERS).status_code == 404
    again = accepted_by_prosody(
        ask(portal, given["server"], "team%20standup", start_time="2026-03-01T21:00:00Z"), "team%20standup"
    )
    assert (again["id"], again["start_time"]) == (told["id"], "2026-03-01T21:00:00.000Z"), "the first has ended"
    assert portal.client.delete(address, headers=HEADERS).status_code == 200
    assert portal.client.get(address, headers=HEADERS).status_code == 404
    assert portal.client.delete(address, headers=HEADERS).status_code == 404
    assert portal.client.get("/api/v1/rooms/team%20standup").json()["server"] == given["server"]


def test_a_room_that_is_opened_on_a_server_directly_lives_there(portal: PortalProcess) -> None:
    accepted_by_prosody(ask(portal, "h-2", "opened-directly"), "opened-directly")
    assert portal.client.get("/api/v1/rooms/opened-directly").json()["server"] == "h-2"
    refused = ask(portal, "h-1", "opened-directly")
    assert refused.status_code == 403
    assert refused.json()["message"] == f"Open {portal.url}/opened-directly: it leads there."


@pytest.mark.parametrize("server", ["h-3", "h-4"])
def test_a_server_that_takes_no_new_rooms_says_where_to_go(server: str, portal: PortalProcess) -> None:
    refused = ask(portal, server, f"new-on-{server}")
    assert refused.status_code == 403
    assert f"{portal.url}/new-on-{server}" in refused.json()["message"]
    assert portal.client.get(f"/api/v1/rooms/new-on-{server}").status_code == 404, "nothing is claimed by it"


def test_a_server_that_drains_keeps_its_rooms(portal: PortalProcess, prometheus: FakePrometheus) -> None:
    accepted_by_prosody(ask(portal, "h-2", "stays"), "stays")
    prometheus.servers[1].fleet_state = "draining"
    wait_until(lambda: ask(portal, "h-2", f"new-{prometheus.queries}").status_code == 403)
    accepted_by_prosody(ask(portal, "h-2", "stays"), "stays")
    prometheus.servers[1].fleet_state = ""
    wait_until(lambda: ask(portal, "h-2", "new-again").status_code == 200)


def test_what_cannot_be_read_or_is_not_allowed(portal: PortalProcess) -> None:
    assert ask(portal, "h-9", "unknown-server").status_code == 404
    assert ask(portal, "h-1", "").status_code == 422
    assert ask(portal, "h-1", "a-room", start_time="soon").status_code == 400
    for headers, status in (({}, 401), ({"Authorization": "Bearer other"}, 401)):
        refused = portal.client.post("/api/v1/reservations/h-1/conference", data={"name": "a"}, headers=headers)
        assert refused.status_code == status
        assert refused.json()["message"]
        assert refused.headers["www-authenticate"].startswith("Bearer")


def test_a_silent_prometheus_keeps_nobody_from_a_room_that_lives(start_portal: StartPortal) -> None:
    fake = FakePrometheus([FakeServer("h-1")])
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    portal = start_portal(fake.url, api_keys=f"p={digest} reservations", stale_after="2")
    accepted_by_prosody(ask(portal, "h-1", "lives"), "lives")
    fake.fails = True
    wait_until(lambda: portal.client.get("/readyz").text.strip() == "fleet-unknown")
    assert ask(portal, "h-1", "new").status_code == 503
    accepted_by_prosody(ask(portal, "h-1", "lives"), "lives")
    fake.close()

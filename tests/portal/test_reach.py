"""A room moves only by proof: what proves that a server's rooms cannot be reached, and for how long it must."""

from __future__ import annotations

import pytest
from ensemble_portal.prometheus import read_result
from ensemble_portal.reach import Reach
from fake_prometheus import FakePrometheus, FakeServer, query_result
from portal_support import StartPortal, wait_until

JOBS = ("node", "nginx", "jvb", "jicofo")
WELL = {"nginx_up": 1, "jitsi_jvb_healthy": 1}


def people(count: int) -> dict[str, float]:
    return {**WELL, "jitsi_jicofo_participants_current": count, "jitsi_jvb_current_endpoints": count}


def silent(*jobs: str, gauges: dict[str, float] = WELL, **more) -> FakeServer:
    return FakeServer("h-1", up={job: int(job not in jobs) for job in JOBS}, gauges=gauges, **more)


class Watch:
    """A reach that sees an answer every ten seconds of its own time, for three minutes after which servers are lost."""

    def __init__(self) -> None:
        self.reach = Reach(180, 60)
        self.now = 1000.0

    def see(self, *servers: FakeServer, minutes: float = 4, others: int = 3) -> bool:
        """Whether h-1 is lost after so long."""
        well = [FakeServer(f"h-{number}") for number in range(2, 2 + others)]
        readings = read_result(query_result([*servers, *well])).readings
        for _ in range(int(minutes * 6)):
            self.now += 10
            self.reach.see(readings, self.now)
        return self.reach.is_lost("h-1")


@pytest.mark.parametrize(
    ("server", "lost"),
    [
        (silent("node"), False),
        (silent("nginx"), False),
        (silent("jvb", "jicofo"), False),
        (silent("node", "nginx", "jicofo"), False),
        (silent("node", gauges=people(80)), False),
        (silent(*JOBS), True),
        (silent(*JOBS, gauges=people(80)), True),
        (silent(*JOBS, fleet_state="draining"), True),
        (silent(gauges={**WELL, "nginx_up": 0}), True),
        (silent(gauges={**people(3), "nginx_up": 0}), False),
        (silent("nginx", gauges={**WELL, "nginx_up": 0}), False),
        (silent(gauges={**WELL, "jitsi_jvb_healthy": 0}), True),
        (silent(gauges={**people(1), "jitsi_jvb_healthy": 0}), False),
        (silent("jvb", gauges={**WELL, "jitsi_jvb_healthy": 0}), False),
        (silent(cpu=None, egress=None, age=None), False),
        (silent(fleet_state="cordoned"), False),
    ],
    ids=[
        *("node exporter", "nginx exporter", "bridge and focus", "all but the bridge", "node exporter, 80 inside"),
        *("all silent", "all silent, old people", "all silent, draining", "web server", "web server, 3 inside"),
        *("web server by a silent exporter", "bridge", "bridge, 1 inside", "bridge by a silent exporter"),
        *("unmeasured", "cordoned"),
    ],
)
def test_what_proves_that_a_room_cannot_be_reached(server: FakeServer, lost: bool) -> None:
    watch = Watch()
    watch.see(FakeServer("h-1"), minutes=1)
    assert watch.see(server) is lost


def test_proof_must_last_for_minutes_and_without_a_break() -> None:
    watch = Watch()
    watch.see(FakeServer("h-1"), minutes=1)
    assert not watch.see(silent(*JOBS), minutes=3)
    assert watch.reach.is_troubled("h-1")
    assert not watch.see(FakeServer("h-1"), minutes=0.2)
    assert not watch.reach.is_troubled("h-1")
    assert not watch.see(silent(*JOBS), minutes=3)
    watch.now += 70  # Prometheus was silent: what happened then nobody knows
    assert not watch.see(silent(*JOBS), minutes=3)
    assert watch.see(silent(*JOBS), minutes=0.2)


def test_a_server_that_is_gone_is_lost_but_not_most_servers_at_once() -> None:
    watch = Watch()
    watch.see(FakeServer("h-1"), minutes=1)
    assert watch.see()
    assert not watch.see(FakeServer("h-1"), minutes=0.2)
    assert not watch.see(others=0, minutes=10), "Prometheus has lost them, not we"


def test_a_portal_that_has_just_started_gives_up_no_server() -> None:
    watch = Watch()
    assert not watch.see(minutes=3)
    assert watch.see(minutes=0.2)


def test_who_is_empty_is_known_by_all_exporters() -> None:
    watch = Watch()
    watch.see(silent(gauges=people(0)))
    assert watch.reach.empty() == ["h-1"]
    for other in (silent(gauges=people(1)), silent("jvb", gauges=people(0)), silent()):
        watch.see(other)
        assert watch.reach.empty() == []


def test_a_room_waits_moves_and_returns(start_portal: StartPortal) -> None:
    """A dead exporter sends nobody away; a click moves the room off a dead server; it returns when nobody minds."""
    fake = FakePrometheus([FakeServer("h-1", cpu=0.1), FakeServer("h-2", cpu=0.5), FakeServer("h-3", cpu=0.9)])
    portal = start_portal(fake.url, lost_after="1", stale_after="2", poll_interval="0.6")

    def lives() -> str | None:
        location = portal.client.get("/standup").headers.get("location", "")
        return location.removeprefix("https://").partition(".")[0] or None

    assert portal.client.post("/standup").headers["location"].startswith("https://h-1.")
    fake.servers[0].up["node"] = 0
    seen = fake.queries
    wait_until(lambda: fake.queries > seen + 5)
    assert lives() == "h-1"
    fake.servers[0].up = dict.fromkeys(JOBS, 0)
    wait_until(lambda: portal.client.get("/standup").status_code == 503)  # not yet lost
    wait_until(lambda: portal.client.get("/api/v1/rooms/standup").status_code == 404)
    assert portal.client.get("/standup").status_code == 200, "a door that is closed"
    assert portal.client.post("/standup").headers["location"].startswith("https://h-2.")
    fake.servers[1].gauges = people(2)
    fake.servers[0].up = dict.fromkeys(JOBS, 1)
    wait_until(lambda: portal.client.get("/api/v1/servers").json()["servers"][0]["state"] == "ready")
    seen = fake.queries
    wait_until(lambda: fake.queries > seen + 5)
    assert lives() == "h-2", "people are there"
    fake.servers[1].gauges = people(0)
    wait_until(lambda: portal.client.get("/api/v1/rooms/standup").json()["server"] == "h-1")
    fake.close()

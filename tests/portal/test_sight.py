"""What the portal makes of answers that cannot be true: empty, tiny, without measures; and of a fleet that is full."""

from __future__ import annotations

import time

import pytest
from ensemble_portal.fleet import Fleet, Snapshot
from ensemble_portal.health import State
from ensemble_portal.prometheus import read_result
from ensemble_portal.reach import is_unreachable
from ensemble_portal.status import certificate_days
from fake_prometheus import FakeServer, query_result
from portal_support import settings


class Watched:
    """A fleet that is polled every ten seconds of its own time."""

    def __init__(self, **changes: str) -> None:
        self.fleet = Fleet(settings(**changes))
        self.now = 1000.0

    def poll(self, *servers: FakeServer) -> Snapshot:
        self.now += 10
        return self.fleet.update(read_result(query_result(servers)).readings, self.now, self.now)

    def ready(self, *servers: FakeServer) -> list[str]:
        return [server.name for server in self.poll(*servers).ready]


def many(count: int, **changes: object) -> list[FakeServer]:
    return [FakeServer(f"h-{number}", **changes) for number in range(1, count + 1)]  # type: ignore[arg-type]


NAMES = [f"h-{number}" for number in range(1, 11)]


@pytest.mark.parametrize("few", [0, 1, 4], ids=["empty", "tiny", "less than half"])
def test_the_last_good_list_serves_while_most_are_out_of_sight(few: int) -> None:
    watched = Watched()
    watched.poll(*many(10))
    answers = [watched.poll(*many(few)) for _ in range(5)]
    assert [[server.name for server in answer.ready] for answer in answers] == [NAMES] * 5
    assert [answer.kept for answer in answers] == [10 - few] * 5
    watched.poll(*many(few))
    assert watched.ready(*many(few)) == NAMES[:few], "nothing is believed for longer than its sample"


def test_few_that_vanish_are_gone() -> None:
    watched = Watched()
    watched.poll(*many(10))
    answer = watched.poll(*many(5))
    assert ([server.name for server in answer.ready], answer.kept) == (NAMES[:5], 0)


def test_what_is_known_of_the_few_counts_at_once() -> None:
    watched = Watched()
    watched.poll(*many(10))
    answer = watched.poll(FakeServer("h-1", up={"node": 1, "nginx": 0}), FakeServer("h-2", fleet_state="draining"))
    assert [server.name for server in answer.ready] == NAMES[2:]


def test_servers_that_are_down_are_no_fault_of_the_eyes() -> None:
    watched = Watched()
    watched.poll(*many(10))
    assert watched.ready(*many(10, up={"node": 0, "nginx": 0})) == []


def test_a_restart_of_prometheus_refuses_no_room() -> None:
    """Empty, then some without rates, then all without rates, then all: they are ready all the time."""
    watched = Watched(grace_polls="3")
    watched.poll(*many(10))
    restart = [[], many(4, cpu=None, egress=None, up={"node": 1}), many(10, cpu=None, egress=None), many(10), many(10)]
    assert [watched.ready(*answer) for answer in restart] == [NAMES] * 5


def test_after_a_long_outage_nobody_waits_for_grace() -> None:
    watched = Watched(grace_polls="3")
    watched.poll(*many(10))
    watched.now += 600
    assert watched.ready() == []
    assert watched.ready(*many(10)) == NAMES


def test_who_was_only_cordoned_or_unmeasured_needs_no_grace() -> None:
    watched = Watched(grace_polls="3")
    watched.poll(*many(3))
    watched.poll(*many(2), FakeServer("h-3", fleet_state="cordoned"))
    assert watched.ready(*many(3)) == NAMES[:3]
    watched.poll(*many(2), FakeServer("h-3", cpu=None))
    assert watched.ready(*many(3)) == NAMES[:3]


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        (FakeServer("h-1", cpu=0.91), "processors"),
        (FakeServer("h-1", gauges={"jitsi_jvb_stress": 1.6}), "bridge"),
        (FakeServer("h-1", egress=390e6), "network"),
        (FakeServer("h-1", gauges={"jitsi_jicofo_participants_current": 140}), "people"),
    ],
)
def test_full_is_a_state(server: FakeServer, reason: str) -> None:
    watched = Watched()
    answer = watched.poll(server, FakeServer("h-2", cpu=0.9))
    assert [(one.name, one.state) for one in answer.servers] == [("h-1", State.FULL), ("h-2", State.READY)]
    assert reason in answer.servers[0].as_json()["reason"]
    assert [one.name for one in answer.ready] == ["h-2"]
    assert not answer.is_full
    answer = watched.poll(server)
    assert answer.is_full
    assert watched.fleet.history[-1].in_use == 1, "its load still counts"


def test_full_by_setting() -> None:
    assert Watched(full_load="60").poll(FakeServer("h-1", cpu=0.61)).is_full
    assert not Watched(full_load="100").poll(FakeServer("h-1", cpu=1.0)).is_full


def test_who_is_not_probed_is_unknown_and_a_silent_prober_says_nothing_of_a_server() -> None:
    probed, prober = {"probe_success": 1}, {"node": 1, "nginx": 1, "probe": 0}
    watched = Watched(required_jobs="node,nginx,probe")
    servers = [FakeServer("h-1", gauges=probed), FakeServer("h-2", gauges=probed), FakeServer("h-3", up=prober)]
    answer = watched.poll(*servers)
    assert [(one.name, one.state) for one in answer.servers][2] == ("h-3", State.UNKNOWN)
    assert "probe" in answer.servers[2].as_json()["reason"]
    answer = watched.poll(*many(3, up=prober))
    assert ([one.name for one in answer.ready], answer.kept) == (["h-1", "h-2"], 2)


def test_a_server_that_is_off_is_lost_though_the_prober_answers() -> None:
    off = {"node": 0, "nginx": 0, "jvb": 0, "jicofo": 0, "probe": 1}
    reading = read_result(query_result([FakeServer("h-1", up=off, gauges={})])).readings["h-1"]
    assert is_unreachable(reading)
    reading = read_result(query_result([FakeServer("h-1", gauges={"probe_success": 0})])).readings["h-1"]
    assert is_unreachable(reading)


def test_the_page_and_the_api_tell_of_certificate_and_answer() -> None:
    gauges = {"probe_success": 1, "probe_duration_seconds": 0.0421, "probe_ssl_earliest_cert_expiry": 1_800_000_000}
    (server,) = Watched().poll(FakeServer("h-1", gauges=gauges)).servers
    assert server.as_json()["certificate_ends"] == "2027-01-15T08:00:00Z"
    assert server.as_json()["probe_seconds"] == 0.042
    assert certificate_days([server]) == (1_800_000_000 - time.time()) // 86400

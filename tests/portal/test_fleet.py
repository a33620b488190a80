"""What the portal makes of Prometheus' answer: states, loads, grace, age."""

from __future__ import annotations

import json

import pytest
from ensemble_portal.fleet import Fleet
from ensemble_portal.health import State
from ensemble_portal.prometheus import PrometheusError, fleet_query, read_result
from fake_prometheus import FakeServer, query_result
from portal_support import settings


class Watched:
    """A fleet that is polled every ten seconds of its own time."""

    def __init__(self, **changes: str) -> None:
        self.fleet = Fleet(settings(**changes))
        self.now = 1000.0

    def poll(self, *servers: FakeServer) -> dict[str, tuple[State, str]]:
        self.now += 10
        snapshot = self.fleet.update(read_result(query_result(servers)).readings, self.now, self.now)
        return {server.name: (server.state, server.as_json()["reason"]) for server in snapshot.servers}

    def load(self) -> float | None:
        assert self.fleet.snapshot is not None
        return self.fleet.snapshot.servers[0].load


@pytest.mark.parametrize(
    ("server", "state", "reason"),
    [
        (FakeServer("h-1"), State.READY, ""),
        (FakeServer("h-1", fleet_state="active"), State.READY, ""),
        (FakeServer("h-1", fleet_state="cordoned"), State.CORDONED, "operator"),
        (FakeServer("h-1", fleet_state="draining"), State.DRAINING, "operator"),
        (FakeServer("h-1", fleet_state="retired"), State.CORDONED, "retired"),
        (FakeServer("h-1", up={"node": 1, "nginx": 0}), State.UNHEALTHY, "nginx"),
        (FakeServer("h-1", up={"node": 1, "nginx": 1, "jvb": 0}), State.UNHEALTHY, "jvb"),
        (FakeServer("h-1", up={"node": 1}), State.UNKNOWN, "nginx"),
        (FakeServer("h-1", gauges={"nginx_up": 0}), State.UNHEALTHY, "web server"),
        (FakeServer("h-1", gauges={"jitsi_jvb_healthy": 0}), State.UNHEALTHY, "bridge"),
        (FakeServer("h-1", gauges={"probe_success": 0}), State.UNHEALTHY, "by its name"),
        (FakeServer("h-1", gauges={"probe_success": 1}), State.READY, ""),
        (FakeServer("h-1", gauges={"jitsi_jvb_drain_mode": 1}), State.DRAINING, "bridge"),
        (FakeServer("h-1", gauges={"jitsi_jvb_graceful_shutdown": 1}), State.DRAINING, "bridge"),
        (FakeServer("h-1", age=61), State.UNKNOWN, "old"),
        (FakeServer("h-1", age=None), State.UNKNOWN, "old"),
        (FakeServer("h-1", cpu=None), State.UNKNOWN, "measure"),
        (FakeServer("h-1", egress=None), State.UNKNOWN, "measure"),
        (FakeServer("h-1", gauges={}), State.READY, ""),
    ],
)
def test_states(server: FakeServer, state: State, reason: str) -> None:
    watched = Watched()
    found_state, found_reason = watched.poll(server)["h-1"]
    assert found_state is state
    assert reason in found_reason
    snapshot = watched.fleet.snapshot
    assert snapshot is not None
    assert bool(snapshot.ready) is (state is State.READY)


@pytest.mark.parametrize(
    ("server", "load"),
    [
        (FakeServer("h-1", cpu=0.4, egress=0), 0.4),
        (FakeServer("h-1", cpu=0.1, egress=200e6), 0.5),
        (FakeServer("h-1", cpu=0.1, egress=200e6, server_type="BIG"), 0.2),
        (FakeServer("h-1", cpu=0.1, gauges={"jitsi_jvb_stress": 0.7}), 0.7),
        (FakeServer("h-1", cpu=0.1, gauges={"jitsi_jicofo_participants_current": 75}), 0.5),
        (FakeServer("h-1", cpu=-0.01, egress=0), 0.0),
        (FakeServer("h-1", cpu=None, egress=None), None),
    ],
)
def test_load_is_the_largest_share(server: FakeServer, load: float | None) -> None:
    watched = Watched(egress_caps="BIG=1G,*=400M")
    watched.poll(server)
    assert watched.load() == pytest.approx(load)


def test_a_new_server_waits_for_its_grace() -> None:
    watched = Watched(grace_polls="3")
    old = FakeServer("h-1")
    assert watched.poll(old)["h-1"][0] is State.READY, "what was there before the portal needs no grace"
    states = [watched.poll(old, FakeServer("h-2"))["h-2"][0] for _ in range(4)]
    assert states == [State.NEW, State.NEW, State.READY, State.READY]


def test_a_recovered_server_waits_too() -> None:
    watched = Watched(grace_polls="2")
    watched.poll(FakeServer("h-1"))
    assert watched.poll(FakeServer("h-1", up={"node": 1, "nginx": 0}))["h-1"][0] is State.UNHEALTHY
    assert watched.poll(FakeServer("h-1"))["h-1"][0] is State.NEW
    assert watched.poll(FakeServer("h-1"))["h-1"][0] is State.READY


def test_the_same_sample_seen_twice_is_no_second_healthy_poll() -> None:
    watched = Watched(grace_polls="2")
    watched.poll(FakeServer("h-1"))
    ages = [watched.poll(FakeServer("h-1"), FakeServer("h-2", age=age))["h-2"][0] for age in (1, 11, 21, 2)]
    assert ages == [State.NEW, State.NEW, State.NEW, State.READY]


def test_the_list_ends_at_stale_after() -> None:
    watched = Watched(stale_after="30")
    assert watched.fleet.fresh(watched.now) is None
    watched.poll(FakeServer("h-1"))
    assert watched.fleet.fresh(watched.now + 30) is not None
    assert watched.fleet.fresh(watched.now + 30.1) is None


def test_servers_are_in_the_order_of_their_numbers() -> None:
    assert list(Watched().poll(*(FakeServer(f"h-{n}") for n in (10, 9, 1, 100)))) == ["h-1", "h-9", "h-10", "h-100"]


def test_the_etag_changes_with_the_list_only() -> None:
    watched = Watched()
    watched.poll(FakeServer("h-1"))
    first = watched.fleet.snapshot
    second = watched.fleet.update(read_result(query_result([FakeServer("h-1")])).readings, watched.now, watched.now)
    watched.poll(FakeServer("h-1", cpu=0.9))
    assert first is not None
    assert watched.fleet.snapshot is not None
    assert first.etag == second.etag != watched.fleet.snapshot.etag


def test_names_that_could_not_stand_in_an_address_are_left_out() -> None:
    assert list(read_result(query_result([FakeServer("h-1"), FakeServer("h 2/"), FakeServer("-h")])).readings) == [
        "h-1"
    ]


def test_rooms_of_all_portals() -> None:
    series = {
        "metric": {
            "__name__": "ensemble_portal_rooms_assigned_total",
            "portal": "ab",
            "assigned_server": "h-1",
            "server": "api-1",
        },
        "value": [0, "7"],
    }
    body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": [series]}}).encode()
    assert read_result(body).rooms == {("ab", "h-1"): 7.0}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"status":"error","error":"bad query"}',
        b'{"status":"success"}',
        b'{"status":"success","data":{"resultType":"matrix","result":[]}}',
        b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1]}]}}',
        b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{"server":"h"},"value":[1,"x"]}]}}',
    ],
)
def test_answers_that_are_none(body: bytes) -> None:
    with pytest.raises(PrometheusError):
        read_result(body)


ODD = [
    {"metric": {"__name__": "ensemble_portal_rooms_assigned_total", "assigned_server": "h-1"}, "value": [0, "7"]},
    {
        "metric": {"__name__": "ensemble_portal_rooms_assigned_total", "portal": "x", "assigned_server": []},
        "value": [0, "1"],
    },
    {"metric": {"__name__": "a_metric_nobody_knows", "server": "h-1"}, "value": [0, "1"]},
    {"metric": {"measure": "warmth", "server": "h-1"}, "value": [0, "1"]},
    {"metric": {"server": "h-1"}, "value": [0, "1"]},
    {"metric": {"__name__": "up", "server": "h-1"}, "value": [0, "many"]},
    {"metric": {"__name__": "up", "server": ["h-1"]}, "value": [0, "1"]},
    {"metric": None, "value": [0, "1"]},
    {"value": [0, "1"]},
    {"metric": {"__name__": "up", "server": "h-1"}},
    {"metric": {"__name__": "up", "server": "h-1"}, "value": []},
    "text",
    None,
    3,
]


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize("place", [0, 4, 10**6])
def test_one_odd_series_hides_no_server(odd: object, place: int) -> None:
    body = query_result([FakeServer("h-1"), FakeServer("h-2")])
    answer = json.loads(body)
    answer["data"]["result"].insert(place, odd)
    found = read_result(json.dumps(answer).encode())
    assert found.readings == read_result(body).readings
    assert found.rooms == {}
    assert len(found.skipped) == 1


def test_nan_is_unknown() -> None:
    server = FakeServer("h-1", cpu=float("nan"))
    assert read_result(query_result([server])).readings["h-1"].cpu is None


def test_one_query_holds_the_window() -> None:
    assert fleet_query(45).count("[45s]") == 2

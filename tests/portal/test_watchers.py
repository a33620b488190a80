"""Several Prometheus servers: one that is lost, or has just started, changes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from ensemble_portal.prometheus import Prometheus, PrometheusError
from ensemble_portal.watchers import Watchers
from fake_prometheus import FakePrometheus, FakeServer
from portal_support import StartPortal, wait_until


@pytest.fixture
def pair() -> Iterator[list[FakePrometheus]]:
    fakes = [FakePrometheus([FakeServer("h-1"), FakeServer("h-2")]) for _ in range(2)]
    yield fakes
    for fake in fakes:
        fake.close()


def rooms(count: int) -> dict:
    name = "ensemble_portal_rooms_assigned_total"
    return {"metric": {"__name__": name, "portal": "a", "assigned_server": "h-1"}, "value": [0, str(count)]}


async def test_the_freshest_complete_answer_counts(pair: list[FakePrometheus]) -> None:
    one, other = pair
    watchers = Watchers([Prometheus(fake.url, 2, 30) for fake in pair])

    async def cpu() -> float | None:
        return (await watchers.ask()).readings["h-1"].cpu

    one.servers[0].cpu, other.servers[0].cpu = 0.1, 0.2
    one.odd, other.odd = [rooms(7)], [rooms(9)]
    assert await cpu() == 0.1
    other.servers[0].age = 0.0
    assert await cpu() == 0.1, "as fresh: no going to and fro"
    assert (await watchers.ask()).rooms == {("a", "h-1"): 9.0}
    one.servers[1].cpu = None
    assert await cpu() == 0.2, "complete"
    one.servers[1].cpu = 0.1
    assert await cpu() == 0.2
    for server in other.servers:
        server.age = 40.0
    assert await cpu() == 0.1, "fresh"
    one.servers = []
    assert await cpu() == 0.2, "anything"
    other.fails = True
    assert (await watchers.ask()).readings == {}
    one.fails = True
    with pytest.raises(PrometheusError, match=r"503.*503"):
        await watchers.ask()


async def test_one_that_hangs_holds_nobody_up(pair: list[FakePrometheus]) -> None:
    pair[0].hangs = 20
    began = time.monotonic()
    answer = await Watchers([Prometheus(fake.url, 30, 30) for fake in pair]).ask()
    assert sorted(answer.readings) == ["h-1", "h-2"]
    assert time.monotonic() - began < 15


def test_one_lost_changes_nothing(pair: list[FakePrometheus], start_portal: StartPortal) -> None:
    portal = start_portal(f"{pair[0].url},{pair[1].url}")
    pair[0].fails = True
    seen = pair[1].queries
    while pair[1].queries < seen + 4:
        assert portal.client.post("/api/v1/rooms").status_code == 201
    assert portal.client.get("/readyz").status_code == 200
    wait_until(lambda: "One Prometheus is silent" in portal.log.read_text())
    page = portal.client.get("/metrics").text
    told = {fake.url: f'_up{{prometheus="{fake.url.removeprefix("http://")}"}}' for fake in pair}
    assert f"{told[pair[0].url]} 0.0" in page
    assert f"{told[pair[1].url]} 1.0" in page
    assert 'Prometheus is silent"' not in portal.log.read_text().replace("One Prometheus is silent", "")


def test_no_room_is_refused_while_one_is_away_for_long(pair: list[FakePrometheus], start_portal: StartPortal) -> None:
    """Silent, dripping or dead for longer than any answer may be used: in real settings more than a minute each."""
    bad, good = pair
    portal = start_portal(f"{bad.url},{good.url}", stale_after="5", prometheus_timeout="4", required_jobs="node")
    for trouble in ("hangs", "drips", "dies"):
        bad.hangs, bad.drips = (30.0 if trouble == "hangs" else 0.0), (0.5 if trouble == "drips" else 0.0)
        if trouble == "dies":
            bad.close()
        end, seen = time.monotonic() + 6, good.queries
        while time.monotonic() < end or good.queries < seen + 3:
            assert portal.client.post("/api/v1/rooms").status_code == 201, trouble
            time.sleep(0.05)


async def test_one_whose_prober_is_in_trouble_changes_nothing(pair: list[FakePrometheus]) -> None:
    watchers = Watchers([Prometheus(fake.url, 2, 30) for fake in pair])
    here, there = (fake.servers[0] for fake in pair)

    async def probed() -> float | None:
        return (await watchers.ask()).readings["h-1"].gauges.get("answers_by_name")

    assert await probed() is None
    there.gauges["probe_success"] = 0
    assert await probed() == 0
    there.gauges["probe_success"] = 1
    assert await probed() == 1, "the prober here is dead"
    here.gauges["probe_success"] = 0
    assert await probed() == 1, "the resolver here is wrong"
    for server in pair[1].servers:
        server.age = 40.0
    assert await probed() == 0, "what was true a while ago"
    for server in pair[1].servers:
        server.age = 1.0
    there.gauges["probe_success"] = 0
    assert await probed() == 0

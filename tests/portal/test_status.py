"""The status page of small and large fleets: the worst first, found by a search, small; and it says what is wrong."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from ensemble_portal.app import make_app
from ensemble_portal.fleet import Moment
from ensemble_portal.portal import Portal
from ensemble_portal.prometheus import read_result
from fake_prometheus import FakeServer, query_result
from portal_support import settings

LARGEST = 100_000


def take_in(portal: Portal, servers: list[FakeServer]) -> None:
    """The portal hears of these servers."""
    now = time.monotonic()
    portal.events.publish(portal.fleet.update(read_result(query_result(servers)).readings, now, time.time()))


def fleet(count: int) -> list[FakeServer]:
    servers = [FakeServer(f"server-{number}", cpu=number % 89 / 100) for number in range(1, count + 1)]
    servers[count // 2].up["nginx"] = 0
    servers[count // 3].cpu = 0.95
    return servers


@pytest.fixture
async def portal() -> AsyncIterator[Portal]:
    portal = Portal(settings(stale_after="60"))
    await portal.register.open()
    yield portal
    await portal.register.close()


async def status(portal: Portal, path: str = "/status") -> str:
    transport = httpx.ASGITransport(make_app(portal))
    async with httpx.AsyncClient(transport=transport, base_url="http://portal.test") as client:
        answer = await client.get(path, headers={"accept-encoding": "identity"})
    assert answer.status_code == 200
    assert len(answer.content) < LARGEST
    return answer.text


def listed(html: str) -> list[str]:
    return re.findall(r'<th scope="row">(server-\d+)</th>', html)


@pytest.mark.parametrize("count", [100, 1000, 5000])
async def test_a_large_fleet_makes_no_large_page(portal: Portal, count: int) -> None:
    take_in(portal, fleet(count))
    moment = Moment(time.time(), 0.123456, 0.654321, count, 12345)
    portal.fleet.history.extend(
        replace(moment, at=moment.at - 10 * ago, load=ago % 97 / 99) for ago in range(360, 0, -1)
    )
    html = await status(portal)
    assert listed(html)[:2] == [f"server-{count // 2 + 1}", f"server-{count // 3 + 1}"], "the troubled, then the full"
    assert len(listed(html)) == 50
    assert ">fr-par-1</a>" not in html, "there is only one zone"
    found = await status(portal, "/status?q=SERVER-77")
    assert set(listed(found)) >= {"server-77"}
    assert all("77" in name for name in listed(found))
    assert listed(await status(portal, "/status?q=unhealthy+fr-par")) == [f"server-{count // 2 + 1}"]
    assert "No server matches." in await status(portal, "/status?q=%3Cscript%3E")


async def test_zones_are_told_apart(portal: Portal) -> None:
    servers = fleet(20)
    take_in(portal, servers)
    assert portal.fleet.snapshot
    elsewhere = [
        replace(one, zone=f"fr-par-{place % 2 + 1}") for place, one in enumerate(portal.fleet.snapshot.servers)
    ]
    portal.fleet.snapshot = replace(portal.fleet.snapshot, servers=tuple(elsewhere))
    html = await status(portal)
    assert re.findall(r'\?q=(fr-par-\d)&amp;lang=en">', html) == ["fr-par-1", "fr-par-2"]
    assert re.findall(r"</a></th><td class=\"number\">(\d+/\d+)<", html) == ["8/10", "10/10"]
    assert len(listed(await status(portal, "/status?q=fr-par-2"))) == 10


async def test_all_is_well_only_when_all_is(portal: Portal) -> None:
    def said(html: str) -> str:
        return html.partition('<p class="words">')[2].partition("<")[0]

    servers = [FakeServer("server-1"), FakeServer("server-2", fleet_state="draining")]
    take_in(portal, servers)
    assert said(await status(portal)) == "All is well."
    servers[1].gauges["probe_success"] = 0
    take_in(portal, servers)
    assert said(await status(portal)) == "Meetings are running. Servers in trouble: 1 of 2."
    servers[1].gauges["probe_success"] = 1
    take_in(portal, servers)
    portal.register.is_up = False
    assert "the register does not answer" in said(await status(portal))


async def test_listeners_hear_of_changes_only(portal: Portal) -> None:
    servers = fleet(200)
    stream = portal.events.stream("192.0.2.1")
    slow = portal.events.stream("192.0.2.2")
    take_in(portal, servers)
    assert (await anext(stream)).startswith(b"retry")
    assert (await anext(slow)).startswith(b"retry")
    everything = await anext(stream)
    assert everything.startswith(b"event: servers\n")
    assert everything.count(b'"server":') == 200
    await anext(slow)
    servers[3].cpu = 0.6
    servers[4].cpu = (servers[4].cpu or 0) + 0.001
    del servers[7]
    take_in(portal, servers)
    event = await anext(stream)
    assert event.startswith(b"event: changes\n")
    assert len(event) < 300
    data = json.loads(event.partition(b"data: ")[2])
    assert [(one["server"], one["load"]) for one in data["servers"]] == [("server-4", 0.6)]
    assert data["gone"] == ["server-8"]
    take_in(portal, servers)
    assert (await anext(slow)).startswith(b"event: servers\n"), "whoever missed a poll hears all"
    assert json.loads((await anext(stream)).partition(b"data: ")[2])["servers"] == []
    await stream.aclose()
    await slow.aclose()

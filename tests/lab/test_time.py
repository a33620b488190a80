# SPDX-License-Identifier: GPL-3.0-or-later
"""The null driver's time: recorded durations, scaled."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from ensemble_lab.drivers.null import DURATIONS, FAREWELL, NullDriver


async def waited(driver: NullDriver, operation: str, monkeypatch: pytest.MonkeyPatch) -> float:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    with monkeypatch.context() as patch:
        patch.setattr(asyncio, "sleep", sleep)
        await driver._take(operation)
    return sum(slept)


@pytest.mark.parametrize("operation", sorted(DURATIONS))
async def test_durations_are_those_that_were_recorded(operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    least, median, most = DURATIONS[operation]
    driver = NullDriver(1.0, 1)
    drawn = sorted([await waited(driver, operation, monkeypatch) for _ in range(1000)])
    assert least <= drawn[0] <= drawn[-1] <= most
    assert drawn[440] <= median <= drawn[560]
    assert await waited(NullDriver(0.0, 1), operation, monkeypatch) == 0


async def test_speed_divides_and_a_seed_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = [
        [await waited(driver, "poweroff", monkeypatch) for _ in range(5)]
        for driver in (NullDriver(1, 3), NullDriver(1, 3), NullDriver(10, 3))
    ]
    assert drawn[0] == drawn[1]
    assert drawn[2] == pytest.approx([seconds / 10 for seconds in drawn[0]])


def test_a_lab_at_a_hundred_times_the_speed(make_lab: Any) -> None:
    lab = make_lab("--speed", "100", "--seed", "1")
    server = lab.server()
    path = f"servers/{server['id']}"
    begin = time.monotonic()
    lab.act(server, "poweron")
    assert lab.get(path)["server"]["state"] == "starting"
    lab.wait(path, lambda body: body["server"]["state"] == "running")
    lab.wait(path, lambda body: body["server"]["state_detail"] == "booted")
    assert 0.2 < time.monotonic() - begin < 2
    begin = time.monotonic()
    lab.act(server, "poweroff")
    lab.wait(path, lambda body: body["server"]["state"] == "stopped")
    assert 0.15 < time.monotonic() - begin < 2


def test_an_address_is_pending_until_the_guest_has_booted(make_lab: Any) -> None:
    lab = make_lab("--speed", "20")
    server = lab.server(dynamic_ip_required=True)
    path = f"servers/{server['id']}"
    lab.act(server, "poweron")
    up = lab.wait(path, lambda body: body["server"]["state"] == "running")["server"]
    assert (up["state_detail"], up["public_ip"]["state"]) == ("booting kernel", "pending")
    booted = lab.wait(path, lambda body: body["server"]["state_detail"] == "booted")["server"]
    assert booted["public_ip"]["state"] == "attached"


def test_what_vanishes_is_seen_going_at_any_speed() -> None:
    driver, begin = NullDriver(0.0), time.monotonic()
    asyncio.run(driver.server_delete({"id": "x"}, terminate=True))
    assert time.monotonic() - begin >= FAREWELL


def test_stopped_in_place_is_soon_left(make_lab: Any) -> None:
    lab = make_lab("--speed", "20", "--seed", "1")
    path = f"servers/{lab.running()['id']}"
    for action, state, seconds in (
        ("stop_in_place", "stopped in place", 3),
        ("poweron", "running", 1),
        ("stop_in_place", "stopped in place", 3),
        ("poweroff", "stopped", 1),
    ):
        begin = time.monotonic()
        lab.act({"id": path.rpartition("/")[2]}, action)
        lab.wait(path, lambda body, state=state: body["server"]["state"] == state)
        assert time.monotonic() - begin < seconds, action


def test_a_network_is_plugged_into_a_running_server_slowly(make_lab: Any) -> None:
    lab = make_lab("--speed", "50")
    network = lab.post("/vpc/v2/regions/fr-par/private-networks", {"name": "n"}, 200)
    nics = f"servers/{lab.running()['id']}/private_nics"
    nic = lab.post(nics, {"private_network_id": network["id"]}, 201)["private_nic"]
    begin = time.monotonic()
    assert nic["state"] == "attaching"
    lab.wait(f"{nics}/{nic['id']}", lambda body: body["private_nic"]["state"] == "available")
    assert 0.1 <= time.monotonic() - begin < 4

# SPDX-License-Identifier: GPL-3.0-or-later
"""The state: kept through a kill -9, dumped, restored, reset."""

from __future__ import annotations

import signal
from typing import Any

import pytest
import requests

from .conftest import Lab, free_port


def test_reset_leaves_nothing(lab: Lab) -> None:
    lab.running()
    lab.fault("status", status=500, path="nothing")
    lab.post("/_emulator/reset")
    assert lab.get("servers")["servers"] == []
    assert lab.get("/_emulator/faults")["faults"] == []
    assert lab.get("/_emulator/info")["objects"].keys() == {"project", "dns_zone", "dns_record"}


def test_reset_of_a_lab_with_names(make_lab: Any) -> None:
    """Its DNS lets go of its port and takes it again."""
    lab = make_lab("--speed", "0", "--dns-port", str(free_port()))
    for _time in range(3):
        lab.post("/_emulator/reset")
    assert lab.get("servers")["servers"] == []


def test_dump_and_restore(lab: Lab) -> None:
    server = lab.running("kept")
    lab.post("/_emulator/idle")
    state = lab.get("/_emulator/state")
    lab.post("/_emulator/reset")
    lab.put("/_emulator/state", state)
    assert lab.get(f"servers/{server['id']}")["server"] == lab.get("servers")["servers"][0]
    assert lab.get("/_emulator/state") == state


def test_everything_answered_survives_a_kill(make_lab: Any) -> None:
    lab = make_lab("--speed", "0")
    servers = [lab.server(f"h-{number}", tags=["t"]) for number in range(20)]
    lab.http.patch(
        f"{lab.url}/instance/v1/zones/fr-par-1/servers/{servers[0]['id']}/user_data/key",
        data=b"\x00\xff",
        headers={"Content-Type": "text/plain"},
        timeout=10,
    )
    lab.put("/_emulator/quotas", {"instance_ip": 0})
    before = lab.get("/_emulator/state")
    lab.stop(signal.SIGKILL)
    lab.start()
    lab.post("ips", {}, 403)
    assert lab.get("/_emulator/state") == before
    path = f"/instance/v1/zones/fr-par-1/servers/{servers[0]['id']}/user_data/key"
    assert lab.http.get(lab.url + path, timeout=10).content == b"\x00\xff"


def test_state_machines_go_on_after_a_kill(make_lab: Any) -> None:
    """At a hundredth of its speed nothing ends before the kill; at full speed everything does after it."""
    slow = make_lab("--speed", "0.01")
    starting, lb = slow.server("a"), slow.post("/lb/v1/zones/fr-par-1/lbs", {"name": "lb", "type": "LB-S"})
    slow.act(starting, "poweron")
    volume = slow.post("/block/v1/zones/fr-par-1/volumes", {"name": "v", "from_empty": {"size": 10**10}})
    assert slow.get(f"servers/{starting['id']}")["server"]["state"] == "starting"
    slow.stop(signal.SIGKILL)
    quick = make_lab("--speed", "0", state=slow.state)
    up = quick.wait(f"servers/{starting['id']}", lambda body: body["server"]["state_detail"] == "booted")
    assert up["server"]["state"] == "running"
    quick.wait(f"/lb/v1/zones/fr-par-1/lbs/{lb['id']}", lambda body: body["status"] == "ready")
    quick.wait(f"/block/v1/zones/fr-par-1/volumes/{volume['id']}", lambda body: body["status"] == "available")
    quick.post("/_emulator/idle")
    assert "job" not in quick.get("/_emulator/info")["objects"]


def test_a_terminate_goes_on_after_a_kill(make_lab: Any) -> None:
    slow = make_lab("--speed", "0")
    server = slow.running()
    slow.stop()
    slower = make_lab("--speed", "0.01", state=slow.state)
    slower.act(server, "terminate")
    slower.stop(signal.SIGKILL)
    quick = make_lab("--speed", "0", state=slow.state)
    quick.gone(f"servers/{server['id']}")
    volume = quick.get(f"/block/v1/zones/fr-par-1/volumes/{server['volumes']['0']['id']}")
    assert volume["references"] == []


def test_a_seed_makes_the_lab_repeatable(make_lab: Any) -> None:
    first, second = (make_lab("--speed", "0", "--seed", "5") for _ in range(2))
    keys = ("id", "mac_address")
    one, two = ([lab.server(f"h-{n}")[key] for n in range(3) for key in keys] for lab in (first, second))
    assert one == two
    first.post("/_emulator/reset")
    assert [first.server(f"h-{n}")[key] for n in range(3) for key in keys] == one


def test_two_labs_never_share_a_state(make_lab: Any) -> None:
    lab = make_lab("--speed", "0")
    with pytest.raises(AssertionError, match="another lab works on the state"):
        make_lab("--speed", "0", state=lab.state)


def test_files_are_served(make_lab: Any) -> None:
    lab = make_lab("--speed", "0")
    (lab.state / "files" / "release.tar.gz").write_bytes(b"archive")
    assert requests.get(f"{lab.url}/_emulator/files/release.tar.gz", timeout=10).content == b"archive"
    assert requests.get(f"{lab.url}/_emulator/files/../lab.sqlite", timeout=10).status_code == 404


def test_other_credentials_can_be_chosen(make_lab: Any) -> None:
    ident, secret = "77777777-7777-4777-8777-777777777777", "88888888-8888-4888-8888-888888888888"
    lab = make_lab("--speed", "0", "--project", ident, "--organization", ident, "--secret-key", secret)
    lab.get("servers", 401)
    lab.http.headers["X-Auth-Token"] = secret
    assert lab.server()["project"] == ident


def test_ids_after_a_restored_state_are_new(make_lab: Any) -> None:
    """A seed gives the same ids again; those that the restored objects have are left out."""
    lab = make_lab("--speed", "0", "--seed", "7")
    old = lab.post("placement_groups", {"name": "old"}, 201)["placement_group"]["id"]

    def restored() -> None:
        lab.request("PUT", "/_emulator/state", lab.get("/_emulator/state"), 200)

    restored()
    first = lab.post("placement_groups", {"name": "first"}, 201)["placement_group"]["id"]
    lab.delete(f"placement_groups/{old}")
    restored()
    second = lab.post("placement_groups", {"name": "second"}, 201)["placement_group"]["id"]
    assert first != second
    assert {each["name"] for each in lab.get("placement_groups")["placement_groups"]} == {"first", "second"}

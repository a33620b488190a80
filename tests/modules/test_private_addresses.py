# SPDX-License-Identifier: GPL-3.0-or-later
"""Where servers are within private networks, for what reaches them there."""

from __future__ import annotations

from modules_lifecycles import LOCAL_DISK
from modules_support import Lab, Runner

SERVER = {"commercial_type": "DEV1-S", "image": "debian_trixie", "volumes": LOCAL_DISK}


def test_addresses_by_network(lab: Lab, run: Runner) -> None:
    for name, subnet in (("inside", "172.20.0.0/24"), ("backup", "172.20.1.0/24")):
        run.ok("private_network", name=name, subnets=[subnet])
    run.ok("server", name="api-1", private_networks=["inside", "backup"], **SERVER)
    run.ok("server", name="api-2", private_networks=["inside"], **SERVER)
    run.ok("server", name="outside", **SERVER)
    lab.forget_requests()
    found = run.ok("server_info", private_addresses=True)["servers"]
    assert len(lab.requests()) == 3
    assert {each["name"]: each["private_addresses"] for each in found} == {
        "api-1": {"inside": "172.20.0.2", "backup": "172.20.1.2"},
        "api-2": {"inside": "172.20.0.3"},
        "outside": {},
    }
    assert "private_addresses" not in run.ok("server_info")["servers"][0]

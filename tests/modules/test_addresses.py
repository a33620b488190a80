# SPDX-License-Identifier: GPL-3.0-or-later
"""An address is not taken from a server without a word."""

from __future__ import annotations

from modules_lifecycles import LOCAL_DISK, SERVER
from modules_support import Lab, Runner

ONE = {**SERVER, "volumes": LOCAL_DISK, "dynamic_ip_required": False, "public_ips": ["mon"]}
TWO = {**ONE, "name": "other"}


def test_an_address_of_another_server_is_an_error(lab: Lab, run: Runner) -> None:
    run.ok("ip", name="mon")
    run.ok("server", **ONE)
    before = lab.state()
    assert "take_over: true" in run.error("server", **TWO)
    assert lab.state() == before
    run.ok("server", **{**TWO, "public_ips": []})
    assert "take_over: true" in run.error("server", **TWO)
    assert not run.ok("server", **ONE)["changed"]


def test_an_address_is_taken_over_when_it_is_said(run: Runner) -> None:
    run.ok("ip", name="mon")
    run.ok("server", **ONE)
    assert run.ok("server", **TWO, take_over=True)["server"]["public_address"]
    assert not run.ok("server", **TWO)["changed"]
    assert "take_over: true" in run.error("server", **ONE)


def test_an_address_that_its_server_has_is_no_question(run: Runner) -> None:
    run.ok("ip", name="mon")
    run.ok("server", **ONE)
    assert run.ok("server", **{**ONE, "image": "debian_bookworm"}, recreate=True)["changed"]

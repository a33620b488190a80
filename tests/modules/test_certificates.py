# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of a balancer are renewed under their name, and no frontend is ever without one."""

from __future__ import annotations

from typing import Any

import pytest
from modules_lifecycles import BACKEND, FRONTEND, LB
from modules_support import Lab, Runner
from test_examples import self_signed

OWN = {"lb": "portal", "name": "tls"}


@pytest.fixture(params=[False, True], ids=["alone", "in use"])
def used(request: pytest.FixtureRequest, run: Runner) -> bool:
    for module, arguments in (LB, BACKEND):
        run.ok(module, **arguments)
    run.ok("lb_certificate", **OWN, certificate_chain=self_signed("meet.example.org"))
    if request.param:
        https = {**FRONTEND[1], "name": "https", "inbound_port": 443, "certificates": ["tls"]}
        run.ok("lb_frontend", **https, connection_rate_limit=50)
        run.ok("lb_frontend", **{**https, "name": "other", "inbound_port": 8443})
    return request.param


def certificates(lab: Lab) -> dict[str, Any]:
    return {each["name"]: each for each in lab.state().get("lb_certificate", [])}


def renew(run: Runner, chain: str, **more: Any) -> dict[str, Any]:
    desired = {**OWN, "certificate_chain": chain, **more}
    planned = run.ok("lb_certificate", check=True, **desired)
    done = run.ok("lb_certificate", **desired)
    assert planned["changed"] == done["changed"]
    assert planned["diff"] == done["diff"]
    assert not run.ok("lb_certificate", **desired)["changed"]
    return done


def test_another_chain_replaces_the_certificate(used: bool, lab: Lab, run: Runner) -> None:
    old = certificates(lab)["tls"]
    chain = self_signed("meet.example.org")
    done = renew(run, chain)
    assert done["changed"]
    assert "fingerprint" in done["diff"]["before"]
    assert "PRIVATE" not in str(done["diff"])
    new = certificates(lab)["tls"]
    assert list(certificates(lab)) == ["tls"]
    assert new["id"] != old["id"]
    for frontend in lab.state().get("lb_frontend", []):
        assert frontend["certificate_ids"] == [new["id"]]
        assert frontend["connection_rate_limit"] == (50 if frontend["name"] == "https" else None)


def test_the_same_chain_is_no_change(used: bool, lab: Lab, run: Runner) -> None:
    chain = self_signed("meet.example.org")
    renew(run, chain)
    lab.forget_requests()
    assert not run.ok("lb_certificate", **OWN, certificate_chain=chain, recreate=True)["changed"]
    assert not run.ok("lb_certificate", **OWN)["changed"]
    assert lab.writes() == []


def test_another_kind_is_told(used: bool, lab: Lab, run: Runner) -> None:
    names = ["meet.ensemble.test"]
    ident = certificates(lab)["tls"]["id"]
    assert "recreate: true" in run.error("lb_certificate", **OWN, letsencrypt=names)
    assert certificates(lab)["tls"]["id"] == ident
    address = lab.state()["lb_ip"][0]["ip_address"]
    run.ok("dns_record", dns_zone="ensemble.test", records=[{"name": "meet", "data": [address]}])
    assert run.ok("lb_certificate", **OWN, letsencrypt=names, recreate=True)["certificate"]["type"] == "letsencrypt"
    assert not run.ok("lb_certificate", **OWN, letsencrypt=names, recreate=True)["changed"]
    assert list(certificates(lab)) == ["tls"]


def test_an_order_that_fails_leaves_what_was_there(used: bool, lab: Lab, run: Runner) -> None:
    before = certificates(lab)["tls"]["id"]
    message = run.error("lb_certificate", **OWN, letsencrypt=["nowhere.ensemble.test"], recreate=True)
    assert "does not resolve" in message
    assert certificates(lab)["tls"]["id"] == before
    chain = self_signed("meet.example.org")
    renew(run, chain)
    assert list(certificates(lab)) == ["tls"]


@pytest.mark.parametrize("write", range(1, 7))
def test_a_renewal_that_is_cut_anywhere_is_ended_by_the_next(write: int, used: bool, lab: Lab, run: Runner) -> None:
    chain = self_signed("meet.example.org")
    desired = {**OWN, "certificate_chain": chain, "api_retry_time": 0.2}
    count = len(lab.state().get("lb_frontend", []))
    lab.fault(kind="status", status=403, method="POST|PUT|DELETE", skip=write - 1)
    run("lb_certificate", **desired)
    for frontend in lab.state().get("lb_frontend", []):
        assert set(frontend["certificate_ids"]) <= {each["id"] for each in certificates(lab).values()}
    lab.good_day()
    run.ok("lb_certificate", **desired)
    assert not run.ok("lb_certificate", **desired)["changed"]
    (name, certificate), *others = certificates(lab).items()
    assert (name, others) == ("tls", [])
    frontends = lab.state().get("lb_frontend", [])
    assert [each["certificate_ids"] for each in frontends] == [[certificate["id"]]] * count


def test_what_an_interrupted_renewal_left_is_removed_as_well(lab: Lab, run: Runner) -> None:
    run.ok(*LB[:1], **LB[1])
    for name in ("tls", "tls.successor"):
        run.ok("lb_certificate", lb="portal", name=name, certificate_chain=self_signed("meet.example.org"))
    assert run.ok("lb_certificate", **OWN, state="absent")["changed"]
    assert certificates(lab) == {}
    assert not run.ok("lb_certificate", **OWN, state="absent")["changed"]


def test_a_chain_that_is_none_is_refused(lab: Lab, run: Runner) -> None:
    run.ok(*LB[:1], **LB[1])
    lab.forget_requests()
    assert "no certificate in PEM form" in run.error("lb_certificate", **OWN, certificate_chain="a text")
    assert lab.writes() == []

# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on demand, and what the lab tells of the requests it saw."""

from __future__ import annotations

import itertools
import threading
import time
from typing import Any

import pytest
import requests

from .conftest import Lab


def create(lab: Lab, **more: Any) -> requests.Response:
    return lab.request("POST", "ips", {}, **more)


def test_too_many_requests(lab: Lab) -> None:
    lab.fault("status", status=429)
    answer = create(lab)
    assert (answer.status_code, answer.content) == (429, b"")
    assert answer.headers["X-Envoy-Ratelimited"] == "true"
    assert "Retry-After" not in answer.headers
    assert "Content-Type" not in answer.headers


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize(("body", "kind"), [("json", "application/json"), ("html", "text/html"), ("empty", None)])
def test_server_errors(lab: Lab, status: int, body: str, kind: str | None) -> None:
    lab.fault("status", status=status, body=body)
    answer = create(lab)
    assert answer.status_code == status
    assert answer.headers.get("Content-Type") == kind
    assert bool(answer.content) == (body != "empty")
    lab.request("DELETE", "/_emulator/faults", expect=200)
    assert lab.get("ips")["ips"] == []


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("kind", ["reset", "status"])
def test_before_and_after_the_effect(lab: Lab, kind: str, when: str, made: int) -> None:
    lab.fault(kind, when=when, method="POST", count=1)
    if kind == "reset":
        with pytest.raises(requests.ConnectionError):
            create(lab)
    else:
        assert create(lab).status_code == 500
    assert len(lab.get("ips")["ips"]) == made


def test_a_hang_ends_when_the_client_leaves(lab: Lab) -> None:
    lab.fault("hang", seconds=0, method="POST")
    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{lab.url}/instance/v1/zones/fr-par-1/ips", json={}, headers=lab.http.headers, timeout=0.3)
    assert lab.get("ips")["ips"] == []


def test_latency_and_slow_bodies(lab: Lab) -> None:
    lab.fault("latency", seconds=1.5, path="/ips$")
    begin = time.monotonic()
    lab.get("ips")
    assert time.monotonic() - begin >= 1.5
    begin = time.monotonic()
    lab.get("servers")
    assert time.monotonic() - begin < 1.5
    lab.fault("slow_body", seconds=0.3, path="/security_groups$")
    begin = time.monotonic()
    assert lab.get("security_groups") == {"security_groups": []}
    assert time.monotonic() - begin >= 0.25


@pytest.mark.parametrize("distribution", ["uniform", "exponential", "lognormal"])
def test_latencies_of_a_distribution_differ(make_lab: Any, distribution: str) -> None:
    from ensemble_lab.web.faults import Faults

    faults = Faults(seed=1)
    fault = faults.add(kind="latency", seconds=0.1, distribution=distribution)
    drawn = [faults.delay(fault) for _ in range(2000)]
    assert len(set(drawn)) > 1900
    assert min(drawn) >= 0
    assert sum(drawn) / len(drawn) == pytest.approx(0.1, rel=0.1)


def test_refusals(lab: Lab) -> None:
    lab.fault("out_of_stock", path="/action$", resource="DEV1-S")
    lab.fault("quota", path="/ips$", resource="instance_ip")
    assert lab.act(lab.server(), "poweron", 503) == {
        "type": "out_of_stock",
        "message": "resource is out of stock",
        "resource": "DEV1-S",
    }
    assert lab.post("ips", {}, 403)["type"] == "quotas_exceeded"


def test_where_and_how_often(lab: Lab) -> None:
    lab.fault("status", status=503, method="POST|PATCH", path="/servers$", count=2)
    assert lab.request("GET", "servers").ok
    body = {"name": "x", "commercial_type": "DEV1-S", "image": "debian_trixie"}
    assert [lab.request("POST", "servers", body).status_code for _ in range(4)] == [503, 503, 201, 201]
    assert lab.get("/_emulator/faults")["faults"][0]["hits"] == 2


def test_the_first_requests_can_pass(lab: Lab) -> None:
    lab.fault("status", status=503, path="/servers", skip=2, count=1)
    statuses = [lab.request("GET", "servers").status_code for _ in range(4)]
    assert statuses == [200, 200, 503, 200]


def test_probability_is_repeatable_with_a_seed(make_lab: Any) -> None:
    def hits(lab: Lab) -> list[int]:
        lab.fault("status", status=429, probability=0.3)
        return [lab.request("GET", "ips").status_code for _ in range(60)]

    first, second = (hits(make_lab("--speed", "0", "--seed", "7")) for _ in range(2))
    assert first == second
    assert 5 < first.count(429) < 35


def test_admin_and_page_have_no_faults(lab: Lab) -> None:
    fault = lab.fault("status", status=500)
    assert requests.get(f"{lab.url}/", timeout=10).ok
    assert requests.get(f"{lab.url}/_emulator/info", timeout=10).ok
    lab.request("DELETE", f"/_emulator/faults/{fault['id']}", expect=200)
    lab.get("ips")


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "rain"},
        {"kind": "status", "probability": 2},
        {"kind": "reset", "path": "("},
        {"kind": "hang", "nope": 1},
        {},
    ],
)
def test_faults_that_cannot_be(lab: Lab, wrong: Any) -> None:
    assert lab.post("/_emulator/faults", wrong, 400)["message"]


def test_every_request_is_seen(lab: Lab) -> None:
    lab.request("GET", "servers?name=x", headers={"User-Agent": "test/1"})
    lab.fault("reset", method="POST", count=1)
    with pytest.raises(requests.ConnectionError):
        create(lab)
    lab.get("ips/nobody", 404)
    seen = lab.requests_seen()
    assert [(entry["method"], entry["path"].rsplit("/", 1)[1], entry["status"], entry["fault"]) for entry in seen] == [
        ("GET", "servers", 200, None),
        ("POST", "ips", None, "reset"),
        ("GET", "nobody", 404, None),
    ]
    assert (seen[0]["query"], seen[0]["user_agent"]) == ("name=x", "test/1")
    assert len(lab.requests_seen(method="POST")) == 1
    assert len(lab.requests_seen(path="/ips$")) == 1
    assert len(lab.requests_seen(since=seen[1]["number"])) == 1
    lab.delete("/_emulator/requests")
    assert lab.requests_seen() == []


def test_faults_do_not_hold_up_other_requests(lab: Lab) -> None:
    lab.fault("latency", seconds=3.0, path="/ips$", count=1)
    waiting = threading.Thread(
        target=lambda: requests.get(f"{lab.url}/instance/v1/zones/fr-par-1/ips", headers=lab.http.headers, timeout=10)
    )
    waiting.start()
    time.sleep(0.1)
    begin = time.monotonic()
    lab.get("servers")
    assert time.monotonic() - begin < 2
    waiting.join()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_wire_breaks_alike_with_and_without_tls(secure: tuple[Lab, str], scheme: str) -> None:
    lab, https = secure
    url = https if scheme == "https" else lab.url

    def create() -> requests.Response:
        return requests.post(f"{url}/instance/v1/zones/fr-par-1/ips", json={}, headers=lab.http.headers, timeout=10)

    for number, (kind, when) in enumerate(itertools.product(("reset", "hang"), ("before", "after"))):
        lab.fault(kind, when=when, method="POST", count=1, seconds=1.5)
        begin = time.monotonic()
        with pytest.raises(requests.ConnectionError):
            create()
        assert (time.monotonic() - begin >= 1.5) is (kind == "hang")
        assert len(lab.get("ips")["ips"]) == (number + 1) // 2, f"{kind} {when}"
    lab.fault("status", status=503, body="html", count=1)
    assert create().text.startswith("<html>")
    lab.fault("status", status=502, body="empty", count=1)
    assert create().content == b""
    lab.fault("slow_body", seconds=0.3, method="POST", count=1)
    begin = time.monotonic()
    assert create().json()["ip"]["id"]
    assert time.monotonic() - begin >= 0.25
    lab.fault("quota", method="POST", path="/ips$", resource="instance_ip", count=1)
    assert (create().status_code, create().status_code) == (403, 201)

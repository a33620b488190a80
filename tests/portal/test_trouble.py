"""The running portal while Prometheus drips, hangs or forgets, while every server is full, and without its register."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
from ensemble_portal.app import make_app
from ensemble_portal.portal import Portal
from ensemble_portal.prometheus import Prometheus, PrometheusError
from fake_prometheus import FakePrometheus, FakeServer
from portal_support import PortalProcess, StartPortal, settings, wait_until

from tests.postgres import Postgres


@contextmanager
def dripping() -> Iterator[str]:
    """An address that answers one byte every tenth of a second, for ever."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=send_slowly, args=[connection], daemon=True).start()

        def send_slowly(connection: socket.socket) -> None:
            with connection:
                try:
                    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
                    while True:
                        connection.sendall(b" ")
                        time.sleep(0.1)
                except OSError:
                    return

        threading.Thread(target=drip, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def never_accepting() -> Iterator[str]:
    """An address whose line of waiting connections is full: connecting hangs."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        yield f"http://127.0.0.1:{address[1]}"
        for one in waiting:
            one.close()


@pytest.mark.parametrize("trouble", [dripping, never_accepting])
def test_one_deadline_for_the_whole_poll(trouble, start_portal: StartPortal) -> None:
    with trouble() as url:
        portal = start_portal(url, prometheus_timeout="0.5")
        wait_until(lambda: failed_polls(portal) >= 2, 8)
    told = [json.loads(line) for line in portal.log.read_text().splitlines()]
    reasons = [line["reason"] for line in told if line["message"] == "Prometheus is silent"]
    assert reasons == ["Prometheus gave no whole answer within 0.5 s"]


def metric(portal: PortalProcess, name: str) -> float:
    lines = portal.client.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


def failed_polls(portal: PortalProcess) -> float:
    return metric(portal, 'ensemble_portal_polls_total{result="failed"}')


def test_an_empty_answer_refuses_no_room_and_is_told(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    portal = start_portal(prometheus.url)
    servers, prometheus.servers = prometheus.servers, []
    wait_until(lambda: metric(portal, "ensemble_portal_servers_kept") == 2)
    assert portal.client.post("/api/v1/rooms").status_code == 201
    assert portal.client.get("/readyz").status_code == 200
    assert portal.client.get("/api/v1/servers").json()["kept"] == 2
    assert "Measures are missing. 2 of 2 servers" in portal.client.get("/status").text
    prometheus.servers = servers
    wait_until(lambda: "All is well." in portal.client.get("/status").text)
    assert "the last list of them is used" in portal.log.read_text()


def fill(prometheus: FakePrometheus, load: float) -> None:
    for server in prometheus.servers:
        server.cpu = load


@pytest.fixture
def full() -> Iterator[FakePrometheus]:
    fake = FakePrometheus([FakeServer("h-1", cpu=1.0), FakeServer("h-2", gauges={"jitsi_jvb_stress": 1.6})])
    yield fake
    fake.close()


def test_a_full_fleet_refuses_new_rooms_and_says_why(full: FakePrometheus, start_portal: StartPortal) -> None:
    full.servers[1].gauges = {"jitsi_jvb_stress": 0.1}
    portal = start_portal(full.url, claim_time="1h")
    assert portal.client.post("/api/v1/rooms", json={"name": "standup"}).json()["server"] == "h-2"
    full.servers[1].gauges = {"jitsi_jvb_stress": 1.6}
    wait_until(lambda: metric(portal, "ensemble_portal_fleet_full") == 1)
    for path in ("/api/v1/rooms", "/api/v1/rooms?"):  # the fast lane and the ordinary way
        refusal = portal.client.post(path)
        assert (refusal.status_code, refusal.json()["type"]) == (503, "urn:ensemble:problem:full")
        assert refusal.headers["retry-after"]
    assert metric(portal, 'ensemble_portal_rooms_refused_total{reason="full"}') == 2
    assert portal.client.post("/api/v1/rooms", json={"name": "standup"}).status_code == 201, "joining goes on"
    answer = portal.client.get("/api/v1/servers").json()
    assert answer["full"]
    assert {one["state"] for one in answer["servers"]} == {"full"}
    status = portal.client.get("/status").text
    assert "All servers are full. New meetings are refused." in status
    assert "state-ready" not in status
    assert "All servers are full" in portal.client.get("/").text
    assert portal.client.get("/readyz").status_code == 200, "no fault of the portal"
    assert "Every server is full" in portal.log.read_text()


def test_a_full_fleet_may_take_new_rooms(full: FakePrometheus, start_portal: StartPortal) -> None:
    portal = start_portal(full.url, when_full="accept")
    assert portal.client.post("/api/v1/rooms").json()["server"] == "h-1"
    assert "New meetings make them fuller still." in portal.client.get("/status").text


def test_new_rooms_may_wait_in_line(full: FakePrometheus, start_portal: StartPortal) -> None:
    portal = start_portal(full.url, when_full="queue", queue_time="6", room_load="0.5", full_load="90")
    with ThreadPoolExecutor(4) as visitors:
        requests = [visitors.submit(portal.client.post, path) for path in ("/api/v1/rooms", "/start", "/api/v1/rooms")]
        wait_until(lambda: metric(portal, "ensemble_portal_rooms_waiting") == 3)
        full.servers[0].cpu = 0.0
        wait_until(lambda: sum(request.done() for request in requests) == 2)
        answers = [request.result() for request in requests]
    assert sorted(answer.status_code for answer in answers) in ([201, 201, 503], [201, 303, 503])
    assert metric(portal, "ensemble_portal_rooms_waiting") == 0


async def test_credentials_do_not_follow_a_redirect() -> None:
    asked: list[tuple[str, str | None]] = []

    class Redirect(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append((self.path, self.headers["authorization"]))
            self.send_response(307)
            self.send_header("location", f"http://localhost:{elsewhere.server_port}/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    elsewhere = HTTPServer(("127.0.0.1", 0), Redirect)
    threading.Thread(target=elsewhere.serve_forever, daemon=True).start()
    with pytest.raises(PrometheusError, match="answered 307"):
        await Prometheus(f"http://me:hush%2Fhush@127.0.0.1:{elsewhere.server_port}/under", 5, 30).ask()
    elsewhere.shutdown()
    elsewhere.server_close()
    assert asked == [("/under/api/v1/query", "Basic bWU6aHVzaC9odXNo")]


async def test_a_wrong_database_fails_the_rollout_and_tells_why(
    prometheus: FakePrometheus, postgres: Postgres, start_portal: StartPortal
) -> None:
    address = urlsplit(postgres.address)
    wrong = address._replace(netloc=f"{address.username}:hush%2Fhush@127.0.0.1:{postgres.port}", path="/elsewhere")
    portal = start_portal(prometheus.url, store=wrong.geturl())
    refusal = portal.client.get("/readyz")
    assert (refusal.status_code, refusal.text) == (503, "store-unavailable\n")
    assert metric(portal, "ensemble_portal_store_up") == 0
    told = [json.loads(line) for line in portal.log.read_text().splitlines()]
    reasons = [line["reason"] for line in told if line["message"] == "The register does not answer"]
    assert reasons == ['InvalidCatalogNameError: database "elsewhere" does not exist']
    maker = await asyncpg.connect(postgres.address)
    await maker.execute("CREATE DATABASE elsewhere")
    await maker.close()
    wait_until(lambda: metric(portal, "ensemble_portal_store_up") == 1, 10)
    assert portal.client.get("/readyz").status_code == 200
    assert "hush" not in portal.log.read_text()


def test_a_locked_file_keeps_nobody_in_a_queue(
    prometheus: FakePrometheus, start_portal: StartPortal, tmp_path: Path
) -> None:
    portal = start_portal(prometheus.url, store=f"sqlite:{tmp_path / 'claims.db'}")
    other = sqlite3.connect(tmp_path / "claims.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    began = time.monotonic()
    with ThreadPoolExecutor(20) as visitors:
        answers = list(visitors.map(lambda n: portal.client.post("/api/v1/rooms", json={"name": f"r-{n}"}), range(20)))
    assert {answer.status_code for answer in answers} == {503}
    assert time.monotonic() - began < 6
    assert portal.client.get("/readyz").status_code == 503
    other.execute("ROLLBACK")
    wait_until(lambda: portal.client.get("/readyz").status_code == 200, 5)
    other.close()


def test_logs_name_the_client_and_the_request(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    portal = start_portal(prometheus.url, log_requests="yes")
    behind = {"x-forwarded-for": "6.6.6.6, 198.51.100.7", "x-request-id": "balancer-1"}
    assert portal.client.get("/", headers=behind).headers["x-request-id"] == "balancer-1"
    given = portal.client.get("/api/v1/servers", headers={"x-request-id": "not an id"}).headers["x-request-id"]

    def logged() -> set[tuple[str, str]]:
        told = [json.loads(line) for line in portal.log.read_text().splitlines()]
        return {(line["request"], line["client"]) for line in told if line["message"] == "request"}

    wait_until(lambda: {("balancer-1", "198.51.100.7"), (given, "127.0.0.1")} <= logged())
    assert given != "not an id"


async def test_a_bug_is_told_by_the_id_that_the_log_names(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    portal = Portal(settings())
    monkeypatch.setattr(portal.responses, "servers", lambda *_: 1 / 0)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(make_app(portal)), base_url="http://portal") as client:
        answer = await client.get("/api/v1/servers")
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:ensemble:problem:internal")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert len(answer.headers["x-request-id"]) == 16
    assert "ZeroDivisionError" in caplog.text

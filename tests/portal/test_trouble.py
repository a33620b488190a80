"""The running portal while Prometheus drips, hangs or forgets, and while every server is full."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from fake_prometheus import FakePrometheus, FakeServer
from portal_support import PortalProcess, StartPortal, wait_until


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
        wishes = [visitors.submit(portal.client.post, path) for path in ("/api/v1/rooms", "/start", "/api/v1/rooms")]
        wait_until(lambda: metric(portal, "ensemble_portal_rooms_waiting") == 3)
        full.servers[0].cpu = 0.0
        wait_until(lambda: sum(wish.done() for wish in wishes) == 2)
        answers = [wish.result() for wish in wishes]
    assert sorted(answer.status_code for answer in answers) in ([201, 201, 503], [201, 303, 503])
    assert metric(portal, "ensemble_portal_rooms_waiting") == 0

"""The running portal, as a visitor, an API client and an operator meet it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time

import httpx
import pytest
from ensemble_portal.settings import Settings, SettingsError
from fake_prometheus import FakePrometheus, FakeServer
from portal_support import PORTAL, StartPortal, wait_until


def test_a_room_lands_on_the_least_loaded_server(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    portal = start_portal(prometheus.url)
    answer = portal.client.post("/api/v1/rooms")
    room = answer.json()
    assert answer.status_code == 201
    assert room["server"] == "h-1"
    assert room["url"] == f"https://h-1.ensemble.test/{room['room']}" == answer.headers["location"]
    assert re.fullmatch(r"([a-z]+-){5}\d\d", room["room"])


def test_the_choice_follows_the_load_within_two_polls(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    portal = start_portal(prometheus.url)
    prometheus.servers[0].cpu, prometheus.servers[1].cpu = 0.95, 0.05
    seen = prometheus.queries
    wait_until(lambda: prometheus.queries >= seen + 2)
    time.sleep(0.1)
    assert portal.client.post("/api/v1/rooms").json()["server"] == "h-2"


def test_one_query_per_poll(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    portal = start_portal(prometheus.url, poll_interval="1")
    before = prometheus.queries
    for _ in range(50):
        portal.client.post("/api/v1/rooms")
        portal.client.get("/api/v1/servers")
    assert prometheus.queries - before <= 2


def test_the_list_of_servers(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    prometheus.servers[1].fleet_state = "draining"
    prometheus.servers.append(FakeServer("h-10", cpu=None))
    portal = start_portal(prometheus.url)
    answer = portal.client.get("/api/v1/servers")
    servers = answer.json()["servers"]
    assert [(one["server"], one["state"]) for one in servers] == [
        ("h-1", "ready"),
        ("h-2", "draining"),
        ("h-10", "unknown"),
    ]
    assert servers[2]["cpu"] is None
    again = portal.client.get("/api/v1/servers", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code in {200, 304}


def test_an_unchanged_list_is_not_sent_again(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    portal = start_portal(prometheus.url, poll_interval="5")
    etag = portal.client.get("/api/v1/servers").headers["etag"]
    for path in ("/api/v1/servers", "/api/v1/servers?"):  # the fast lane and the ordinary way
        again = portal.client.get(path, headers={"if-none-match": etag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)


def test_no_server_is_an_honest_503(start_portal: StartPortal) -> None:
    prometheus = FakePrometheus([])
    portal = start_portal(prometheus.url)
    refusal = portal.client.post("/api/v1/rooms")
    assert refusal.status_code == 503
    assert refusal.headers["content-type"] == "application/problem+json"
    assert refusal.headers["retry-after"]
    assert refusal.json()["type"] == "urn:ensemble:problem:no-server"
    page = portal.client.post("/start", headers={"accept-language": "fr"})
    assert page.status_code == 503
    assert "Aucun serveur de réunion" in page.text
    assert portal.client.get("/").status_code == 200
    assert portal.client.get("/readyz").status_code == 503
    assert portal.client.get("/healthz").status_code == 200
    prometheus.close()


def test_silent_prometheus_last_list_then_503_then_recovery(
    prometheus: FakePrometheus, start_portal: StartPortal
) -> None:
    portal = start_portal(prometheus.url, stale_after="4")
    prometheus.fails = True
    seen = prometheus.queries
    wait_until(lambda: prometheus.queries >= seen + 2)
    assert portal.client.post("/api/v1/rooms").status_code == 201
    wait_until(lambda: portal.client.post("/api/v1/rooms").status_code == 503)
    assert portal.client.post("/api/v1/rooms").json()["type"] == "urn:ensemble:problem:fleet-unknown"
    assert portal.client.get("/api/v1/servers").status_code == 503
    assert portal.client.get("/readyz").text == "fleet-unknown\n"
    assert "not known right now" in portal.client.get("/").text
    prometheus.fails = False
    wait_until(lambda: portal.client.post("/api/v1/rooms").status_code == 201)
    assert portal.client.get("/readyz").status_code == 200


def test_an_odd_series_is_counted_and_hides_nothing(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    prometheus.odd = [{"metric": {"__name__": "ensemble_portal_rooms_assigned_total"}, "value": [0, "7"]}]
    portal = start_portal(prometheus.url)
    assert portal.client.post("/api/v1/rooms").status_code == 201
    assert portal.client.get("/readyz").status_code == 200
    counted = re.search(r"ensemble_portal_series_skipped_total (\d+)", portal.client.get("/metrics").text)
    assert counted
    assert int(counted[1]) > 0


def test_prometheus_away_at_the_start(start_portal: StartPortal) -> None:
    portal = start_portal("http://127.0.0.1:9")
    assert portal.client.post("/api/v1/rooms").status_code == 503
    assert "no data about the servers" in portal.client.get("/status").text
    assert portal.client.get("/").status_code == 200


def test_a_slow_prometheus_does_not_slow_visitors(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    portal = start_portal(prometheus.url, prometheus_timeout="2")
    prometheus.hangs = 3
    slowest = 0.0
    for _ in range(100):
        began = time.monotonic()
        assert portal.client.post("/api/v1/rooms").status_code == 201
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(0.01)
    assert slowest < 1.5
    prometheus.hangs = 0


def test_the_button_leads_to_the_room(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    portal = start_portal(prometheus.url)
    home = portal.client.get("/")
    assert '<form class="actions" method="post" action="/start">' in home.text
    answer = portal.client.post("/start")
    assert answer.status_code == 303
    assert re.fullmatch(r"https://h-1\.ensemble\.test/([a-z]+-){5}\d\d", answer.headers["location"])


@pytest.mark.parametrize(
    ("path", "header", "language", "word"),
    [
        ("/", "fr-FR,fr;q=0.9,en;q=0.5", "fr", "Démarrer une réunion"),
        ("/", "nl,en;q=0.7,fr;q=0.3", "en", "Start a meeting"),
        ("/", "de,en;q=0.7,fr;q=0.3", "de", "Konferenz starten"),
        ("/?lang=it", "en", "it", "Avvia una riunione"),
        ("/", "", "en", "Start a meeting"),
        ("/?lang=fr", "en", "fr", "Démarrer une réunion"),
        ("/?lang=xx", "fr", "fr", "Démarrer une réunion"),
    ],
)
def test_languages(
    prometheus: FakePrometheus, start_portal: StartPortal, path: str, header: str, language: str, word: str
) -> None:
    page = start_portal(prometheus.url).client.get(path, headers={"accept-language": header})
    assert page.headers["content-language"] == language
    assert f'<html lang="{language}" dir="ltr">' in page.text
    assert word in page.text


def test_a_stop_finishes_what_it_began(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    """Visitors who leave when they are told to (as a balancer does) see no error at all."""
    portal = start_portal(prometheus.url, stop_delay="1")
    results: list[str] = []

    def visit() -> None:
        with httpx.Client(base_url=portal.url, trust_env=False) as client:
            told_to_leave = False
            while not told_to_leave:
                try:
                    answer = client.post("/api/v1/rooms")
                except httpx.TransportError as error:
                    results.append(repr(error))
                    return
                results.append(str(answer.status_code))
                told_to_leave = answer.headers.get("connection") == "close"

    visitors = [threading.Thread(target=visit) for _ in range(4)]
    for visitor in visitors:
        visitor.start()
    time.sleep(0.5)
    portal.process.send_signal(signal.SIGTERM)
    wait_until(lambda: portal.client.get("/healthz").status_code == 503)
    assert portal.process.wait(10) == 0
    for visitor in visitors:
        visitor.join(10)
        assert not visitor.is_alive()
    assert set(results) == {"201"}


def test_wrong_settings_are_told_all_at_once() -> None:
    environ = {"PYTHONPATH": str(PORTAL), "ENSEMBLE_POLL_INTERVAL": "31", "ENSEMBLE_LISTEN": "8080", "ENSEMBLE_X": "1"}
    command = [sys.executable, "-m", "ensemble_portal", "--check"]
    told = subprocess.run(command, env=environ, capture_output=True, text=True)
    assert told.returncode == 2
    for wrong in ("PROMETHEUS_URL is not set", "POLL_INTERVAL='31'", "LISTEN='8080'", "ENSEMBLE_X is not a setting"):
        assert wrong in told.stderr


@pytest.mark.parametrize(
    "password", ["secret", "se/cret", "se@cret", "se:cret", "se cret", "se%cret", "se?cret", "[se]cret"]
)
@pytest.mark.parametrize("scheme", ["ftp", "mysql", "http", "postgresql"])
def test_no_password_is_told_with_a_wrong_setting(scheme: str, password: str) -> None:
    address = f"{scheme}://me:{password}@p:x/y"
    environ = {"ENSEMBLE_PROMETHEUS_URL": address, "ENSEMBLE_STORE": address, "ENSEMBLE_CORS_ORIGINS": address}
    with pytest.raises(SettingsError) as wrong:
        Settings.from_environ(environ)
    assert all(name in str(wrong.value) for name in environ)
    assert "cret" not in str(wrong.value)


def test_no_password_is_told_at_the_start() -> None:
    environ = {"ENSEMBLE_PROMETHEUS_URL": "ftp://me:secret@p:9090", "ENSEMBLE_STORE": "mysql://me:secret@db/x"}
    command = [sys.executable, "-m", "ensemble_portal", "--check"]
    told = subprocess.run(command, env={"PYTHONPATH": str(PORTAL), **environ}, capture_output=True, text=True)
    assert told.returncode == 2
    assert "secret" not in told.stderr


def test_the_portals_own_metrics(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    portal = start_portal(prometheus.url)
    portal.client.post("/api/v1/rooms")
    portal.client.post("/api/v1/rooms", json={"name": "static"})
    text = portal.client.get("/metrics").text
    assert 'ensemble_portal_rooms_assigned_total{assigned_server="h-1",portal="' in text
    assert 'ensemble_portal_rooms_refused_total{reason="name-reserved"} 1.0' in text
    assert 'ensemble_portal_servers{state="ready"} 2.0' in text
    assert "ensemble_portal_data_age_seconds" in text
    assert "ensemble_portal_room_seconds_bucket" in text


def test_logs_hold_no_room_and_no_address(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    portal = start_portal(prometheus.url)
    portal.client.post("/api/v1/rooms", json={"name": "quiet-corner"}, headers={"x-forwarded-for": "192.0.2.77"})
    portal.client.get("/room/quiet-corner")
    portal.client.get("/nothing/quiet-corner")
    portal.close()
    log = portal.log.read_text()
    assert "quiet-corner" not in log
    assert "192.0.2.77" not in log

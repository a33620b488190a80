"""The portal behind Debian's own Prometheus and node_exporter: labels, rates, ages and failures as they really are."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ensemble_portal.prometheus import Prometheus
from portal_support import PortalProcess, StartPortal, free_port, wait_until

SECONDS = 30


class Gauges:
    """Stands for the nginx exporter and the bridge of one server: shows the values it is given."""

    def __init__(self) -> None:
        self.values = {
            "nginx_up": 1.0,
            "jitsi_jvb_healthy": 1.0,
            "jitsi_jvb_stress": 0.01,
            "jitsi_jvb_current_endpoints": 3.0,
        }
        gauges = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = "".join(f"{name} {value}\n" for name, value in gauges.values.items()).encode()
                self.send_response(200)
                self.send_header("content-type", "text/plain; version=0.0.4")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._http.server_port
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


class Watch:
    """One Prometheus, two servers with a real node_exporter each, and the portal as a target too."""

    def __init__(self, folder: Path) -> None:
        for program in ("prometheus", "prometheus-node-exporter"):
            if shutil.which(program) is None:
                pytest.fail(f"{program} is not installed (Debian: {program})")
        self._folder = folder
        self._log = (folder / "log").open("wb")
        self.port, self.portal_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.gauges = {name: Gauges() for name in ("h-1", "h-2")}
        self.exporters = {}
        self._node_ports = {}
        for name in self.gauges:
            self._node_ports[name] = free_port()
            self.start_exporter(name)
        self._write_config()
        self._prometheus: subprocess.Popen[bytes] | None = None
        self.start()

    def start_exporter(self, name: str) -> None:
        options = ["--collector.disable-defaults", "--collector.cpu", "--collector.netdev"]
        listen = f"--web.listen-address=127.0.0.1:{self._node_ports[name]}"
        self.exporters[name] = self._run(["prometheus-node-exporter", *options, listen])

    def start(self, forgets: bool = False) -> None:
        if forgets:
            shutil.rmtree(self._folder / "data")
        self._prometheus = self._run(
            [
                "prometheus",
                f"--config.file={self._folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={self._folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
            ]
        )

    def stop(self) -> None:
        assert self._prometheus is not None
        self._prometheus.terminate()
        self._prometheus.wait(20)

    def close(self) -> None:
        self.stop()
        for exporter in self.exporters.values():
            exporter.terminate()
            exporter.wait(10)
        for gauges in self.gauges.values():
            gauges.close()
        self._log.close()

    def _run(self, command: list[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, stdout=self._log, stderr=self._log)

    def _write_config(self) -> None:
        def job(name: str, ports: dict[str, int], role: str = "jitsi") -> dict:
            targets = [
                {
                    "targets": [f"127.0.0.1:{port}"],
                    "labels": {
                        "role": role,
                        "server": server,
                        "host": f"{server}.ensemble.test",
                        "zone": "fr-par-1",
                        "server_type": "DEV1-L",
                        "fleet_state": "",
                    },
                }
                for server, port in ports.items()
            ]
            return {"job_name": name, "static_configs": targets}

        gauges = {name: one.port for name, one in self.gauges.items()}
        jobs = [
            job("node", self._node_ports),
            job("nginx", gauges),
            job("jvb", gauges),
            job("portal", {"api-1": self.portal_port}, "api"),
        ]
        config = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": jobs}
        (self._folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    watch = Watch(tmp_path_factory.mktemp("prometheus"))
    yield watch
    watch.close()


@pytest.fixture(scope="module")
def portal(watch: Watch, start_portal_once: StartPortal) -> PortalProcess:
    changes = {"cpu_window": "5", "stale_after": "12", "poll_interval": "0.5", "grace_polls": "2", "full_load": "100"}
    portal = start_portal_once(watch.url, listen=f"127.0.0.1:{watch.portal_port}", **changes)
    wait_until(lambda: len([one for one in servers(portal).values() if one["state"] == "ready"]) == 2, SECONDS)
    return portal


def servers(portal: PortalProcess) -> dict[str, dict]:
    answer = portal.client.get("/api/v1/servers")
    return {one["server"]: one for one in answer.json()["servers"]} if answer.status_code == 200 else {}


def chosen(portal: PortalProcess) -> str:
    return portal.client.post("/api/v1/rooms").json()["server"]


def test_all_measures_of_a_server(portal: PortalProcess) -> None:
    one = servers(portal)["h-1"]
    assert (one["host"], one["zone"], one["server_type"]) == ("h-1.ensemble.test", "fr-par-1", "DEV1-L")
    assert 0 <= one["cpu"] <= 1
    assert one["egress_bps"] >= 0
    assert (one["stress"], one["participants"]) == (0.01, 3)


def test_stress_turns_visitors_away(watch: Watch, portal: PortalProcess) -> None:
    for busy, free in (("h-1", "h-2"), ("h-2", "h-1")):
        watch.gauges[busy].values["jitsi_jvb_stress"] = 5.0
        watch.gauges[free].values["jitsi_jvb_stress"] = 0.01
        wait_until(lambda busy=busy: servers(portal)[busy]["stress"] == 5, SECONDS)
        wait_until(lambda free=free: servers(portal)[free]["stress"] == 0.01, SECONDS)
        wait_until(lambda free=free: chosen(portal) == free, SECONDS)
    watch.gauges["h-2"].values["jitsi_jvb_stress"] = 0.01


def test_an_exporter_that_is_gone_takes_its_server_out(watch: Watch, portal: PortalProcess) -> None:
    watch.exporters["h-2"].terminate()
    watch.exporters["h-2"].wait(10)
    wait_until(lambda: servers(portal)["h-2"]["state"] == "unhealthy", SECONDS)
    assert {chosen(portal) for _ in range(10)} == {"h-1"}
    watch.start_exporter("h-2")
    wait_until(lambda: servers(portal)["h-2"]["state"] == "ready", SECONDS)


def test_prometheus_shows_what_each_portal_gave_out(watch: Watch, portal: PortalProcess) -> None:
    for _ in range(5):
        chosen(portal)

    def given_out() -> dict[tuple[str, str], float]:
        return asyncio.run(Prometheus(watch.url, 5, 5).ask()).rooms

    wait_until(lambda: sum(given_out().values()) >= 5, SECONDS)
    assert {server for _, server in given_out()} <= {"h-1", "h-2"}


@pytest.mark.parametrize("forgets", [False, True], ids=["with its data", "with nothing"])
def test_prometheus_starts_anew_and_no_room_is_refused(watch: Watch, portal: PortalProcess, forgets: bool) -> None:
    watch.stop()
    watch.start(forgets)
    answers = []
    end = time.monotonic() + 10
    while time.monotonic() < end:
        answers.append(portal.client.post("/api/v1/rooms").status_code)
        time.sleep(0.1)
    assert set(answers) == {201}
    assert {one["state"] for one in servers(portal).values()} == {"ready"}


def test_prometheus_away_and_back(watch: Watch, portal: PortalProcess) -> None:
    watch.stop()
    assert portal.client.post("/api/v1/rooms").status_code == 201, "the last list serves for a while"
    wait_until(lambda: portal.client.post("/api/v1/rooms").status_code == 503, SECONDS)
    watch.start()
    wait_until(lambda: portal.client.post("/api/v1/rooms").status_code == 201, SECONDS)

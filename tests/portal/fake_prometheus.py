"""A stand-in for Prometheus on a loopback port: answers the fleet query from a list of servers, or fails as told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FakeServer:
    """One Jitsi server and what its exporters would say; None leaves a measure out."""

    name: str
    cpu: float | None = 0.1
    egress: float | None = 1e6
    age: float | None = 1.0
    server_type: str = "DEV1-L"
    fleet_state: str = ""
    up: dict[str, int] = field(default_factory=lambda: {"node": 1, "nginx": 1, "jvb": 1, "jicofo": 1})
    gauges: dict[str, float] = field(default_factory=lambda: {"nginx_up": 1, "jitsi_jvb_healthy": 1})

    def series(self) -> list[dict]:
        labels = {
            "role": "jitsi",
            "server": self.name,
            "host": f"{self.name}.ensemble.test",
            "zone": "fr-par-1",
            "server_type": self.server_type,
            "fleet_state": self.fleet_state,
        }
        out = [({"__name__": "up", "job": job, **labels}, value) for job, value in self.up.items()]
        out += [({"__name__": name, "job": "jvb", **labels}, value) for name, value in self.gauges.items()]
        measures = {"cpu": self.cpu, "egress": self.egress, "age": self.age}
        out += [({"server": self.name, "measure": name}, v) for name, v in measures.items() if v is not None]
        return [{"metric": metric, "value": [time.time(), str(value)]} for metric, value in out]


def query_result(servers: Iterable[FakeServer], odd: Iterable[dict] = ()) -> bytes:
    """Prometheus' answer to the fleet query; `odd` series come first."""
    result = [*odd, *(series for server in servers for series in server.series())]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()


class FakePrometheus:
    """Serves `servers`; `fails`: answers 503, `hangs`: waits that many seconds first, `drips`: a byte in as many."""

    def __init__(self, servers: list[FakeServer] | None = None) -> None:
        self.servers = servers or []
        self.odd: list[dict] = []
        self.fails = False
        self.hangs = 0.0
        self.drips = 0.0
        self.queries = 0
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                fake.queries += 1
                self.rfile.read(int(self.headers.get("content-length", 0)))
                time.sleep(fake.hangs)
                body, status = fake.answer(), 503 if fake.fails else 200
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                with suppress(ConnectionError):  # who asked may have gone
                    while fake.drips and body:
                        self.wfile.write(body[:1])
                        body = body[1:]
                        time.sleep(fake.drips)
                    self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def answer(self) -> bytes:
        if self.fails:
            return b'{"status":"error","errorType":"unavailable","error":"out of order"}'
        return query_result(self.servers, self.odd)

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

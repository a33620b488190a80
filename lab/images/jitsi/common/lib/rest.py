# SPDX-License-Identifier: GPL-3.0-or-later
"""The small HTTP side of the bridge and of jicofo: routes, plain answers, metrics in Prometheus' text format."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Any]
Routes = Mapping[tuple[str, str], Callable[[], Answer]]


def metrics(prefix: str, values: Mapping[str, float]) -> str:
    """``name value`` lines with types; names that end in ``_total`` are counters."""
    lines = []
    for name, value in values.items():
        kind = "counter" if name.endswith("_total") else "gauge"
        lines += [f"# TYPE {prefix}{name} {kind}", f"{prefix}{name} {float(value)}"]
    return "\n".join(lines) + "\n"


def serve(address: str, port: int, routes: Routes) -> None:
    """Answer for ever. A route returns a status and text (plain) or anything else (JSON)."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            route = routes.get((self.command, self.path.split("?")[0]))
            status, body = route() if route else (404, "not found\n")
            text = body if isinstance(body, str) else json.dumps(body)
            self.send_response(status)
            self.send_header("Content-Type", "text/plain" if isinstance(body, str) else "application/json")
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = _answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    ThreadingHTTPServer((address, port), Handler).serve_forever()

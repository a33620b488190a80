"""The metadata service as a server sees it: /conf for all, user data for root (source ports below 1024) only."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FOLDER = Path("/metadata")


class Handler(BaseHTTPRequestHandler):
    def answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def user_data(self) -> Path | None:
        """The asked key's file; None, and an answer, when the asker is not root."""
        if self.client_address[1] >= 1024:
            self.answer(403)
            return None
        return FOLDER / "user_data" / self.path.rpartition("/")[2]

    def do_GET(self) -> None:
        if self.path == "/conf?format=json":
            ip = {"address": "203.0.113.7", "family": "inet", "dynamic": False}
            conf = {"id": (FOLDER / "instance").read_text().strip(), "name": "h-1", "zone": "fr-par-1"}
            self.answer(200, json.dumps(conf | {"public_ip": ip, "public_ips_v4": [ip]}).encode())
        elif file := self.user_data():
            self.answer(200, file.read_bytes()) if file.exists() else self.answer(404)

    def do_PATCH(self) -> None:
        if file := self.user_data():
            file.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            self.answer(204)


ThreadingHTTPServer(("127.0.0.1", 8042), Handler).serve_forever()

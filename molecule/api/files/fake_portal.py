"""A stand-in of the portal: is ready, shows its environment and what it keeps, finishes slow requests when stopped."""

import json
import os
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/slow":
            time.sleep(3)
        try:
            with open("/written", "w"):
                writable = True
        except OSError:
            writable = False
        facts = {
            "environment": dict(os.environ),
            "uid": os.getuid(),
            "root_is_writable": writable,
            "kept": sorted(os.listdir("/data")),
        }
        body = json.dumps(facts).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for the requests under way


open(f"/data/{os.environ['VERSION']}", "w").close()
server = Server(("0.0.0.0", 8080), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
server.server_close()

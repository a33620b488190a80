# SPDX-License-Identifier: GPL-3.0-or-later
"""For clients that know no API but https://api.scaleway.com: a proxy that leads them to a lab, which has that name."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

API = "api.scaleway.com:443"


@dataclass
class ScalewayProxy:
    """Its `url` is for HTTPS_PROXY; `asked` has every target that a client named. It leads nowhere but to the lab."""

    url: str
    asked: list[str] = field(default_factory=list)


@contextmanager
def scaleway_proxy(tls_port: int) -> Iterator[ScalewayProxy]:
    """A proxy on loopback, while the block runs, to the lab's HTTPS port."""

    class Tunnel(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            method, target, _version = self.rfile.readline().decode().split()
            while self.rfile.readline().strip():
                pass
            known.asked.append(target)
            if (method, target) != ("CONNECT", API):
                self.wfile.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
                return
            with socket.create_connection(("127.0.0.1", tls_port)) as far:
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=_pump, args=(far, self.connection))
                back.start()
                _pump(self.connection, far)
                back.join()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Tunnel) as server:
        known = ScalewayProxy(f"http://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield known
        server.shutdown()


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Pass on what comes until the source has no more to say."""
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the other side has hung up

# SPDX-License-Identifier: GPL-3.0-or-later
"""The clients that people use today, unmodified, led to a null lab."""

from __future__ import annotations

import os
import site
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .cloud import ACCESS_KEY, Cloud
from .commands import ROOT

COLLECTIONS = [ROOT / "collections", Path.home() / ".ansible" / "collections", Path("/usr/share/ansible/collections")]
API = b"api.scaleway.com:443"


def installed(collection: str) -> bool:
    """Whether Ansible finds a collection on this machine."""
    places = [*COLLECTIONS, *map(Path, site.getsitepackages())]
    return any((place / "ansible_collections" / collection.replace(".", "/")).is_dir() for place in places)


def environment_of_scaleway(cloud: Cloud) -> dict[str, str]:
    """scaleway.scaleway declares options for the account, and reads the environment."""
    account = {
        "SCW_ACCESS_KEY": ACCESS_KEY,
        "SCW_SECRET_KEY": cloud.account["secret_key"],
        "SCW_API_URL": cloud.lab.url,
        "SCW_DEFAULT_PROJECT_ID": cloud.account["project_id"],
        "SCW_DEFAULT_ORGANIZATION_ID": cloud.account["organization_id"],
    }
    return {**account, "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(map(str, COLLECTIONS))}


@contextmanager
def environment_of_community(cloud: Cloud) -> Iterator[dict[str, str]]:
    """community.general knows no API but https://api.scaleway.com: a proxy leads it to the lab, which has that name.

    The proxy leads nowhere else.
    """

    class Tunnel(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            method, target, _version = self.rfile.readline().split()
            while self.rfile.readline().strip():
                pass
            if (method, target) != (b"CONNECT", API):
                self.wfile.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
                return
            with socket.create_connection(("127.0.0.1", cloud.tls_port)) as far:
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=_pump, args=(far, self.connection))
                back.start()
                _pump(self.connection, far)
                back.join()

    class Proxy(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Proxy(("127.0.0.1", 0), Tunnel) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield {
            "HTTPS_PROXY": f"http://127.0.0.1:{proxy.server_address[1]}",
            "SSL_CERT_FILE": str(cloud.authority),
        }
        proxy.shutdown()


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Pass on what comes until the source has no more to say."""
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the other side has hung up

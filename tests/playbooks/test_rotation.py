# SPDX-License-Identifier: GPL-3.0-or-later
"""Another certificate, rolled over servers that take it from their user data by themselves."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playbooks_support import Operator
from test_environment import user_data

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("ip"), reason="gives loopback addresses")


class Server:
    """Port 443 of a Jitsi server: shows the pair of its user data, or, when it is stuck, the one before."""

    def __init__(self, operator: Operator, name: str, folder: Path) -> None:
        self.operator, self.name, self.folder = operator, name, folder
        self.address = operator.address(name)
        self.stuck = False
        self.take()
        subprocess.run(["ip", "address", "add", f"{self.address}/32", "dev", "lo"], check=True)
        self.listener = socket.create_server((self.address, 443))
        threading.Thread(target=self._serve, daemon=True).start()

    def take(self) -> None:
        pair = [user_data(self.operator, self.name, key) for key in ("tls-certificate", "tls-private-key")]
        (self.folder / f"{self.name}.pem").write_text("\n".join(pair))

    def given(self) -> str:
        return user_data(self.operator, self.name, "tls-certificate")

    def served(self) -> str:
        return ssl.get_server_certificate((self.address, 443), timeout=10)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                if not self.stuck:
                    self.take()
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self.folder / f"{self.name}.pem")
                with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secure:
                    secure.recv(1)

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        subprocess.run(["ip", "address", "del", f"{self.address}/32", "dev", "lo"], check=True)


@pytest.fixture
def servers(operator: Operator, tmp_path: Path) -> Iterator[list[Server]]:
    servers = [Server(operator, name, tmp_path) for name in ("h-1", "h-2")]
    yield servers
    for server in servers:
        server.stop()


def test_a_rotation_stops_at_the_first_bad_server_and_is_gone_on_with(
    operator: Operator, servers: list[Server]
) -> None:
    first, second = servers
    given, old, balancer = second.given(), first.served(), operator.lab.state()["lb_certificate"][0]["id"]
    first.stuck = True
    stopped = operator.play("certificate.yml", skip="", certificate_renew_days=400, certificate_patience=3)
    stopped.failed("h-1.ensemble.test does not serve the new certificate", "it serves another one")
    assert first.given() != given, "it was given to one server"
    assert second.given() == given, "the others were left as they are"
    assert first.served() == second.served() == old
    operator.play("fleet.yml", skip="", certificate_patience=3).failed("h-1.ensemble.test does not serve the new")
    assert second.given() == given, "no other part gives it to all at once"
    assert operator.lab.state()["lb_certificate"][0]["id"] != balancer

    first.stuck = False
    operator.play("certificate.yml", skip="", certificate_patience=3).ok()
    assert old != first.served() == second.served()
    assert operator.play("certificate.yml", "fleet.yml", skip="").ok().changed == 0

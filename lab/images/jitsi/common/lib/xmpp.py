# SPDX-License-Identifier: GPL-3.0-or-later
"""A login to the Prosody of the stack, kept open: whoever cannot log in is not healthy."""

from __future__ import annotations

import base64
import logging
import os
import socket
import threading
import time

log = logging.getLogger(__name__)


class Login:
    """Keeps one XMPP session; `up` tells whether it stands."""

    def __init__(self, user: str, password: str) -> None:
        self.up = False
        self._user, self._password = user, password
        self._host = os.environ.get("XMPP_SERVER") or "xmpp.meet.jitsi"
        self._domain = os.environ.get("XMPP_AUTH_DOMAIN") or "auth.meet.jitsi"
        threading.Thread(target=self._forever, daemon=True).start()

    def _forever(self) -> None:
        while True:
            try:
                with socket.create_connection((self._host, 5222), timeout=5) as connection:
                    self._authenticate(connection)
                    self.up = True
                    log.info("logged in as %s@%s", self._user, self._domain)
                    connection.settimeout(None)
                    while connection.recv(4096):
                        pass
            except OSError as error:
                log.warning("no XMPP session as %s: %s", self._user, error)
            self.up = False
            time.sleep(2)

    def _authenticate(self, connection: socket.socket) -> None:
        head = "<?xml version='1.0'?><stream:stream to='{}' version='1.0' xmlns='jabber:client' xmlns:stream='{}'>"
        connection.sendall(head.format(self._domain, "http://etherx.jabber.org/streams").encode())
        self._read(connection, b"</stream:features>")
        secret = base64.b64encode(f"\0{self._user}\0{self._password}".encode()).decode()
        sasl = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{}</auth>"
        connection.sendall(sasl.format(secret).encode())
        if b"<success" not in self._read(connection, b">"):
            raise ConnectionError("the password was refused")

    @staticmethod
    def _read(connection: socket.socket, end: bytes) -> bytes:
        seen = b""
        while end not in seen:
            more = connection.recv(4096)
            if not more:
                raise ConnectionError("Prosody closed the stream")
            seen += more
        return seen

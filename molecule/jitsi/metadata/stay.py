# SPDX-License-Identifier: GPL-3.0-or-later
"""A request that takes long and an open WebSocket, until a file is there; fails if either was cut.

Arguments: authority of the certificate, file to wait for.
"""

import base64
import os
import socket
import ssl
import sys
import time

HOST = "h-1.ensemble.test"
BODY = (
    b"<body xmlns='http://jabber.org/protocol/httpbind' to='meet.jitsi' rid='7' wait='5' hold='1' ver='1.6' "
    b"content='text/xml; charset=utf-8' xmlns:xmpp='urn:xmpp:xbosh' xmpp:version='1.0'/>"
)
LONGEST = 280  # seconds


def connect(authority: str) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=authority)
    return context.wrap_socket(socket.create_connection((HOST, 443), timeout=20), server_hostname=HOST)


def answer(connection: ssl.SSLSocket, wanted: bytes) -> None:
    seen = b""
    while wanted not in seen:
        part = connection.recv(65536)
        assert part, f"cut: {seen!r}"
        seen += part


def main() -> None:
    authority, enough = sys.argv[1:]
    web_socket, slow = connect(authority), connect(authority)
    key = base64.b64encode(os.urandom(16)).decode()
    web_socket.sendall(
        f"GET /xmpp-websocket HTTP/1.1\r\nHost: {HOST}\r\nOrigin: https://{HOST}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: xmpp\r\n\r\n".encode()
    )
    answer(web_socket, b" 101 ")
    head = f"POST /http-bind HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: text/xml\r\nContent-Length: "
    slow.sendall(f"{head}{LONGEST + len(BODY)}\r\n\r\n".encode())
    sent = 0
    while not os.path.exists(enough) and sent < LONGEST:
        slow.sendall(b" ")
        sent += 1
        time.sleep(1)
    slow.sendall(b" " * (LONGEST - sent) + BODY)
    answer(slow, b"sid=")
    web_socket.sendall(b"\x89\x80" + os.urandom(4))  # ping
    answer(web_socket, b"\x8a")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in of the videobridge: its ports, health, drain and metrics; it answers STUN, and carries no media."""

from __future__ import annotations

import logging
import os
import socket
import struct
import threading
import time

from rest import Answer, metrics, serve
from startup import enabled, fatal, required
from xmpp import Login

STARTED = time.time()
BINDING_REQUEST, BINDING_SUCCESS, MAGIC, XOR_MAPPED_ADDRESS = 0x0001, 0x0101, 0x2112A442, 0x0020


def answer_stun(port: int) -> None:
    """Binding requests get the address they came from, as an ICE agent answers them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("0.0.0.0", port))
        while True:
            packet, (host, source) = sock.recvfrom(2048)
            if len(packet) < 20 or struct.unpack_from("!HHI", packet)[::2] != (BINDING_REQUEST, MAGIC):
                continue
            address = struct.unpack("!I", socket.inet_aton(host))[0] ^ MAGIC
            mapped = struct.pack("!HHBBHI", XOR_MAPPED_ADDRESS, 8, 0, 1, source ^ (MAGIC >> 16), address)
            sock.sendto(
                struct.pack("!HHI", BINDING_SUCCESS, len(mapped), MAGIC) + packet[8:20] + mapped, (host, source)
            )


class Bridge:
    def __init__(self) -> None:
        self.draining = False
        self.login = Login(os.environ.get("JVB_AUTH_USER") or "jvb", required("JVB_AUTH_PASSWORD"))
        if enabled("JVB_REQUIRE_VALID_ADDRESS") and not os.environ.get("JVB_ADVERTISE_IPS"):
            fatal("JVB_REQUIRE_VALID_ADDRESS is set, and there is no public address in JVB_ADVERTISE_IPS")

    def health(self) -> Answer:
        return (200, "") if self.login.up else (500, "no XMPP connection\n")

    def drain(self, on: bool) -> Answer:
        self.draining = on
        return 200, ""

    def metrics(self) -> Answer:
        values = {
            "stress": 0,
            "healthy": self.login.up,
            "drain_mode": self.draining,
            "graceful_shutdown": 0,
            "shutting_down": 0,
            "conferences": 0,
            "current_endpoints": 0,
            "local_endpoints": 0,
            "largest_conference": 0,
            "endpoints_sending_video": 0,
            "incoming_bitrate": 0,
            "outgoing_bitrate": 0,
            "incoming_packet_rate": 0,
            "outgoing_packet_rate": 0,
            "muc_clients_connected": self.login.up,
            "startup_time": STARTED,
            "conferences_created_total": 0,
        }
        return 200, metrics("jitsi_jvb_", values)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="JVB %(levelname)s %(message)s")
    bridge = Bridge()
    threading.Thread(target=answer_stun, args=[int(os.environ.get("JVB_PORT") or 10000)], daemon=True).start()
    serve(
        "0.0.0.0",
        8080,
        {
            ("GET", "/about/health"): bridge.health,
            ("GET", "/metrics"): bridge.metrics,
            ("GET", "/colibri/drain"): lambda: (200, {"drain": bridge.draining}),
            ("POST", "/colibri/drain/enable"): lambda: bridge.drain(True),
            ("POST", "/colibri/drain/disable"): lambda: bridge.drain(False),
        },
    )


if __name__ == "__main__":
    main()

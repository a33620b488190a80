# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in of jicofo: its REST side, which is dead from outside unless JICOFO_ENABLE_REST is set."""

from __future__ import annotations

import logging
import urllib.error
import urllib.request

from rest import Answer, metrics, serve
from startup import enabled, required
from xmpp import Login

BRIDGE = "http://jvb:8080/about/health"


class Focus:
    def __init__(self) -> None:
        self.login = Login("focus", required("JICOFO_AUTH_PASSWORD"))

    def bridges(self) -> int:
        """How many operational bridges there are: the stack has one, or none."""
        try:
            with urllib.request.urlopen(BRIDGE, timeout=2) as answer:
                return int(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return 0

    def health(self) -> Answer:
        if not self.login.up:
            return 500, "no XMPP connection\n"
        return (200, "") if self.bridges() else (500, "no operational bridge\n")

    def metrics(self) -> Answer:
        bridges = self.bridges()
        values = {
            "conferences": 0,
            "participants_current": 0,
            "largest_conference": 0,
            "healthy": self.login.up and bridges > 0,
            "bridge_selector_bridge_count": bridges,
            "bridge_selector_bridge_count_operational": bridges,
            "conferences_created_total": 0,
            "xmpp_disconnects_total": 0,
        }
        return 200, metrics("jitsi_jicofo_", values)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="Jicofo %(levelname)s %(message)s")
    focus = Focus()
    routes = {
        ("GET", "/metrics"): focus.metrics,
        ("GET", "/stats"): lambda: (200, {"conferences": 0, "participants": 0}),
    }
    if enabled("JICOFO_ENABLE_HEALTH_CHECKS"):
        routes["GET", "/about/health"] = focus.health
    serve("0.0.0.0" if enabled("JICOFO_ENABLE_REST") else "127.0.0.1", 8888, routes)


if __name__ == "__main__":
    main()

"""What the portal tells Prometheus about itself."""

from __future__ import annotations

import secrets
import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from . import __version__
from .fleet import Fleet, State
from .prometheus import ROOMS

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
LATENCIES = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)


class Metrics:
    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.portal = secrets.token_hex(4)
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        named = {"registry": self.registry}
        self.assigned = Counter(ROOMS, "Rooms sent to a server", ["portal", "assigned_server"], **named)
        self.refused = Counter("ensemble_portal_rooms_refused_total", "Rooms refused", ["reason"], **named)
        self.polls = Counter("ensemble_portal_polls_total", "Queries to Prometheus", ["result"], **named)
        self.poll_time = Histogram("ensemble_portal_poll_seconds", "Time of a query to Prometheus", **named)
        self.room_time = Histogram(
            "ensemble_portal_room_seconds", "Time to give out a room", buckets=LATENCIES, **named
        )
        self._servers = Gauge("ensemble_portal_servers", "Known Jitsi servers by state", ["state"], **named)
        self._age = Gauge("ensemble_portal_data_age_seconds", "Age of the list of servers", **named)
        self._fresh = Gauge("ensemble_portal_data_fresh", "1 while the list of servers may be used", **named)
        self._listeners = Gauge("ensemble_portal_event_listeners", "Open live event streams", **named)
        Gauge("ensemble_portal_info", "Version", ["version"], **named).labels(__version__).set(1)
        self._children: dict[str, Counter] = {}

    def count_assigned(self, server: str) -> None:
        child = self._children.get(server)
        if child is None:
            child = self._children[server] = self.assigned.labels(self.portal, server)
        child.inc()

    def listeners(self, count: int) -> None:
        self._listeners.set(count)

    def page(self) -> bytes:
        """The text that /metrics shows."""
        snapshot = self._fleet.snapshot
        states = [server.state for server in snapshot.servers] if snapshot else []
        for state in State:
            self._servers.labels(state.value).set(states.count(state))
        self._age.set(time.time() - snapshot.polled_at if snapshot else float("nan"))
        self._fresh.set(1 if self._fleet.fresh(time.monotonic()) else 0)
        return generate_latest(self.registry)

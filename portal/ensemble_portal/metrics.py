"""What the portal tells Prometheus about itself. What happens at every room is counted in plain Python, for speed."""

from __future__ import annotations

import secrets
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from . import __version__
from .fleet import Fleet
from .health import State
from .prometheus import ROOMS
from .register import Register

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
LATENCIES = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0)


class RoomCounts(Collector):
    """Rooms given out per server, and the time that each took."""

    def __init__(self, portal: str) -> None:
        self._portal = portal
        self._assigned: dict[str, int] = {}
        self._buckets = [0] * (len(LATENCIES) + 1)
        self._seconds = 0.0

    def count(self, server: str, seconds: float) -> None:
        self._assigned[server] = self._assigned.get(server, 0) + 1
        self._buckets[bisect_left(LATENCIES, seconds)] += 1
        self._seconds += seconds

    def collect(self) -> Iterator[Metric]:
        assigned = CounterMetricFamily(ROOMS, "New rooms sent to a server", labels=["portal", "assigned_server"])
        for server, rooms in self._assigned.items():
            assigned.add_metric([self._portal, server], rooms)
        yield assigned
        times = HistogramMetricFamily("ensemble_portal_room_seconds", "Time to give out a room")
        so_far, buckets = 0, []
        for limit, count in zip([*map(str, LATENCIES), "+Inf"], self._buckets, strict=True):
            so_far += count
            buckets.append((limit, so_far))
        times.add_metric([], buckets, self._seconds)
        yield times


class Metrics:
    def __init__(self, fleet: Fleet, register: Register) -> None:
        self._fleet = fleet
        self._register = register
        self.portal = secrets.token_hex(4)
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.rooms = RoomCounts(self.portal)
        self.registry.register(self.rooms)
        named: dict[str, Any] = {"registry": self.registry}
        self.joined = Counter("ensemble_portal_rooms_joined_total", "Named rooms found where they live", **named)
        self.refused = Counter("ensemble_portal_rooms_refused_total", "Rooms refused", ["reason"], **named)
        self.webhooks = Counter("ensemble_portal_webhooks_total", "Events sent to webhooks", ["result"], **named)
        self.polls = Counter("ensemble_portal_polls_total", "Queries to Prometheus", ["result"], **named)
        self.skipped = Counter("ensemble_portal_series_skipped_total", "Series that could not be read", **named)
        self._prometheus_up = Gauge(
            "ensemble_portal_prometheus_up", "1 while this Prometheus server answers", ["prometheus"], **named
        )
        self.poll_time = Histogram("ensemble_portal_poll_seconds", "Time of a query to Prometheus", **named)
        self._servers = Gauge("ensemble_portal_servers", "Known Jitsi servers by state", ["state"], **named)
        self._full = Gauge("ensemble_portal_fleet_full", "1 while every server that takes rooms is full", **named)
        self._kept = Gauge("ensemble_portal_servers_kept", "Servers out of sight, told as when last seen", **named)
        self.waiting = Gauge("ensemble_portal_rooms_waiting", "New rooms in the queue", **named)
        self._held = Gauge("ensemble_portal_rooms_held", "Rooms in the register", **named)
        self._not_kept = Counter("ensemble_portal_rooms_not_kept_total", "Made-up rooms beyond its bound", **named)
        self._store_up = Gauge("ensemble_portal_store_up", "1 while the register of rooms takes claims", **named)
        self._age = Gauge("ensemble_portal_data_age_seconds", "Age of the list of servers", **named)
        self._fresh = Gauge("ensemble_portal_data_fresh", "1 while the list of servers may be used", **named)
        self._listeners = Gauge("ensemble_portal_event_listeners", "Open live event streams", **named)
        Gauge("ensemble_portal_info", "Version", ["version"], **named).labels(__version__).set(1)

    def listeners(self, count: int) -> None:
        self._listeners.set(count)

    def heard(self, up: Mapping[str, bool]) -> None:
        for host, answers in up.items():
            self._prometheus_up.labels(host).set(answers)

    def page(self) -> bytes:
        """The text that /metrics shows."""
        snapshot = self._fleet.snapshot
        states = [server.state for server in snapshot.servers] if snapshot else []
        for state in State:
            self._servers.labels(state.value).set(states.count(state))
        self._full.set(1 if snapshot and snapshot.is_full else 0)
        self._kept.set(snapshot.kept if snapshot else 0)
        self._held.set(self._register.count)
        self._not_kept.inc(self._register.take_not_kept())
        self._store_up.set(1 if self._register.is_up else 0)
        self._age.set(time.time() - snapshot.polled_at if snapshot else float("nan"))
        self._fresh.set(1 if self._fleet.fresh(time.monotonic()) else 0)
        return generate_latest(self.registry)

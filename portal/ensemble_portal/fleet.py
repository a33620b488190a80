"""The fleet as known to the portal: its servers, their state and load, and the age of the data."""

from __future__ import annotations

import gzip
import hashlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import fmean
from typing import Any

import orjson

from .health import IN_USE, Reason, State, load_of, participants_of, state_of
from .prometheus import Reading
from .settings import Settings

HISTORY_LENGTH = 360
PANIC_SHARE = 0.5
"""If more than this share of the servers in use disappears at once, monitoring is assumed to have failed."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server at one poll. `load` is the largest of its known shares (1 is full), None if none is known."""

    name: str
    host: str
    zone: str
    server_type: str
    state: State
    reason: Reason
    load: float | None
    cpu: float | None
    egress: float | None
    stress: float | None
    participants: int | None
    conferences: int | None
    sampled_at: float | None
    certificate_ends: float | None = None
    probe_seconds: float | None = None

    @property
    def shown_load(self) -> float | None:
        return None if self.load is None else round(self.load, 3)

    def as_json(self) -> dict[str, Any]:
        return {
            "server": self.name,
            "host": self.host,
            "zone": self.zone,
            "server_type": self.server_type,
            "state": self.state,
            "reason": self.reason.words("en") if self.reason.kind else "",
            "load": self.shown_load,
            "cpu": _rounded(self.cpu, 3),
            "egress_bps": _rounded(self.egress, 0),
            "stress": _rounded(self.stress, 3),
            "participants": self.participants,
            "conferences": self.conferences,
            "sampled_at": iso_time(self.sampled_at),
            "certificate_ends": iso_time(self.certificate_ends),
            "probe_seconds": _rounded(self.probe_seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class Moment:
    """One point of the fleet's history at `at`, seconds since 1970. Loads are those of servers in use."""

    at: float
    load: float
    peak: float
    in_use: int
    participants: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The fleet at one poll, with its JSON ready to send. `expires` is on the monotonic clock.

    `kept` is the number of servers missing from this poll that are reported as last seen.
    """

    polled_at: float
    expires: float
    servers: tuple[Server, ...]
    ready: tuple[Server, ...]
    full: tuple[Server, ...]
    kept: int
    body: bytes
    body_gzip: bytes
    etag: str

    @property
    def is_full(self) -> bool:
        """Whether every server that could take a new room is full."""
        return bool(self.full) and not self.ready


class Fleet:
    """Keeps the last snapshot, the grace count of each server and the history."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._healthy_polls: dict[str, int] = {}
        self._sampled_at: dict[str, float] = {}
        self._seen: dict[str, Server] = {}
        self._any_in_use = False
        self.snapshot: Snapshot | None = None
        self.history: deque[Moment] = deque(maxlen=HISTORY_LENGTH)

    def fresh(self, now: float) -> Snapshot | None:
        """Return the last snapshot unless it has expired; `now` is monotonic."""
        snapshot = self.snapshot
        return snapshot if snapshot is not None and now <= snapshot.expires else None

    def update(self, readings: Mapping[str, Reading], now: float, wall: float) -> Snapshot:
        """Take in one Prometheus result, queried at `now` (monotonic) and processed at `wall` (seconds since 1970)."""
        judged = {name: self._server(reading, wall) for name, reading in readings.items()}
        kept = self._kept(judged, wall)
        servers = sorted((judged | kept).values(), key=_natural)
        for gone in self._sampled_at.keys() - judged.keys() - self._seen.keys():
            del self._sampled_at[gone]
            self._healthy_polls.pop(gone, None)
        self.snapshot = _snapshot(tuple(servers), len(kept), wall, now + self._settings.stale_after)
        self.history.append(_moment(servers, wall))
        self._any_in_use = any(server.state in IN_USE for server in servers)
        return self.snapshot

    def _kept(self, judged: dict[str, Server], wall: float) -> dict[str, Server]:
        """Return the missing servers to keep as last seen, if most servers in use are missing at once.

        A few missing servers are taken as gone. A server is kept only until its last sample is stale.
        """
        self._seen |= {name: server for name, server in judged.items() if server.state is not State.UNKNOWN}
        oldest = wall - self._settings.stale_after
        self._seen = {name: one for name, one in self._seen.items() if (one.sampled_at or 0.0) >= oldest}
        hidden = {
            name: server
            for name, server in self._seen.items()
            if name not in judged or judged[name].state is State.UNKNOWN
        }
        in_use = [name for name, server in self._seen.items() if server.state in IN_USE]
        missed = [name for name in in_use or self._seen if name in hidden]
        return hidden if len(missed) > PANIC_SHARE * len(in_use or self._seen) else {}

    def _server(self, reading: Reading, wall: float) -> Server:
        state, reason = state_of(reading, reading.age, self._settings)
        load, fullest = load_of(reading, self._settings)
        sampled_at = None if reading.age is None else wall - reading.age
        polls = self._count_healthy(reading.server, sampled_at, state)
        if state is State.READY and polls < self._settings.grace_polls:
            state, reason = State.NEW, Reason("new", f"{polls}/{self._settings.grace_polls}")
        elif state is State.READY and load is not None and load * 100 > self._settings.full_load:
            state, reason = State.FULL, Reason(f"full_{fullest}")
        conferences = reading.gauges.get("conferences")
        return Server(
            name=reading.server,
            host=reading.host,
            zone=reading.zone,
            server_type=reading.server_type,
            state=state,
            reason=reason,
            load=load,
            cpu=reading.cpu,
            egress=reading.egress,
            stress=reading.gauges.get("stress"),
            participants=participants_of(reading),
            conferences=None if conferences is None else round(conferences),
            sampled_at=sampled_at,
            certificate_ends=reading.gauges.get("certificate_ends"),
            probe_seconds=reading.gauges.get("probe_seconds"),
        )

    def _count_healthy(self, name: str, sampled_at: float | None, state: State) -> int:
        """Count healthy polls with a new sample since the server was first seen or last unhealthy.

        A server that was missing, cordoned or draining keeps its count. While no server is in use, a server seen for
        the first time gets no grace: there is none to prefer to it, and at start the portal cannot tell which are new.
        """
        polls = self._healthy_polls.get(name)
        if state is State.UNHEALTHY:
            polls = 0
        elif state is State.READY and polls is None and not self._any_in_use:
            polls = self._settings.grace_polls
        elif state is State.READY and sampled_at is not None and sampled_at - self._sampled_at.get(name, 0.0) > 0.5:
            polls = (polls or 0) + 1
        if polls is not None:
            self._healthy_polls[name] = polls
        if sampled_at is not None:
            self._sampled_at[name] = sampled_at
        return polls or 0


def iso_time(wall: float | None) -> str | None:
    if wall is None:
        return None
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _snapshot(servers: tuple[Server, ...], kept: int, wall: float, expires: float) -> Snapshot:
    ready = tuple(server for server in servers if server.state is State.READY)
    full = tuple(server for server in servers if server.state is State.FULL)
    document = {
        "updated_at": iso_time(wall),
        "full": bool(full) and not ready,
        "kept": kept,
        "servers": [server.as_json() for server in servers],
    }
    body = orjson.dumps(document)
    return Snapshot(
        polled_at=wall,
        expires=expires,
        servers=servers,
        ready=ready,
        full=full,
        kept=kept,
        body=body,
        body_gzip=gzip.compress(body, compresslevel=1, mtime=0),
        etag=f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"',
    )


def _moment(servers: list[Server], wall: float) -> Moment:
    loads = [server.load for server in servers if server.state in IN_USE and server.load is not None]
    return Moment(
        at=wall,
        load=fmean(loads) if loads else 0.0,
        peak=max(loads, default=0.0),
        in_use=len(loads),
        participants=sum(server.participants or 0 for server in servers),
    )


def _natural(server: Server) -> tuple[str, int, str]:
    """Return a sort key that puts h-2 before h-10."""
    prefix, _, number = server.name.rpartition("-")
    return (prefix, int(number), "") if number.isdigit() else (server.name, 0, "")


def _rounded(value: float | None, digits: int) -> float | int | None:
    if value is None:
        return None
    return round(value, digits) if digits else round(value)

"""The fleet as the portal knows it: its servers, their state and load, and how old that knowledge is."""

from __future__ import annotations

import gzip
import hashlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from statistics import fmean
from typing import Any, NamedTuple

import orjson

from .prometheus import Reading
from .settings import Settings
from .texts import TEXTS

HISTORY_LENGTH = 360


class State(StrEnum):
    READY = "ready"
    NEW = "new"
    CORDONED = "cordoned"
    DRAINING = "draining"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"


BAD = {State.UNHEALTHY, State.UNKNOWN}


class Reason(NamedTuple):
    """Why a server is not ready: a kind, for which there are words in each language, and what it is about."""

    kind: str
    about: str = ""

    def words(self, language: str) -> str:
        return TEXTS[language][f"why_{self.kind}"].format(self.about)


NONE = Reason("")


@dataclass(frozen=True, slots=True)
class Server:
    """One server at one poll. `load` is the largest of its known shares (1 is full), None when nothing is known."""

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
        }


@dataclass(frozen=True, slots=True)
class Moment:
    """One point of the fleet's history: what it was like at `at`, seconds since 1970. Loads are of ready servers."""

    at: float
    load: float
    peak: float
    ready: int
    participants: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The fleet at one poll, with the bytes of its JSON ready to send. `expires` is on the monotonic clock."""

    polled_at: float
    expires: float
    servers: tuple[Server, ...]
    ready: tuple[Server, ...]
    body: bytes
    body_gzip: bytes
    etag: str


def state_of(reading: Reading, age: float | None, settings: Settings) -> tuple[State, Reason]:
    """The state of a server and the reason for it, before any grace. Missing data makes it UNKNOWN, never ready."""
    if trouble := _trouble(reading):
        return State.UNHEALTHY, trouble
    if reading.fleet_state in {State.CORDONED, State.DRAINING}:
        return State(reading.fleet_state), Reason("marked")
    if reading.fleet_state not in {"", "active"}:
        return State.CORDONED, Reason("strange_mark", reading.fleet_state)
    if reading.gauges.get("drain_mode") == 1 or reading.gauges.get("graceful_shutdown") == 1:
        return State.DRAINING, Reason("bridge_drains")
    if missing := [job for job in settings.required_jobs if job not in reading.up]:
        return State.UNKNOWN, Reason("unwatched", ", ".join(missing))
    if age is None or age > settings.stale_after:
        return State.UNKNOWN, Reason("old")
    if reading.cpu is None or reading.egress is None:
        return State.UNKNOWN, Reason("unmeasured")
    return State.READY, NONE


def _trouble(reading: Reading) -> Reason | None:
    """What keeps people from meeting on the server, cordoned or not."""
    if down := sorted(job for job, up in reading.up.items() if not up):
        return Reason("silent", ", ".join(down))
    if reading.gauges.get("nginx_up") == 0:
        return Reason("nginx")
    if reading.gauges.get("jvb_healthy") == 0:
        return Reason("bridge")
    return None


def load_of(reading: Reading, settings: Settings) -> float | None:
    """The largest share in use of what can run out first: CPU, egress, bridge stress, participants."""
    shares = [reading.cpu, reading.gauges.get("stress")]
    if reading.egress is not None and (cap := _cap(settings.egress_caps, reading.server_type)):
        shares.append(reading.egress / cap)
    participants = participants_of(reading)
    if participants is not None and (cap := _cap(settings.participant_caps, reading.server_type)):
        shares.append(participants / cap)
    known = [max(0.0, share) for share in shares if share is not None]
    return max(known) if known else None


def participants_of(reading: Reading) -> int | None:
    counts = [reading.gauges[name] for name in ("participants", "endpoints") if name in reading.gauges]
    return round(max(counts)) if counts else None


class Fleet:
    """Keeps the last snapshot, the grace of each server and the history."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._healthy_polls: dict[str, int] = {}
        self._sampled_at: dict[str, float] = {}
        self._polls = 0
        self.snapshot: Snapshot | None = None
        self.history: deque[Moment] = deque(maxlen=HISTORY_LENGTH)

    def fresh(self, now: float) -> Snapshot | None:
        """The last snapshot while it may be used; `now` is monotonic."""
        snapshot = self.snapshot
        return snapshot if snapshot is not None and now <= snapshot.expires else None

    def update(self, readings: Mapping[str, Reading], now: float, wall: float) -> Snapshot:
        """Take in one answer of Prometheus, received at `now` (monotonic) and `wall` (seconds since 1970)."""
        self._polls += 1
        servers = sorted((self._server(reading, wall) for reading in readings.values()), key=_natural)
        for gone in self._sampled_at.keys() - readings.keys():
            del self._sampled_at[gone], self._healthy_polls[gone]
        self.snapshot = _snapshot(tuple(servers), wall, now + self._settings.stale_after)
        self.history.append(_moment(servers, wall))
        return self.snapshot

    def _server(self, reading: Reading, wall: float) -> Server:
        state, reason = state_of(reading, reading.age, self._settings)
        sampled_at = None if reading.age is None else wall - reading.age
        polls = self._count_healthy(reading.server, sampled_at, state)
        if state is State.READY and polls < self._settings.grace_polls:
            state, reason = State.NEW, Reason("new", f"{polls}/{self._settings.grace_polls}")
        conferences = reading.gauges.get("conferences")
        return Server(
            name=reading.server,
            host=reading.host,
            zone=reading.zone,
            server_type=reading.server_type,
            state=state,
            reason=reason,
            load=load_of(reading, self._settings),
            cpu=reading.cpu,
            egress=reading.egress,
            stress=reading.gauges.get("stress"),
            participants=participants_of(reading),
            conferences=None if conferences is None else round(conferences),
            sampled_at=sampled_at,
        )

    def _count_healthy(self, name: str, sampled_at: float | None, state: State) -> int:
        """Healthy polls in a row that brought a new sample. What is there at the portal's own start needs no grace."""
        polls = self._healthy_polls.get(name, 0)
        if state is not State.READY:
            polls = 0
        elif self._polls == 1:
            polls = self._settings.grace_polls
        elif sampled_at is not None and sampled_at - self._sampled_at.get(name, 0.0) > 0.5:
            polls += 1
        self._healthy_polls[name], self._sampled_at[name] = polls, sampled_at or 0.0
        return polls


def iso_time(wall: float | None) -> str | None:
    if wall is None:
        return None
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _snapshot(servers: tuple[Server, ...], wall: float, expires: float) -> Snapshot:
    document = {"updated_at": iso_time(wall), "servers": [server.as_json() for server in servers]}
    body = orjson.dumps(document)
    return Snapshot(
        polled_at=wall,
        expires=expires,
        servers=servers,
        ready=tuple(server for server in servers if server.state is State.READY),
        body=body,
        body_gzip=gzip.compress(body, compresslevel=1, mtime=0),
        etag=f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"',
    )


def _moment(servers: list[Server], wall: float) -> Moment:
    loads = [server.load for server in servers if server.state is State.READY and server.load is not None]
    return Moment(
        at=wall,
        load=fmean(loads) if loads else 0.0,
        peak=max(loads, default=0.0),
        ready=len(loads),
        participants=sum(server.participants or 0 for server in servers),
    )


def _cap(caps: Mapping[str, float], server_type: str) -> float | None:
    return caps.get(server_type, caps.get("*"))


def _natural(server: Server) -> tuple[str, int, str]:
    """h-2 before h-10."""
    prefix, _, number = server.name.rpartition("-")
    return (prefix, int(number), "") if number.isdigit() else (server.name, 0, "")


def _rounded(value: float | None, digits: int) -> float | int | None:
    if value is None:
        return None
    return round(value, digits) if digits else round(value)

"""Evaluate one poll of one server: its state, the reason for the state, its load."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from .prometheus import PROBE, PROBED, Reading
from .settings import Settings
from .texts import TEXTS


class State(StrEnum):
    READY = "ready"
    FULL = "full"
    NEW = "new"
    CORDONED = "cordoned"
    DRAINING = "draining"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"


BAD = {State.UNHEALTHY, State.UNKNOWN}
IN_USE = {State.READY, State.FULL}


class Reason(NamedTuple):
    """Why a server is not ready: a kind, which has a text in each language, and the detail inserted into it."""

    kind: str
    about: str = ""

    def words(self, language: str) -> str:
        return TEXTS[language][f"why_{self.kind}"].format(self.about)


NONE = Reason("")


def state_of(reading: Reading, age: float | None, settings: Settings) -> tuple[State, Reason]:
    """Return a server's state, before any grace, and the reason. Missing data makes it UNKNOWN, never ready."""
    if trouble := _trouble(reading):
        return State.UNHEALTHY, trouble
    if reading.fleet_state in {State.CORDONED, State.DRAINING}:
        return State(reading.fleet_state), Reason("marked")
    if reading.fleet_state not in {"", "active"}:
        return State.CORDONED, Reason("strange_mark", reading.fleet_state)
    if reading.gauges.get("drain_mode") == 1 or reading.gauges.get("graceful_shutdown") == 1:
        return State.DRAINING, Reason("bridge_drains")
    watched = {*reading.up, PROBE} if PROBED in reading.gauges else reading.up.keys()
    if missing := [job for job in settings.required_jobs if job not in watched]:
        return State.UNKNOWN, Reason("unwatched", ", ".join(missing))
    if age is None or age > settings.stale_after:
        return State.UNKNOWN, Reason("old")
    if reading.cpu is None or reading.egress is None:
        return State.UNKNOWN, Reason("unmeasured")
    return State.READY, NONE


def _trouble(reading: Reading) -> Reason | None:
    """Return what prevents meetings on the server, whether it is cordoned or not; None if nothing does."""
    if down := sorted(job for job, up in reading.up.items() if not up):
        return Reason("silent", ", ".join(down))
    if reading.gauges.get("nginx_up") == 0:
        return Reason("nginx")
    if reading.gauges.get("jvb_healthy") == 0:
        return Reason("bridge")
    if reading.gauges.get(PROBED) == 0:
        return Reason("name")
    return None


def load_of(reading: Reading, settings: Settings) -> tuple[float | None, str]:
    """Return the largest known share in use of any resource, and its name; None if nothing is known."""
    shares = {"cpu": reading.cpu, "stress": reading.gauges.get("stress")}
    if reading.egress is not None and (cap := _cap(settings.egress_caps, reading.server_type)):
        shares["egress"] = reading.egress / cap
    participants = participants_of(reading)
    if participants is not None and (cap := _cap(settings.participant_caps, reading.server_type)):
        shares["participants"] = participants / cap
    known = [(max(0.0, share), name) for name, share in shares.items() if share is not None]
    return max(known) if known else (None, "")


def participants_of(reading: Reading) -> int | None:
    counts = [reading.gauges[name] for name in ("participants", "endpoints") if name in reading.gauges]
    return round(max(counts)) if counts else None


def _cap(caps: Mapping[str, float], server_type: str) -> float | None:
    return caps.get(server_type, caps.get("*"))

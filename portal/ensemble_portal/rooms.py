"""Giving out rooms: a made-up name on the best server, or a given name on the one server that holds it."""

from __future__ import annotations

import time
from typing import NamedTuple

from . import names
from .chooser import Chooser
from .claims import Claims
from .clients import Limiter
from .errors import Problem
from .fleet import Fleet, Server
from .metrics import Metrics
from .settings import Settings

RETRY_AFTER = {"Retry-After": "10"}


class Room(NamedTuple):
    """A room on a server; `path` is its name as a URL path segment."""

    name: str
    path: str
    server: str
    host: str

    @property
    def url(self) -> str:
        return f"https://{self.host}/{self.path}"


class Rooms:
    def __init__(
        self, settings: Settings, fleet: Fleet, chooser: Chooser, claims: Claims, metrics: Metrics, limiter: Limiter
    ) -> None:
        self._fleet = fleet
        self._chooser = chooser
        self._claims = claims
        self._claim_time = settings.claim_time
        self._metrics = metrics
        self._limiter = limiter

    def create(self, client: str, language: str) -> Room:
        """A new room with a made-up name. Raises Problem."""
        now = time.monotonic()
        try:
            self._admit(client, now)
            server = self._choose(now)
        except Problem as problem:
            self._metrics.refused.labels(problem.kind).inc()
            raise
        name = names.made_up(language)
        self._metrics.rooms.count(server.name, time.monotonic() - now)
        return Room(name, name, server.name, server.host)

    async def claim(self, client: str, name: str) -> Room:
        """The room of this name: where it lives, or newly on the best server. Raises Problem."""
        now = time.monotonic()
        try:
            room = names.normalised(name)
            self._admit(client, now)
            return await self._claim(room, now)
        except Problem as problem:
            self._metrics.refused.labels(problem.kind).inc()
            raise

    async def find(self, name: str) -> Room | None:
        """The room of this name where it lives now, without claiming it."""
        room = names.normalised(name)
        held = await self._claims.find(room)
        if held is None or self._fleet.is_lost(held[0]):
            return None
        return Room(room, names.path_of(room), *held)

    async def _claim(self, room: str, now: float) -> Room:
        """Find first: joining a living room takes no promise of a server, nor fresh news of the fleet."""
        held = await self._claims.find(room)
        lost = held[0] if held and self._fleet.is_lost(held[0]) else None
        if held and not lost:
            server, host = await self._claims.claim(room, *held, None, self._claim_time)
            self._metrics.joined.inc()
        else:
            chosen = self._choose(now)
            server, host = await self._claims.claim(room, chosen.name, chosen.host, lost, self._claim_time)
            self._metrics.rooms.count(server, time.monotonic() - now)
        return Room(room, names.path_of(room), server, host)

    def _admit(self, client: str, now: float) -> None:
        wait = self._limiter.wait(client, now)
        if wait > 0:
            seconds = int(wait) + 1
            raise Problem("too-many-rooms", {"Retry-After": str(seconds)}, wait=seconds)

    def _choose(self, now: float) -> Server:
        if self._fleet.fresh(now) is None:
            raise Problem("fleet-unknown", RETRY_AFTER)
        server = self._chooser.choose()
        if server is None:
            raise Problem("no-server", RETRY_AFTER)
        return server

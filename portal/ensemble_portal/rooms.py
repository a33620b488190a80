"""Open rooms: a generated name on the best server, or a given name on the one server that holds it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from . import names
from .chooser import Chooser
from .claims_table import Claim
from .errors import RETRY_AFTER, PortalError
from .fleet import Fleet, Server
from .health import BAD
from .limits import Limits
from .metrics import Metrics
from .queueing import Queue
from .reach import Reach
from .register import Register
from .settings import Settings


class Room(NamedTuple):
    """A room on a server; `path` is its name as a URL path segment."""

    name: str
    path: str
    server: str
    host: str

    @property
    def url(self) -> str:
        """Where it is now. What lasts is the portal's own address and the path."""
        return f"https://{self.host}/{self.path}"


OnGiven = Callable[[Room, bool, str | None], None]
"""Told of a room that was given a place, whether its name was made up, and which server it had to leave."""


class Rooms:
    def __init__(
        self,
        settings: Settings,
        fleet: Fleet,
        reach: Reach,
        chooser: Chooser,
        register: Register,
        metrics: Metrics,
        limits: Limits,
        on_given: OnGiven | None = None,
    ) -> None:
        self._fleet = fleet
        self._reach = reach
        self._chooser = chooser
        self._register = register
        self._metrics = metrics
        self._limits = limits
        self._on_given = on_given
        self._full_at = settings.full_load / 100
        self._queue = Queue(settings.queue_time, metrics.waiting) if settings.when_full == "queue" else None

    @property
    def is_queueing(self) -> bool:
        """Whether a new room has to wait for others, or for a server that is not full."""
        snapshot = self._fleet.snapshot
        return self._queue is not None and (self._queue.is_used or (snapshot is not None and snapshot.is_full))

    def serve_queue(self) -> None:
        """Give what room there is, after a poll, to those who wait."""
        if self._queue is not None:
            self._queue.serve(lambda: self._chooser.choose(below=self._full_at))

    def create(self, client: str | None, language: str) -> Room:
        """A new room with a made-up name. Raises PortalError."""
        now = time.monotonic()
        try:
            self._limits.new_room(client, now)
            server = self._choose(now)
        except PortalError as error:
            self._metrics.refused.labels(error.kind).inc()
            raise
        return self._made_up(server, language, now)

    async def create_in_turn(self, client: str | None, language: str) -> Room:
        """As `create`, waiting in the queue if there is one. Raises PortalError."""
        now = time.monotonic()
        try:
            self._limits.new_room(client, now)
            server = await self._choose_in_turn(now)
        except PortalError as error:
            self._metrics.refused.labels(error.kind).inc()
            raise
        return self._made_up(server, language, now)

    def _made_up(self, server: Server, language: str, now: float) -> Room:
        name, host = names.made_up(language), server.host
        self._register.keep(name, server.name, host)
        self._metrics.rooms.count(server.name, time.monotonic() - now)
        room = Room(name, name, server.name, host)
        if self._on_given is not None:
            self._on_given(room, True, None)
        return room

    async def claim(self, client: str | None, name: str, at: str | None = None) -> Room:
        """The room of this name: where it lives, or newly on the server `at`, else on the best. Raises PortalError."""
        now = time.monotonic()
        try:
            room = names.normalised(name)
            self._limits.may_look_up(client, now)
            held = await self._register.find(room)
            if held and not self._reach.is_lost(held.server):
                return await self._join(room, held, client, now)
            self._limits.look_up(client, now)
            return await self._claim(room, held, at, client, now)
        except PortalError as error:
            self._metrics.refused.labels(error.kind).inc()
            raise

    async def find(self, client: str | None, name: str, joins: bool = False) -> Room | None:
        """The room of this name where it lives now, without claiming it; it lives on for whoever `joins`."""
        now = time.monotonic()
        room = names.normalised(name)
        self._limits.may_look_up(client, now)
        held = await self._register.find(room)
        lives = held is not None and not self._reach.is_lost(held.server)
        if held and lives and joins:
            return await self._join(room, held, client, now)
        self._limits.look_up(client, now)
        return Room(room, names.path_of(room), held.server, held.host) if held and lives else None

    async def release(self, name: str) -> bool:
        """Forget where the room of this name lives; returns whether it lived anywhere. Raises PortalError."""
        return await self._register.release(names.normalised(name))

    async def _join(self, room: str, held: Claim, client: str | None, now: float) -> Room:
        """This takes no promise of a server, no fresh news of the fleet, and no write that must succeed."""
        self._limits.join(client, now)
        await self._register.prolong(room, held)
        self._metrics.joined.inc()
        return Room(room, names.path_of(room), held.server, held.host)

    async def _claim(self, room: str, held: Claim | None, at: str | None, client: str | None, now: float) -> Room:
        self._limits.new_room(client, now)
        self._limits.new_name(client, now)
        lost = held.server if held else None
        chosen = self._usable(at, now) or await self._choose_in_turn(now)
        return await self._place(room, chosen, lost, now)

    async def _place(self, room: str, chosen: Server, lost: str | None, now: float) -> Room:
        server, host = await self._register.claim(room, chosen.name, chosen.host, lost)
        self._metrics.rooms.count(server, time.monotonic() - now)
        placed = Room(room, names.path_of(room), server, host)
        if self._on_given is not None:
            self._on_given(placed, False, lost)
        return placed

    async def lives_on(self, server: str, room: str) -> bool:
        """Whether the room lives on this very server. Raises PortalError."""
        held = await self._register.find(room)
        return held is not None and held.server == server

    async def claim_on(self, server: Server, room: str) -> Room:
        """The room where it lives, else on this very server. Raises PortalError."""
        held = await self._register.find(room)
        if held and not self._reach.is_lost(held.server):
            return Room(room, names.path_of(room), held.server, held.host)
        return await self._place(room, server, held.server if held else None, time.monotonic())

    def _usable(self, name: str | None, now: float) -> Server | None:
        """The server of this name, if its rooms can be entered."""
        snapshot = self._fleet.fresh(now) if name else None
        servers = snapshot.servers if snapshot else ()
        return next((one for one in servers if one.name == name and one.state not in BAD), None)

    def _choose(self, now: float) -> Server:
        snapshot = self._fleet.fresh(now)
        if snapshot is None:
            raise PortalError("fleet-unknown", RETRY_AFTER)
        server = self._chooser.choose()
        if server is None:
            raise PortalError("full" if snapshot.is_full else "no-server", RETRY_AFTER)
        return server

    async def _choose_in_turn(self, now: float) -> Server:
        if self._queue is None or not self.is_queueing or self._fleet.fresh(now) is None:
            return self._choose(now)
        server = await self._queue.wait()
        if server is None:
            raise PortalError("full", RETRY_AFTER)
        return server

"""The register for rooms: claims are written at once, rooms with generated names in batches, up to a limit."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from .claims import Claims
from .claims_table import Claim, Place
from .errors import RETRY_AFTER, PortalError
from .logs import Condition

GATHER = 0.01
"""Seconds in which made-up rooms come together for one statement."""
RETRY = 1.0
CLEAN_EVERY = 60.0
PROOF = "/proof/"
"""No visitor's room: names hold no slash."""
PROOF_LASTS = 1.0
MOST_WAITING = 50_000
"""Made-up rooms that wait for a register that does not answer; later ones are not kept."""
MADE_UP_SHARE = 0.75
"""Of the register. The rest is for names: whoever asks for rooms without end must not shut out those who type names."""
T = TypeVar("T")
Homeward = Callable[[], tuple[list[str], list[str]]]
log = logging.getLogger("ensemble.register")


class Register:
    """Holds at most `most` rooms, made-up ones in a part of that, each for `seconds` after its last use.

    A room that had to leave a lost server returns when that one is ready again, nobody is on the new one, and nobody
    has gone there for `quiet` seconds.
    """

    def __init__(self, claims: Claims, seconds: float, most: int, quiet: float) -> None:
        self._claims = claims
        self._seconds = seconds
        self._most = most
        self._most_with_made_up = int(most * MADE_UP_SHARE)
        self._quiet = quiet
        self._count = 0
        self._waiting: dict[str, Place] = {}
        self._writing: dict[str, Place] = {}
        self._since = 0.0
        self._some = asyncio.Event()
        self._one_writer = asyncio.Lock()
        self._down = Condition(log, "The register does not answer", "The register answers again", logging.ERROR)
        self._proven_at = float("-inf")
        self._one_proof = asyncio.Lock()
        self.is_up = False
        self._not_kept = 0

    @property
    def count(self) -> int:
        """About how many rooms are held, by all portals that share the register."""
        return self._count + len(self._waiting)

    def take_not_kept(self) -> int:
        """Made-up rooms that were not noted since this was asked last."""
        taken, self._not_kept = self._not_kept, 0
        return taken

    async def open(self) -> None:
        await self._watched(self._claims.open())
        await self.clean()
        await self.prove()

    async def prove(self) -> bool:
        """Whether a claim works now, tried unless that was done a moment ago."""
        async with self._one_proof:
            if time.monotonic() - self._proven_at >= PROOF_LASTS:
                with suppress(PortalError):
                    await self._watched(self._claims.claim(PROOF, "", "", None, CLEAN_EVERY), writes=True)
                self._proven_at = time.monotonic()
            return self.is_up

    async def _watched(self, asked: Awaitable[T], writes: bool = False) -> T:
        """What the register answers. It is up when it took what was written, and down when anything failed."""
        try:
            response = await asked
        except PortalError as error:
            self.is_up = False
            self._down.note(True, reason=error.values["reason"])
            raise
        if writes:
            self.is_up = True
            self._down.note(False)
        return response

    async def close(self) -> None:
        await self._write()
        await self._claims.close()

    def keep(self, room: str, server: str, host: str) -> None:
        """Note a room that was just made up. It is written within moments, or when the register answers again."""
        waiting = self._waiting
        if self._count + len(waiting) >= self._most_with_made_up or len(waiting) >= MOST_WAITING:
            self._not_kept += 1
            return
        if not waiting:
            self._since = time.monotonic()
            self._some.set()
        waiting[room] = (server, host)

    async def find(self, room: str) -> Claim | None:
        """Where the room lives. Raises PortalError('store-unavailable')."""
        waits = self._waiting.get(room) or self._writing.get(room)
        return Claim(*waits, self._seconds, moved=False) if waits else await self._watched(self._claims.find(room))

    async def claim(self, room: str, server: str, host: str, lost: str | None) -> tuple[str, str]:
        """Claim a room that is free, or held by `lost`; return the claim of whoever was first. Raises as `find`."""
        if lost is None and self._count >= self._most:
            raise PortalError("register-full", RETRY_AFTER)
        await self._write()
        held = await self._watched(self._claims.claim(room, server, host, lost, self._seconds), writes=True)
        self._count += 1
        return held

    async def note(self, name: str, mark: str, text: str, seconds: float) -> tuple[str, str]:
        """Keep (mark, text) under a name that no room can have, unless it is noted: what counts is returned."""
        if self._count >= self._most:
            raise PortalError("register-full", RETRY_AFTER)
        return await self._watched(self._claims.claim(name, mark, text, None, seconds), writes=True)

    async def release(self, name: str) -> bool:
        """Forget where a room lives, or a note; returns whether there was one. Raises as `find`."""
        await self._write()
        released = await self._watched(self._claims.release(name), writes=True)
        self._count -= released
        return released

    async def prolong(self, room: str, claim: Claim) -> None:
        """Keep the claim alive, when it is due. A register that cannot be written keeps nobody out."""
        if room in self._waiting or (claim.left > self._seconds / 2 and not claim.moved):
            return
        try:
            await self._watched(self._claims.prolong(room, claim.server, self._seconds), writes=True)
        except PortalError:
            log.debug("a claim could not be prolonged")

    async def clean(self) -> None:
        """Remove what has expired, and count the rest. Raises PortalError."""
        self._count = await self._watched(self._claims.clean())

    async def run(self, homeward: Homeward, every: float) -> None:
        """Until cancelled: write what waits, clean up, and let rooms return to where they were first."""
        await asyncio.gather(self._write_always(), self._clean_regularly(), self._return_regularly(homeward, every))

    async def _write_always(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            await asyncio.sleep(GATHER)
            if not await self._write():
                await asyncio.sleep(RETRY)

    async def _clean_regularly(self) -> None:
        while True:
            await asyncio.sleep(CLEAN_EVERY)
            with suppress(PortalError):
                await self.clean()

    async def _return_regularly(self, homeward: Homeward, every: float) -> None:
        while True:
            await asyncio.sleep(every if self.is_up else RETRY)
            if await self.prove():
                with suppress(PortalError):
                    await self._watched(self._claims.go_home(*homeward(), self._seconds - self._quiet))

    async def _write(self) -> bool:
        """Write what waits; what cannot be written waits on. Returns whether the register took it."""
        async with self._one_writer:
            if not self._waiting:
                return True
            self._writing, self._waiting = self._waiting, {}
            left = self._seconds - (time.monotonic() - self._since)
            self._count += len(self._writing)
            try:
                await self._watched(self._claims.keep(self._writing, left), writes=True)
            except PortalError:
                self._count -= len(self._writing)
                self._waiting = self._writing | self._waiting
                self._some.set()
                return False
            finally:
                self._writing = {}
            return True

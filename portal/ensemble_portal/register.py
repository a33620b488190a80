"""The register as the rooms use it: claims at once, made-up rooms in batches, up to a bound."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from .claims import Claim, Claims
from .errors import RETRY_AFTER, Problem

GATHER = 0.01
"""Seconds in which made-up rooms come together for one statement."""
RETRY = 1.0
CLEAN_EVERY = 60.0
MOST_WAITING = 50_000
"""Made-up rooms that wait for a register that does not answer; later ones are not kept."""
Homeward = Callable[[], tuple[list[str], list[str]]]
log = logging.getLogger("ensemble.register")


class Register:
    """Holds at most `most` rooms, each for `seconds` after its last use.

    A room that had to leave a lost server returns when that one is ready again, nobody is on the new one, and nobody
    has gone there for `quiet` seconds.
    """

    def __init__(self, claims: Claims, seconds: float, most: int, quiet: float) -> None:
        self._claims = claims
        self._seconds = seconds
        self._most = most
        self._quiet = quiet
        self._count = 0
        self._waiting: dict[str, tuple[str, str]] = {}
        self._writing: dict[str, tuple[str, str]] = {}
        self._since = 0.0
        self._some = asyncio.Event()
        self._one_writer = asyncio.Lock()
        self._away = False
        self.not_kept = 0

    async def open(self) -> None:
        await self._claims.open()
        await self.clean()

    async def close(self) -> None:
        await self._write()
        await self._claims.close()

    def keep(self, room: str, server: str, host: str) -> None:
        """Note a room that was just made up. It is written within moments, or when the register answers again."""
        waiting = self._waiting
        if self._count + len(waiting) >= self._most or len(waiting) >= MOST_WAITING:
            self.not_kept += 1
            return
        if not waiting:
            self._since = time.monotonic()
            self._some.set()
        waiting[room] = (server, host)

    async def find(self, room: str) -> Claim | None:
        """Where the room lives. Raises Problem('store-unavailable')."""
        waits = self._waiting.get(room) or self._writing.get(room)
        return Claim(*waits, self._seconds, moved=False) if waits else await self._claims.find(room)

    async def claim(self, room: str, server: str, host: str, lost: str | None) -> tuple[str, str]:
        """The claim of a room that has none, or that `lost` held; whoever was faster is returned. Raises Problem."""
        if lost is None and self._count >= self._most:
            raise Problem("register-full", RETRY_AFTER)
        await self._write()
        held = await self._claims.claim(room, server, host, lost, self._seconds)
        self._count += 1
        return held

    async def prolong(self, room: str, claim: Claim) -> None:
        """Keep the claim alive, when it is due. A register that cannot be written keeps nobody out."""
        if room in self._waiting or (claim.left > self._seconds / 2 and not claim.moved):
            return
        try:
            await self._claims.prolong(room, claim.server, self._seconds)
        except Problem:
            log.debug("a claim could not be prolonged")

    async def clean(self) -> None:
        """Remove what has expired, and count the rest. Raises Problem."""
        self._count = await self._claims.clean()

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
            try:
                await self.clean()
            except Problem:
                self._tell(away=True)

    async def _return_regularly(self, homeward: Homeward, every: float) -> None:
        while True:
            await asyncio.sleep(every)
            try:
                await self._claims.go_home(*homeward(), self._seconds - self._quiet)
            except Problem:
                self._tell(away=True)

    async def _write(self) -> bool:
        """Write what waits; what cannot be written waits on. Returns whether the register took it."""
        async with self._one_writer:
            if not self._waiting:
                return True
            self._writing, self._waiting = self._waiting, {}
            left = self._seconds - (time.monotonic() - self._since)
            rooms = [(room, *place) for room, place in self._writing.items()]
            self._count += len(rooms)
            try:
                await self._claims.keep(rooms, left)
            except Problem:
                self._count -= len(rooms)
                self._waiting = self._writing | self._waiting
                self._some.set()
                self._tell(away=True)
                return False
            finally:
                self._writing = {}
            self._tell(away=False)
            return True

    def _tell(self, away: bool) -> None:
        if away != self._away:
            words = "The register does not answer" if away else "The register answers again"
            log.log(logging.ERROR if away else logging.INFO, words)
        self._away = away

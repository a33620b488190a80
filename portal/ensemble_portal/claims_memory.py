"""In-memory register of a single portal: a dictionary, so that frequent requests need no database."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .claims_table import Claim, Place


class Held(NamedTuple):
    server: str
    host: str
    expires: float
    home: tuple[str, str] | None = None


class MemoryClaims:
    """Dictionary register that behaves like the SQL statements of claims_table."""

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}
        self._places: dict[str, Held] = {}
        self._places_expire = 0

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def find(self, room: str) -> Claim | None:
        held, now = self._held.get(room), time.time()
        if held is None or held.expires <= now:
            return None
        return Claim(held.server, held.host, held.expires - now, held.home is not None)

    async def claim(self, room: str, server: str, host: str, lost: str | None, seconds: float) -> tuple[str, str]:
        held, now = self._held.get(room), time.time()
        home = None
        if held is not None and held.expires > now:
            if held.server != lost:
                server, host, home = held.server, held.host, held.home
            else:
                first = held.home or (held.server, held.host)
                home = None if first[0] == server else first
        self._held[room] = Held(server, host, now + seconds, home)
        return server, host

    async def keep(self, rooms: Mapping[str, Place], seconds: float) -> None:
        """Claim many rooms; those with the same server and expiry second share one Held object to save memory."""
        held, expires = self._held, int(time.time() + seconds)
        if expires != self._places_expire:
            self._places, self._places_expire = {}, expires
        places = self._places
        for room, (server, host) in rooms.items():
            if room not in held:
                held[room] = places.get(server) or places.setdefault(server, Held(server, host, expires))

    async def prolong(self, room: str, server: str, seconds: float) -> None:
        held = self._held.get(room)
        if held is not None and held.server == server:
            self._held[room] = held._replace(expires=time.time() + seconds)

    async def release(self, room: str) -> bool:
        held = self._held.pop(room, None)
        return held is not None and held.expires > time.time()

    async def go_home(self, well: Sequence[str], empty: Sequence[str], left: float) -> None:
        latest = time.time() + left
        for room, held in self._held.items():
            if held.home and held.home[0] in well and held.server in empty and held.expires < latest:
                self._held[room] = Held(*held.home, held.expires)

    async def clean(self) -> int:
        now = time.time()
        self._held = {room: held for room, held in self._held.items() if held.expires > now}
        return len(self._held)

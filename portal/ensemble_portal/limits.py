"""How often a client may do what: new rooms are few, joining is plenty, guessing is in between; live views are counted.

A client is an address (of IPv6 the /64 network). Each of several portals grants its share.
"""

from __future__ import annotations

from .clients import Limiter
from .errors import PortalError
from .settings import Settings


class Limits:
    def __init__(self, settings: Settings) -> None:
        self._rooms = Limiter(settings.rooms_per_minute)
        self._joins = Limiter(settings.joins_per_minute)
        self._lookups = Limiter(settings.lookups_per_minute)
        self._names = Limiter(settings.names_per_client, settings.claim_time)

    def share(self, portals: int) -> None:
        """Divide by the portals that serve the same visitors."""
        for limiter in (self._rooms, self._joins, self._lookups, self._names):
            limiter.divide(portals)

    def new_room(self, client: str, now: float) -> None:
        """Count a new room. Raises PortalError('too-many-rooms'), as the others do theirs."""
        _refuse("too-many-rooms", self._rooms.wait(client, now))

    def new_name(self, client: str, now: float) -> None:
        """Count a name that is to be registered: one client cannot fill the register."""
        _refuse("too-many-rooms", self._names.wait(client, now))

    def join(self, client: str, now: float) -> None:
        _refuse("too-many-joins", self._joins.wait(client, now))

    def look_up(self, client: str, now: float) -> None:
        """Count a look-up that tells whether a name lives."""
        self._lookups.wait(client, now)

    def may_look_up(self, client: str, now: float) -> None:
        """Refuse before anything is told, once the look-ups are spent."""
        _refuse("too-many-lookups", self._lookups.wait(client, now, take=False))


def _refuse(kind: str, wait: float) -> None:
    if wait > 0:
        seconds = int(wait) + 1
        raise PortalError(kind, {"Retry-After": str(seconds)}, wait=seconds)

"""How often a client may do what: new rooms are few, joining is plenty, guessing is in between; live views are counted.

A client is an address (of IPv6 the /64 network); None is somebody whose limit was counted elsewhere. Each of several
portals grants its share.
"""

from __future__ import annotations

from .clients import Limiter, too_many
from .settings import Settings


class Limits:
    def __init__(self, settings: Settings) -> None:
        self.rooms = Limiter(settings.rooms_per_minute, name="rooms")
        self.lookups = Limiter(settings.lookups_per_minute, name="lookups")
        self._joins = Limiter(settings.joins_per_minute, name="joins")
        self._names = Limiter(settings.names_per_client, settings.claim_time, "names")

    def share(self, portals: int) -> None:
        """Divide by the portals that serve the same visitors."""
        for limiter in (self.rooms, self.lookups, self._joins, self._names):
            limiter.divide(portals)

    def new_room(self, client: str | None, now: float) -> None:
        """Count a new room. Raises PortalError('too-many-rooms'), as the others do theirs."""
        _count("too-many-rooms", self.rooms, client, now)

    def new_name(self, client: str | None, now: float) -> None:
        """Count a name that is to be registered: one client cannot fill the register."""
        _count("too-many-rooms", self._names, client, now)

    def join(self, client: str | None, now: float) -> None:
        _count("too-many-joins", self._joins, client, now)

    def look_up(self, client: str | None, now: float) -> None:
        """Count a look-up that tells whether a name lives."""
        if client is not None:
            self.lookups.wait(client, now)

    def may_look_up(self, client: str | None, now: float) -> None:
        """Refuse before anything is told, once the look-ups are spent."""
        _count("too-many-lookups", self.lookups, client, now, take=False)


def _count(kind: str, limiter: Limiter, client: str | None, now: float, take: bool = True) -> None:
    if client is None:
        return
    wait = limiter.wait(client, now, take)
    if wait > 0:
        raise too_many(kind, wait, limiter.quota(client, now))

"""Callers of the API: visitors, identified by address, and holders of a key, each key with its own limit."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from ..clients import Limiter, Quota, network_of, too_many
from ..errors import PortalError
from .keys import ApiKey

CHALLENGE = {"WWW-Authenticate": "Bearer"}


class Caller(NamedTuple):
    """A caller of the API. `client` is the address whose limits apply; None for a key, which has its own limit."""

    client: str | None
    identity: str
    limiter: Limiter

    def quota(self, now: float) -> Quota | None:
        """Return this caller's remaining quota."""
        return self.limiter.quota(self.identity, now)


class Keys:
    def __init__(self, keys: Sequence[ApiKey]) -> None:
        self._keys = {key.digest: key for key in keys}
        self._limiters = {key.name: Limiter(key.per_minute, name="key") for key in keys}

    def share(self, portals: int) -> None:
        """Divide the limits by the portals that serve the same visitors."""
        for limiter in self._limiters.values():
            limiter.divide(portals)

    def admit(self, authorization: str | None, scope: str, now: float) -> Caller | None:
        """Return the holder of the key, counting the request; None if no key was sent.

        Raises PortalError if the key is unknown, lacks the scope or exceeds its limit.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        key = self._keys.get(hashlib.sha256(token.strip().encode("latin-1", "replace")).hexdigest())
        if key is None:
            raise PortalError("key-unknown", {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        if scope not in key.scopes:
            challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
            raise PortalError("key-scope", {"WWW-Authenticate": challenge}, scope=scope)
        limiter, identity = self._limiters[key.name], f"key {key.name}"
        if wait := limiter.wait(identity, now):
            raise too_many("too-many-requests", wait, limiter.quota(identity, now))
        return Caller(None, identity, limiter)

    def demand(self, authorization: str | None, scope: str, now: float) -> Caller:
        """Like `admit`, but raise PortalError if no key was sent."""
        caller = self.admit(authorization, scope, now)
        if caller is None:
            raise PortalError("key-needed", CHALLENGE, scope=scope)
        return caller


def visitor(client: str, limiter: Limiter) -> Caller:
    """Return a caller without a key."""
    return Caller(client, network_of(client), limiter)

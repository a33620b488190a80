"""Repeatable requests (Idempotency-Key): a repeated request gets the same room from any portal."""

from __future__ import annotations

import re
from hashlib import blake2b

import orjson

from ..errors import PortalError
from ..register import Register
from ..rooms import Room
from ..typed import RoomRequest

LASTS = 86400.0
"""Seconds within which a request may be repeated."""
USABLE = re.compile(r"[!-~](?:[ -~]{0,253}[!-~])?")


class Once:
    """Records in the register which room a request got. The first record of a key counts; errors record nothing."""

    def __init__(self, register: Register) -> None:
        self._register = register

    async def find(self, mark: str, asked: str) -> Room | None:
        """Return the room that the same request got; None if it is new.

        Raises PortalError if the key was used for a different request.
        """
        held = await self._register.find(mark)
        return None if held is None else _same(asked, held.server, held.host)

    async def note(self, mark: str, asked: str, room: Room) -> Room:
        """Record the room of this request, and return it or that of an earlier identical request.

        Raises PortalError if the key was used for a different request.
        """
        first = _same(asked, *await self._register.note(mark, asked, orjson.dumps([*room]).decode(), LASTS))
        if first.name != room.name:
            await self._register.release(room.name)
        return first


def mark_of(identity: str, key: str) -> str:
    """Return the register's name for this client's key. Raises PortalError if the key is malformed."""
    if not USABLE.fullmatch(key):
        raise PortalError("bad-request", reason="Idempotency-Key must have 1 to 255 printable ASCII characters")
    digest = blake2b("\0".join((identity, key)).encode(), digest_size=18)
    return f"/once/{digest.hexdigest()}"


def fingerprint(asked: RoomRequest | None, language: str | None) -> str:
    """Return a hash that is equal for identical requests."""
    return blake2b(orjson.dumps([asked and [*asked], language]), digest_size=12).hexdigest()


def _same(asked: str, noted: str, room: str) -> Room:
    if noted != asked:
        raise PortalError("idempotency-reused")
    return Room(*orjson.loads(room))

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
"""Seconds in which a request may be repeated."""
USABLE = re.compile(r"[!-~](?:[ -~]{0,253}[!-~])?")


class Once:
    """Notes in the register which room a request was given. The first note under a key counts; errors leave none."""

    def __init__(self, register: Register) -> None:
        self._register = register

    async def find(self, mark: str, asked: str) -> Room | None:
        """The room that was given to the same request. Raises PortalError when the key was used for another one."""
        held = await self._register.find(mark)
        return None if held is None else _same(asked, held.server, held.host)

    async def note(self, mark: str, asked: str, room: Room) -> Room:
        """The room for this request: this one, or that of an earlier identical request. Raises PortalError."""
        first = _same(asked, *await self._register.note(mark, asked, orjson.dumps([*room]).decode(), LASTS))
        if first.name != room.name:
            await self._register.release(room.name)
        return first


def mark_of(identity: str, key: str) -> str:
    """What the register calls the key of this client. Raises PortalError when no key may look like that."""
    if not USABLE.fullmatch(key):
        raise PortalError("bad-request", reason="Idempotency-Key must have 1 to 255 printable ASCII characters")
    digest = blake2b("\0".join((identity, key)).encode(), digest_size=18)
    return f"/once/{digest.hexdigest()}"


def fingerprint(asked: RoomRequest | None, language: str | None) -> str:
    """Requests that ask for the same have the same."""
    return blake2b(orjson.dumps([asked and [*asked], language]), digest_size=12).hexdigest()


def _same(asked: str, noted: str, room: str) -> Room:
    if noted != asked:
        raise PortalError("idempotency-reused")
    return Room(*orjson.loads(room))

"""Send events to the webhooks: once across portals, as far as the shared register can tell, with retries on failure."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Coroutine, Sequence, Set
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import httpx
import orjson

from .. import __version__
from ..errors import PortalError
from ..logs import Condition
from ..metrics import Metrics
from ..register import Register
from ..rooms import Room
from .webhooks import Webhook, signed

PAUSES = (0.0, 1.0, 5.0, 30.0, 120.0, 600.0)
"""Seconds to wait before each attempt to deliver an event."""
PATIENCE = 10.0
MOST_WAITING = 1000
AT_ONCE = 8
LAST_WORDS = 2.0
"""Seconds that a stopping portal waits for pending deliveries."""
GIVEN_LASTS = 10.0
"""Seconds for which a room.created event is recorded, so that portals assigning one room at once send it only once."""
LOST_LASTS = 86400.0
log = logging.getLogger("ensemble.webhooks")


class Sender:
    """Delivers events. Redirects are not followed: an event goes only to the address set by the operator."""

    def __init__(
        self, webhooks: Sequence[Webhook], register: Register, metrics: Metrics, pauses: Sequence[float] = PAUSES
    ) -> None:
        self._webhooks = {webhook: asyncio.Semaphore(AT_ONCE) for webhook in webhooks}
        self._register = register
        self._count = metrics.webhooks
        self._pauses = pauses
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None
        self._lost: set[str] = set()
        self._returned: set[str] = set()
        self._full = Condition(log, "Too many events wait for their webhooks; new ones are dropped", "Events are kept")

    def wants(self, event: str) -> bool:
        return any(event in webhook.events for webhook in self._webhooks)

    def room_created(self, room: Room, made_up: bool, moved_from: str | None) -> None:
        """Report that a room was assigned to a server."""
        data = {"room": room.name, "server": room.server, "host": room.host, "url": room.url, "moved_from": moved_from}
        mark = None if made_up else f"{room.server} {room.name}"
        self._begin(self._tell("room.created", data, mark, GIVEN_LASTS))

    def see(self, lost: Set[str], well: Set[str]) -> None:
        """Take in the lost servers, whose rooms may move, and the well ones; report the newly lost."""
        if not self.wants("server.lost"):
            return
        self._returned |= self._lost & well
        new = lost - self._lost
        self._lost = (self._lost | lost) - well
        if self._returned:
            self._begin(self._forget())
        for server in sorted(new):
            self._begin(self._tell("server.lost", {"server": server}, server, LOST_LASTS))

    async def close(self) -> None:
        """Wait LAST_WORDS seconds for pending deliveries, then cancel them."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LAST_WORDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        is_full = len(self._tasks) >= MOST_WAITING
        self._full.note(is_full)
        if is_full:
            self._count.labels("dropped").inc()
            work.close()
            return
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _forget(self) -> None:
        """Delete the records of returned servers, so that they can be reported lost again."""
        for server in list(self._returned):
            with suppress(PortalError):
                await self._register.release(_note("server.lost", server))
                self._returned.discard(server)

    async def _tell(self, event: str, data: dict[str, Any], mark: str | None, seconds: float) -> None:
        """Send an event unless another portal has recorded that it does; send it too if the register is unavailable."""
        identity = f"evt_{secrets.token_hex(16)}"
        if mark is not None:
            with suppress(PortalError):
                if (await self._register.note(_note(event, mark), event, identity, seconds))[1] != identity:
                    return
        moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        body = orjson.dumps({"type": event, "timestamp": moment, "data": data})
        for webhook in self._webhooks:
            if event in webhook.events:
                self._begin(self._deliver(webhook, identity, body))

    async def _deliver(self, webhook: Webhook, identity: str, body: bytes) -> None:
        outcome = ""
        for pause in self._pauses:
            await asyncio.sleep(pause)
            async with self._webhooks[webhook]:
                outcome = await self._attempt(webhook, identity, body)
            if not outcome:
                self._count.labels("delivered").inc()
                return
        self._count.labels("failed").inc()
        log.warning("A webhook takes no event", extra={"host": webhook.host, "event": identity, "reason": outcome})

    async def _attempt(self, webhook: Webhook, identity: str, body: bytes) -> str:
        """Try to deliver the event; return the reason for failure, empty on success."""
        if self._client is None:
            self._client = httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=PATIENCE)
        headers = {"content-type": "application/json", "user-agent": f"ensemble-portal/{__version__}"}
        headers |= signed(webhook, identity, int(time.time()), body)
        try:
            async with (
                asyncio.timeout(PATIENCE),
                self._client.stream("POST", webhook.url, content=body, headers=headers) as response,
            ):
                return "" if response.is_success else f"status {response.status_code}"
        except (httpx.HTTPError, TimeoutError) as error:
            return type(error).__name__


def _note(event: str, mark: str) -> str:
    digest = blake2b(f"{event} {mark}".encode(), digest_size=18)
    return f"/event/{digest.hexdigest()}"

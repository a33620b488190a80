"""Live load as server-sent events: all servers first, then changes; nothing is queued."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import orjson

from .clients import network_of
from .errors import RETRY_AFTER, PortalError
from .fleet import Server, Snapshot, iso_time
from .metrics import Metrics

MOST_LISTENERS = 500
HEARTBEAT = 20.0


Told = dict[str, str | float | int | None]


class Events:
    def __init__(self, metrics: Metrics, per_client: int) -> None:
        self._metrics = metrics
        self._per_client = per_client
        self._clients: Counter[str] = Counter()
        self._changed = asyncio.Event()
        self._told: dict[str, Told] = {}
        self._all = self._changes = b""
        self._number = 0
        self._closed = False
        self._listeners = 0

    def admit(self, client: str) -> None:
        """Raise PortalError if there are too many listeners in total or from this client."""
        if self._listeners >= MOST_LISTENERS or self._closed:
            raise PortalError("too-many-listeners", RETRY_AFTER)
        if self._clients[network_of(client)] >= self._per_client:
            raise PortalError("too-many-streams", RETRY_AFTER)

    def publish(self, snapshot: Snapshot) -> None:
        before, told = self._told, {server.name: _told(server) for server in snapshot.servers}
        when = iso_time(snapshot.polled_at)
        changed = [one for name, one in told.items() if before.get(name) != one]
        gone = [name for name in before if name not in told]
        self._number += 1
        self._all = self._event("servers", {"updated_at": when, "servers": list(told.values())})
        self._changes = self._event("changes", {"updated_at": when, "servers": changed, "gone": gone})
        self._told = told
        self._wake()

    def _event(self, kind: str, data: dict[str, Any]) -> bytes:
        return b"event: %b\nid: %d\ndata: %b\n\n" % (kind.encode(), self._number, orjson.dumps(data))

    def close(self) -> None:
        self._closed = True
        self._wake()

    async def stream(self, client: str) -> AsyncIterator[bytes]:
        """Yield the events for one listener, with heartbeat comments that reveal dead connections."""
        client = network_of(client)
        self._clients[client] += 1
        self._listeners += 1
        self._metrics.listeners(self._listeners)
        try:
            yield b"retry: 5000\n\n"
            sent = 0
            while not self._closed:
                changed = self._changed
                if sent != self._number:
                    follows, sent = sent and sent + 1 == self._number, self._number
                    yield self._changes if follows else self._all
                    continue
                try:
                    await asyncio.wait_for(changed.wait(), HEARTBEAT)
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            self._listeners -= 1
            self._clients[client] -= 1
            self._clients += Counter()  # drops clients without listeners
            self._metrics.listeners(self._listeners)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _told(server: Server) -> Told:
    """Return a server's fields for events. The load is rounded to hundredths so that tiny moves are not changes."""
    load = None if server.load is None else round(server.load, 2)
    return {"server": server.name, "state": server.state, "load": load, "participants": server.participants}

"""Live load as server-sent events: the newest snapshot to every listener, nothing queued behind it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import orjson

from .clients import network_of
from .errors import RETRY_AFTER, PortalError
from .fleet import Snapshot, iso_time
from .metrics import Metrics

MOST_LISTENERS = 500
HEARTBEAT = 20.0


class Events:
    def __init__(self, metrics: Metrics, per_client: int) -> None:
        self._metrics = metrics
        self._per_client = per_client
        self._clients: Counter[str] = Counter()
        self._changed = asyncio.Event()
        self._latest = b""
        self._closed = False
        self._listeners = 0

    def admit(self, client: str) -> None:
        """Refuse one more listener when there are too many. Raises PortalError."""
        if self._listeners >= MOST_LISTENERS or self._closed:
            raise PortalError("too-many-listeners", RETRY_AFTER)
        if self._clients[network_of(client)] >= self._per_client:
            raise PortalError("too-many-streams", RETRY_AFTER)

    def publish(self, snapshot: Snapshot) -> None:
        servers = [
            {"server": one.name, "state": one.state, "load": one.shown_load, "participants": one.participants}
            for one in snapshot.servers
        ]
        data = orjson.dumps({"updated_at": iso_time(snapshot.polled_at), "servers": servers})
        self._latest = b"event: servers\nid: %d\ndata: %s\n\n" % (snapshot.polled_at * 1000, data)
        self._wake()

    def close(self) -> None:
        self._closed = True
        self._wake()

    async def stream(self, client: str) -> AsyncIterator[bytes]:
        """The events for one listener, with comments in between so that dead connections are seen."""
        client = network_of(client)
        self._clients[client] += 1
        self._listeners += 1
        self._metrics.listeners(self._listeners)
        try:
            yield b"retry: 5000\n\n"
            sent = b""
            while not self._closed:
                changed = self._changed
                if self._latest is not sent:
                    sent = self._latest
                    yield sent
                    continue
                try:
                    await asyncio.wait_for(changed.wait(), HEARTBEAT)
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            self._listeners -= 1
            self._clients[client] -= 1
            self._clients += Counter()  # drops those without any
            self._metrics.listeners(self._listeners)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

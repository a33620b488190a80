"""Assemble the portal from its parts, and start and stop them together."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from .address import PublicAddress
from .chooser import Chooser
from .claims import open_store
from .clients import Proxies
from .errors import PortalError
from .events import Events
from .fleet import Fleet
from .integrations.callers import Keys
from .integrations.once import Once
from .integrations.sender import Sender
from .limits import Limits
from .logs import Condition
from .metrics import Metrics
from .notices import Notices
from .peers import Peers
from .poller import Poller
from .prometheus import Prometheus, Result
from .reach import Reach
from .register import Register
from .responses import Responses
from .rooms import Rooms
from .settings import Settings
from .watchers import Watchers

log = logging.getLogger("ensemble.portal")


class Portal:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.fleet = Fleet(settings)
        self.register = Register(
            open_store(settings.store, settings.store_ca),
            settings.claim_time,
            settings.most_rooms,
            settings.stale_after,
        )
        self.metrics = Metrics(self.fleet, self.register)
        self.proxies = Proxies(settings.trusted_proxies)
        self.address = PublicAddress(settings.public_url, self.proxies)
        self.limits = Limits(settings)
        self.keys = Keys(settings.api_keys)
        self.once = Once(self.register)
        self.reach = Reach(settings.lost_after, settings.stale_after)
        self.chooser = Chooser(settings.choices, settings.room_load, settings.promise_time)
        self.peers = Peers(self.metrics.portal)
        self.sender = Sender(settings.webhooks, self.register, self.metrics)
        told = self.sender.room_created if self.sender.wants("room.created") else None
        parts = (self.fleet, self.reach, self.chooser, self.register, self.metrics, self.limits)
        self.rooms = Rooms(settings, *parts, told)
        self._full = Condition(log, "Every server is full", "There is room again")
        self._kept = Condition(log, "Most servers are out of sight; the last list of them is used", "They are in sight")
        self.responses = Responses(settings, self.fleet, self.rooms, self.limits)
        self.events = Events(self.metrics, settings.streams_per_client)
        timeout, window = settings.prometheus_timeout, settings.cpu_window
        watchers = Watchers([Prometheus(url, timeout, window) for url in settings.prometheus_url])
        self.poller = Poller(watchers, self.metrics, settings.poll_interval, self.take_in)
        self.notices = Notices(settings.store, settings.store_ca)
        self.stopping = False

    async def take_in(self, result: Result, now: float) -> None:
        """A new answer of Prometheus, to the question asked at `now` (monotonic); the long part in a thread."""
        snapshot = await asyncio.to_thread(self.fleet.update, result.readings, now, time.time())
        self._full.note(snapshot.is_full, servers=len(snapshot.full))
        self._kept.note(bool(snapshot.kept), kept=snapshot.kept, answered=len(result.readings))
        takers = snapshot.ready or (snapshot.full if self.settings.when_full == "accept" else ())
        self.chooser.see(takers, now, self.peers.since_last(result.rooms), self.peers.share)
        self.rooms.serve_queue()
        self.reach.see(result.readings, now)
        self.sender.see(self.reach.lost, self.reach.well)
        self.limits.share(self.peers.share.portals)
        self.keys.share(self.peers.share.portals)
        self.events.publish(snapshot)

    def _homeward(self) -> tuple[list[str], list[str]]:
        """Servers to which rooms that had to leave may return, and servers that nobody would miss."""
        snapshot = self.fleet.fresh(time.monotonic())
        return ([server.name for server in snapshot.ready], self.reach.empty()) if snapshot else ([], [])

    async def not_ready_because(self) -> str | None:
        """Why this portal is of no use now; None when it is. That the fleet is full is no fault of the portal."""
        snapshot = self.fleet.fresh(time.monotonic())
        if self.stopping:
            return "stopping"
        if snapshot is None:
            return "fleet-unknown"
        if not snapshot.ready and not snapshot.full:
            return "no-server"
        return None if await self.register.prove() else "store-unavailable"

    def stop(self) -> None:
        """Tell the balancer to look elsewhere and let the open event streams end."""
        self.stopping = True
        self.events.close()

    @asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """Open the register, poll once, keep polling; close everything at the end."""
        with suppress(PortalError):
            await self.register.open()
        await self.poller.poll()
        tasks = [
            asyncio.create_task(self.poller.run()),
            asyncio.create_task(self.notices.run()),
            asyncio.create_task(self.register.run(self._homeward, self.settings.poll_interval)),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.sender.close()
            await self.register.close()

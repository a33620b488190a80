# SPDX-License-Identifier: GPL-3.0-or-later
"""State machines: work that goes on after the answer has left.

A job is a name, arguments, and the keys (ids) of what it works on; jobs that share a key run one after the other, in
the order in which they were started. A job is kept in the store until it is done, so that a lab that was killed takes
up again what was under way: handlers must bear being run twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from ensemble_lab.drivers.base import DriverError
from ensemble_lab.store import Store

log = logging.getLogger(__name__)

Handler = Callable[..., Awaitable[None]]
_HANDLERS: dict[str, Handler] = {}


class Owner(Protocol):
    """What jobs belong to and are given first: the cloud, as far as this file needs to know it."""

    store: Store

    def new_id(self) -> str: ...


def job(handler: Handler) -> Handler:
    """Register a coroutine ``handler(cloud, **arguments)`` as a job under its own name; arguments must be JSON."""
    _HANDLERS[handler.__name__] = handler
    return handler


class Jobs:
    """Runs jobs as tasks of the lab's event loop."""

    def __init__(self, cloud: Owner):
        self._cloud = cloud
        self._last: dict[str, asyncio.Task[None]] = {}
        self._running: set[asyncio.Task[None]] = set()

    def start(self, handler: Handler, keys: list[str], **arguments: Any) -> None:
        """Note a job in the store and begin it as soon as earlier jobs on its keys are done."""
        entry = {"id": self._cloud.new_id(), "name": handler.__name__, "keys": keys, "arguments": arguments}
        self._cloud.store.put("job", entry)
        self._launch(entry)

    def resume(self) -> int:
        """Take up what an earlier run of the lab left undone; returns how many jobs."""
        entries = self._cloud.store.list("job")
        for entry in entries:
            self._launch(entry)
        return len(entries)

    async def finished(self, key: str) -> None:
        """Wait until everything that was started on a key so far is done."""
        if key in self._last:
            await asyncio.wait({self._last[key]})

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while self._running:
            await asyncio.wait(set(self._running))

    async def cancel(self) -> None:
        """Drop everything under way (the lab is being reset or stopped; entries stay in the store)."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self._last.clear()

    def _launch(self, entry: dict[str, Any]) -> None:
        earlier = {self._last[key] for key in entry["keys"] if key in self._last}
        task = asyncio.get_running_loop().create_task(self._run(entry, earlier))
        self._running.add(task)
        for key in entry["keys"]:
            self._last[key] = task
        task.add_done_callback(lambda done: self._forget(done, entry["keys"]))

    def _forget(self, task: asyncio.Task[None], keys: list[str]) -> None:
        self._running.discard(task)
        for key in keys:
            if self._last.get(key) is task:
                del self._last[key]

    async def _run(self, entry: dict[str, Any], earlier: set[asyncio.Task[None]]) -> None:
        if earlier:
            await asyncio.wait(earlier)
        try:
            await _HANDLERS[entry["name"]](self._cloud, **entry["arguments"])
        except DriverError as problem:
            log.error("%s %s: %s", entry["name"], " ".join(entry["keys"]), problem)
        except Exception:
            log.exception("%s %s failed", entry["name"], " ".join(entry["keys"]))
        self._cloud.store.delete("job", entry["id"])
        self._cloud.store.commit()

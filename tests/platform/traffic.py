# SPDX-License-Identifier: GPL-3.0-or-later
"""A steady stream of visitors' requests from this machine, and what became of every one of them."""

from __future__ import annotations

import asyncio
import itertools
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from tests.platform.running import RESOLVER, authority

MIX = [*[("GET", "/api/v1/servers")] * 9, *[("GET", "/")] * 9, *[("POST", "/api/v1/rooms")] * 2]
"""What visitors ask, in turn. They share one address, which inventories/local allows 6,000 rooms a minute."""
RIGHT = {"GET": 200, "POST": 201}
PATIENCE = 10.0
"""Seconds after which a request counts as failed."""


class Names(AbstractResolver):
    """Names as the lab's DNS has them."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        address = await asyncio.to_thread(lambda: next(iter(RESOLVER.resolve(host, "A"))).address)
        return [ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Request:
    """One request: when it was due and when it ended (monotonic), and its status or what went wrong."""

    method: str
    path: str
    due: float
    ended: float
    outcome: int | str

    @property
    def failed(self) -> bool:
        return self.outcome != RIGHT[self.method]


@dataclass
class Account:
    """All requests of a stream that have ended, and the seconds that it flowed."""

    requests: list[Request] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def failures(self) -> list[Request]:
        return [request for request in self.requests if request.failed]

    def latency(self, share: float) -> float:
        """Seconds from the due moment to the end that `share` of the requests stayed below."""
        ordered = sorted(request.ended - request.due for request in self.requests)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    def __str__(self) -> str:
        outcomes = Counter(request.outcome for request in self.requests)
        p50, p99 = (f"{1000 * self.latency(share):.0f} ms" for share in (0.5, 0.99))
        return (
            f"{len(self.requests)} requests in {self.seconds:.0f} s: "
            f"{', '.join(f'{count} times {outcome}' for outcome, count in outcomes.items())}; "
            f"{len(self.failures)} failed; p50 {p50}, p99 {p99}"
        )


@contextmanager
def steady(url: str, rate: float, mix: Sequence[tuple[str, str]] = MIX, anew: bool = False) -> Iterator[Account]:
    """`rate` requests per second to `url` while the block runs; the account is complete when it has ended.

    With `anew` each request is of another visitor, who connects for it.

    A request is sent when it is due, whatever became of those before it, and nothing is tried twice.
    """
    account, over = Account(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_come(url, rate, mix, anew, over, account)))
    began = time.monotonic()
    thread.start()
    try:
        yield account
    finally:
        over.set()
        account.seconds = time.monotonic() - began
        thread.join()


async def _come(
    url: str, rate: float, mix: Sequence[tuple[str, str]], anew: bool, over: threading.Event, account: Account
) -> None:
    async with (
        aiohttp.ClientSession(
            url,
            timeout=aiohttp.ClientTimeout(PATIENCE),
            connector=aiohttp.TCPConnector(
                ssl=ssl.create_default_context(cafile=authority()), resolver=Names(), force_close=anew
            ),
        ) as visitor,
        asyncio.TaskGroup() as under_way,
    ):
        visitor._retry_connection = False  # as aiohttp's own test client has it: a second try would hide a failure
        began = time.monotonic()
        for number, (method, path) in enumerate(itertools.cycle(mix)):
            due = began + number / rate
            await asyncio.sleep(due - time.monotonic())
            if over.is_set():
                return
            under_way.create_task(_ask(visitor, method, path, due, account))


async def _ask(visitor: aiohttp.ClientSession, method: str, path: str, due: float, account: Account) -> None:
    outcome: int | str
    try:
        async with visitor.request(method, path) as answer:
            await answer.read()
            outcome = answer.status
    except (aiohttp.ClientError, TimeoutError) as error:
        outcome = type(error).__name__
    account.requests.append(Request(method, path, due, time.monotonic(), outcome))

# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on demand: what a cloud does to its clients on a bad day, put between the API and the wire."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import re
import socket
import struct
from dataclasses import asdict, dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ensemble_lab.errors import out_of_stock, quota
from ensemble_lab.web.request_log import RequestLog

log = logging.getLogger(__name__)

KINDS = ("latency", "status", "reset", "hang", "slow_body", "out_of_stock", "quota")
WHEN = ("before", "after")
DISTRIBUTIONS = ("fixed", "uniform", "exponential", "lognormal")
_BODIES = {
    "json": (b'{"message":"internal error","type":"internal_error"}', b"application/json"),
    "html": (
        b"<html><head><title>Error</title></head><body><h1>upstream connect error</h1></body></html>",
        b"text/html",
    ),
    "empty": (b"", b""),
}
_PATH_OF_THE_API = re.compile(r"^/(?!_emulator)[a-z-]+/v\d")


@dataclass
class Fault:
    """A rule: which requests it meets, how often, and what happens to them."""

    kind: str
    method: str = "*"
    """``GET``, ``POST|PUT``, or ``*``."""
    path: str = ""
    """Regular expression searched in the path."""
    probability: float = 1.0
    skip: int = 0
    """How many such requests pass before the first that it may hit."""
    count: int | None = None
    """How many more requests it will hit; None: no end."""
    when: str = "before"
    """``status`` and ``reset``: before the request took effect, or after."""
    status: int = 500
    body: str = "json"
    """Of ``status``: json, html or empty. A 429 is always empty, as the real one."""
    seconds: float = 0.1
    """``latency``: the delay, or the mean of its distribution; ``hang``: how long (0: until the client leaves);
    ``slow_body``: how long the body takes."""
    spread: float = 0.5
    """``latency``: half width of uniform as a share of the mean, or sigma of lognormal."""
    distribution: str = "fixed"
    resource: str = "instance_server"
    """Of ``out_of_stock`` and ``quota``."""
    id: int = 0
    hits: int = 0

    def check(self) -> None:
        """Raises ValueError with a message for people."""
        for name, choices in (
            ("kind", KINDS),
            ("when", WHEN),
            ("body", tuple(_BODIES)),
            ("distribution", DISTRIBUTIONS),
        ):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name}: {getattr(self, name)!r} is not one of {', '.join(choices)}")
        if not 0 <= self.probability <= 1:
            raise ValueError(f"probability: {self.probability} is not between 0 and 1")
        if self.seconds < 0:
            raise ValueError(f"seconds: {self.seconds} is negative")
        for pattern in (self.path, self.method.replace("*", "")):
            try:
                re.compile(pattern)
            except re.error as problem:
                raise ValueError(f"not a regular expression: {pattern}: {problem}") from None

    def meets(self, method: str, path: str) -> bool:
        right_method = self.method == "*" or re.fullmatch(self.method, method) is not None
        return right_method and self.count != 0 and re.search(self.path, path) is not None


Hits = list[Fault]


class Faults:
    """All rules; with a seed, the same requests meet the same faults."""

    def __init__(self, seed: int | None = None):
        self._seed, self._number = seed, 0
        self._rules: Hits = []
        self.random = random.Random(seed)

    def add(self, **fields: Any) -> Fault:
        """A new rule from the fields of :class:`Fault`; ValueError says what is wrong."""
        try:
            fault = Fault(**fields)
        except TypeError as problem:
            raise ValueError(str(problem).replace("Fault.__init__() ", "")) from None
        fault.check()
        self._number += 1
        fault.id = self._number
        self._rules.append(fault)
        return fault

    def list(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._rules]

    def remove(self, ident: int | None = None) -> int:
        """One rule, or all; returns how many went."""
        before = len(self._rules)
        self._rules = [fault for fault in self._rules if ident is not None and fault.id != ident]
        if ident is None:
            self.random = random.Random(self._seed)
        return before - len(self._rules)

    def draw(self, method: str, path: str) -> Hits:
        """The rules that hit this request: all delays, and the first of the others."""
        if not self._rules or not _PATH_OF_THE_API.match(path):
            return []
        hit: Hits = []
        for fault in self._rules:
            if not fault.meets(method, path) or (
                fault.kind != "latency" and any(other.kind != "latency" for other in hit)
            ):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if self.random.random() < fault.probability:
                fault.hits += 1
                fault.count = fault.count if fault.count is None else fault.count - 1
                hit.append(fault)
        return hit

    def delay(self, fault: Fault) -> float:
        """Seconds of a latency fault."""
        mean, spread = fault.seconds, fault.spread
        if fault.distribution == "uniform":
            return self.random.uniform(mean * (1 - spread), mean * (1 + spread))
        if fault.distribution == "exponential":
            return self.random.expovariate(1 / mean) if mean else 0.0
        if fault.distribution == "lognormal":
            return mean * self.random.lognormvariate(-spread * spread / 2, spread)
        return mean


async def _answer(
    send: Send, status: int, body: bytes, content_type: bytes, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    kinds = [(b"content-type", content_type)] if content_type else []
    sizes = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": kinds + sizes + (headers or [])})
    await send({"type": "http.response.body", "body": body})


def _reset(send: Send) -> None:
    """Break the connection with a RST, as a crashed proxy does."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("reset by the lab")
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class FaultyTransport:
    """ASGI middleware, the outermost: notes every request, and lets faults happen to it."""

    def __init__(self, app: ASGIApp, faults: Faults, request_log: RequestLog):
        self.app, self.faults, self.request_log = app, faults, request_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_emulator") or scope["path"] == "/":
            await self.app(scope, receive, send)
            return
        agent = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"user-agent"), "")
        entry = self.request_log.begin(scope["method"], scope["path"], scope["query_string"].decode("latin-1"), agent)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry["status"] = message["status"]
            await send(message)

        hit = self.faults.draw(scope["method"], scope["path"])
        for delay in (self.faults.delay(fault) for fault in hit if fault.kind == "latency"):
            await asyncio.sleep(delay)
        fault = next((fault for fault in hit if fault.kind != "latency"), None)
        if fault is None:
            await self.app(scope, receive, noting)
            return
        entry["fault"] = fault.kind if fault.when == "before" else f"{fault.kind} after"
        log.info("fault %s on %s %s", entry["fault"], scope["method"], scope["path"])
        await self._strike(fault, scope, receive, noting, send)

    async def _strike(self, fault: Fault, scope: Scope, receive: Receive, send: Send, raw_send: Send) -> None:
        if fault.kind == "slow_body":
            await self.app(scope, receive, _slowly(send, fault.seconds))
            return
        if fault.when == "after" and fault.kind in ("status", "reset", "hang"):
            await self.app(scope, receive, _nowhere)
        if fault.kind == "reset":
            _reset(raw_send)
        elif fault.kind == "hang":
            await (asyncio.sleep(fault.seconds) if fault.seconds else _until_gone(receive))
            _reset(raw_send)
        elif fault.kind == "status" and fault.status == 429:
            await _answer(send, 429, b"", b"", [(b"x-envoy-ratelimited", b"true")])
        elif fault.kind == "status":
            await _answer(send, fault.status, *_BODIES[fault.body])
        else:
            refusal = out_of_stock(fault.resource) if fault.kind == "out_of_stock" else quota(fault.resource, 0, 0)
            await _answer(send, refusal.status, json.dumps(refusal.body).encode(), b"application/json")


async def _nowhere(message: Message) -> None:
    """The answer of a request that took effect and was lost."""


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _slowly(send: Send, seconds: float, pieces: int = 10) -> Send:
    """The body in small pieces over a time."""

    async def slow(message: Message) -> None:
        if message["type"] != "http.response.body":
            await send(message)
            return
        body = message.get("body", b"")
        size = max(1, -(-len(body) // pieces))
        starts = range(0, len(body), size)
        for start in starts:
            await asyncio.sleep(seconds / len(starts))
            await send({"type": "http.response.body", "body": body[start : start + size], "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": message.get("more_body", False)})

    return slow

"""The status page: every server with its load, state and age of data, the troubled first, and the fleet's history."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .api import check_fleet_is_shown, portal_of
from .chart import chart
from .fleet import Server
from .health import BAD
from .listing import listed
from .preferences import accepts_gzip
from .rendering import as_page, chosen_language, fleet_facts, language_of, render

SHOWN_FOR = 1.0  # seconds
POLLS_IN_GAP = 3
MOST_KEPT = 64


class Rendered(NamedTuple):
    html: bytes
    packed: bytes


class StatusPages:
    """Renders each language and search at most once a second, in a thread: many watch the same page."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, ...], tuple[float, asyncio.Task[Rendered]]] = {}

    async def show(self, request: Request) -> Response:
        key = language_of(request), chosen_language(request), request.query_params.get("q", "")
        until, task = self._kept.get(key, (0.0, None))
        if task is None or time.monotonic() >= until:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            task = asyncio.create_task(asyncio.to_thread(_rendered, request))
            self._kept[key] = time.monotonic() + SHOWN_FOR, task
        html, packed = await asyncio.shield(task)
        if accepts_gzip(request.headers.get("accept-encoding")):
            return as_page(request, packed, headers={"Content-Encoding": "gzip"})
        return as_page(request, html)


def _rendered(request: Request) -> Rendered:
    portal = portal_of(request)
    servers = portal.fleet.snapshot.servers if portal.fleet.snapshot else ()
    history = list(portal.fleet.history)
    facts, troubled = fleet_facts(request), sum(server.state in BAD for server in servers)
    well, verdict = verdict_of(facts, portal.settings.when_full, troubled, portal.register.is_up)
    if verdict in {"verdict_troubled", "verdict_some_full", "verdict_well"} and portal.notices.has_incident:
        well, verdict = False, "verdict_incident"
    html = render(
        request,
        "status.html",
        fleet=facts,
        well=well,
        verdict=verdict,
        certificate_days=certificate_days(servers),
        listed=listed(servers, request.query_params.get("q", "")),
        troubled=troubled,
        notices=portal.notices.shown,
        now=time.time(),
        moment=history[-1] if history else None,
        chart=chart(history, POLLS_IN_GAP * portal.settings.poll_interval),
    ).encode()
    return Rendered(html, gzip.compress(html, compresslevel=4, mtime=0))


def certificate_days(servers: Sequence[Server]) -> int | None:
    """Whole days that the certificate which ends first still lasts."""
    ends = [server.certificate_ends for server in servers if server.certificate_ends is not None]
    return int((min(ends) - time.time()) // 86400) if ends else None


def verdict_of(
    facts: Mapping[str, Any] | None, when_full: str, troubled: int, register_is_up: bool
) -> tuple[bool, str]:
    """(whether all is well, which words say how things are): the worst that is known."""
    if facts is None or not facts["fresh"]:
        return False, "verdict_blind"
    if facts["is_full"]:
        return False, f"verdict_full_{when_full}"
    if not facts["ready"]:
        return False, "verdict_closed"
    if facts["kept"]:
        return False, "verdict_kept"
    if not register_is_up:
        return False, "verdict_register"
    if troubled:
        return False, "verdict_troubled"
    return (False, "verdict_some_full") if facts["full"] else (True, "verdict_well")


async def status(request: Request) -> Response:
    check_fleet_is_shown(request)
    return await request.app.state.status_pages.show(request)


ROUTES = [Route("/status", status)]

"""Which servers the status page lists: the worst first, at most so many, those that are searched for; and the zones."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

from .fleet import Server
from .health import BAD, IN_USE, State

MOST_LISTED = 50
LARGE_FLEET = 12
MOST_CELLS = 1000
LONGEST_QUERY = 64


class Zone(NamedTuple):
    name: str
    total: int
    ready: int
    troubled: int
    load: float | None


class Listed(NamedTuple):
    """What of the fleet is shown. A search narrows the list of servers, nothing else."""

    servers: Sequence[Server]
    matching: int
    query: str
    zones: Sequence[Zone]
    cells: Sequence[str]
    is_searchable: bool
    longest: int = LONGEST_QUERY


def listed(servers: Sequence[Server], query: str) -> Listed:
    is_large = len(servers) > LARGE_FLEET
    query = " ".join(query[:LONGEST_QUERY].split())
    matching = sorted((one for one in servers if matches(one, query)), key=badness)
    zones = zones_of(servers) if is_large else []
    return Listed(
        servers=matching[:MOST_LISTED],
        matching=len(matching),
        query=query,
        zones=zones if len(zones) > 1 else [],
        cells=[cell_of(one) for one in sorted(servers, key=badness)] if is_large and len(servers) <= MOST_CELLS else [],
        is_searchable=is_large or bool(query),
    )


def badness(server: Server) -> tuple[bool, bool, int]:
    """The troubled first, then the full, then by load; in wide steps, so that rows do not jump at every measure."""
    return server.state not in BAD, server.state is not State.FULL, -level_of(server)


def matches(server: Server, query: str) -> bool:
    """Whether each word stands in something that is known of the server."""
    known = " ".join((server.name, server.host, server.zone, server.server_type, server.state)).lower()
    return all(word in known for word in query.lower().split())


def level_of(server: Server) -> int:
    return -1 if server.load is None else min(4, int(server.load * 5))


def cell_of(server: Server) -> str:
    """The class of a server's cell in the map of a large fleet: how full it is, or why it takes no new room."""
    if server.state in BAD:
        return "bad"
    if server.state not in IN_USE or server.load is None:
        return "off"
    return "full-4" if server.state is State.FULL else f"full-{level_of(server)}"


def zones_of(servers: Sequence[Server]) -> list[Zone]:
    """The zones with the most servers in trouble first."""
    by_name: dict[str, list[Server]] = {}
    for server in servers:
        by_name.setdefault(server.zone, []).append(server)
    zones = []
    for name, inside in by_name.items():
        loads = [one.load for one in inside if one.state in IN_USE and one.load is not None]
        zones.append(
            Zone(
                name,
                total=len(inside),
                ready=sum(one.state is State.READY for one in inside),
                troubled=sum(one.state in BAD for one in inside),
                load=fmean(loads) if loads else None,
            )
        )
    return sorted(zones, key=lambda zone: (-zone.troubled, zone.name))

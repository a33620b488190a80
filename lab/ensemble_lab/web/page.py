# SPDX-License-Identifier: GPL-3.0-or-later
"""The page at ``/``: the cloud as it is now, rendered here, renewed every few seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from html import escape
from itertools import zip_longest

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from ensemble_lab.api.instance_views import server_view
from ensemble_lab.api.lb import LB, lb_view, parts_of
from ensemble_lab.cloud import Cloud
from ensemble_lab.drivers.base import DriverError
from ensemble_lab.store import Object
from ensemble_lab.web.page_style import CSS

RENEW_SECONDS = 5
MOST_ROWS = 200
LOAD_SECONDS = 2.0

_GOOD = ("running", "available", "ready", "active", "in_use", "passed")
_OFF = ("stopped", "stopped in place", "unknown")
_BAD = ("error", "failed", "locked")


def _state(word: str, detail: str = "") -> str:
    kind = "good" if word in _GOOD else "off" if word in _OFF else "bad" if word in _BAD else "busy"
    more = f" <small>{escape(detail)}</small>" if detail else ""
    return f"<span class={kind}>{escape(word)}</span>{more}"


def _table(title: str, head: list[str], rows: Iterable[list[str]], note: str = "") -> str:
    """A section; cells are HTML."""
    rows = list(rows)
    left_out = f" (the first {MOST_ROWS} of them)" if len(rows) > MOST_ROWS else ""
    heading = f"<h2>{escape(title)} <i>{len(rows)}{left_out} {note}</i></h2>"
    if not rows:
        return f"<section>{heading}<p class=none>None.</p></section>"
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows[:MOST_ROWS])
    return f"<section>{heading}<table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table></section>"


def _named(obj: Object) -> str:
    """The name, and below it the tags."""
    tags = "".join(f"<span class=tag>{escape(tag)}</span>" for tag in obj["tags"])
    return f"<b>{escape(obj['name'])}</b><div>{tags}</div>"


def _size(size: int) -> str:
    return f"{size / 10**9:.0f} GB"


def _load(load: Object | None) -> str:
    """``{"cpu": 0..1, "memory": bytes}`` as a bar and a figure."""
    if not load:
        return ""
    share = max(0.0, min(1.0, load["cpu"]))
    return f"<span class=bar><i style='width:{share:.0%}'></i></span>{share:.0%} {load['memory'] / 2**20:.0f} MiB"


async def _load_of(cloud: Cloud, server: Object) -> Object | None:
    """The load of a running server, if the driver knows it soon enough for a page."""
    if server["state"] != "running":
        return None
    try:
        return await asyncio.wait_for(cloud.driver.server_load(server), LOAD_SECONDS)
    except (TimeoutError, DriverError):
        return None


async def _servers(cloud: Cloud) -> str:
    servers = [server_view(cloud, stored) for stored in cloud.store.list("instance_server")]
    loads = await asyncio.gather(*(_load_of(cloud, server) for server in servers[:MOST_ROWS]))
    rows = []
    for server, load in zip_longest(servers, loads):
        addresses = " ".join(f"<code>{escape(ip['address'])}</code>" for ip in server["public_ips"])
        image = (server["image"] or {}).get("name", "")
        state = _state(server["state"], server["state_detail"])
        place = f"{escape(server['commercial_type'])} <span class=tag>{server['zone']}</span>"
        rows.append([_named(server), state, place, addresses, _load(load), escape(image)])
    return _table("Servers", ["Name and tags", "State", "Type", "Addresses", "Load", "Image"], rows)


async def _balancers(cloud: Cloud) -> str:
    rows = []
    for lb in cloud.store.list(LB):
        shown = lb_view(cloud, lb)
        stats = await cloud.driver.lb_stats(shown)
        health = " ".join(
            f"<span class={'good' if entry['last_health_check_status'] == 'passed' else 'bad'}>"
            f"<code>{escape(entry['ip'])}</code></span>"
            for entry in stats
        )
        ports = " ".join(f"<code>:{part['inbound_port']}</code>" for part in parts_of(cloud, "lb_frontend", lb["id"]))
        addresses = " ".join(f"<code>{escape(ip['ip_address'])}</code>" for ip in shown["ip"])
        state = _state(lb["status"])
        rows.append([f"<b>{escape(lb['name'])}</b>", state, escape(lb["type"]), addresses, ports, health])
    return _table("Load balancers", ["Name", "State", "Type", "Addresses", "Ports", "Backend servers"], rows)


def _records(cloud: Cloud) -> str:
    rows = []
    for record in cloud.store.list("dns_record"):
        name = f"{record['name']}.{record['zone']}" if record["name"] else record["zone"]
        if record["type"] != "NS":
            rows.append(
                [
                    f"<code>{escape(name)}</code>",
                    record["type"],
                    str(record["ttl"]),
                    f"<code>{escape(record['data'])}</code>",
                ]
            )
    zones = ", ".join(f"{zone['id']} {zone['status']}" for zone in cloud.store.list("dns_zone"))
    return _table("DNS records", ["Name", "Type", "TTL", "Data"], rows, f"&middot; zones: {escape(zones)}")


def _images(cloud: Cloud) -> str:
    rows = [
        [_named(image), _state(image["state"]), escape(image["zone"]), image["arch"]]
        for image in cloud.store.list("instance_image")
    ]
    return _table("Images", ["Name and tags", "State", "Zone", "Architecture"], rows)


def _disks(cloud: Cloud) -> str:
    def row(kind: str, obj: Object) -> list[str]:
        state = _state(obj.get("state") or obj["status"])
        return [f"<b>{escape(obj['name'])}</b>", kind, state, _size(obj["size"]), escape(obj["zone"])]

    kinds = {
        "instance_volume": "local volume",
        "block_volume": "block volume",
        "instance_snapshot": "local snapshot",
        "block_snapshot": "block snapshot",
    }
    rows = [row(name, obj) for kind, name in kinds.items() for obj in cloud.store.list(kind)]
    return _table("Disks", ["Name", "Kind", "State", "Size", "Zone"], rows)


def _namespaces(cloud: Cloud) -> str:
    rows = []
    for space in cloud.store.list("registry_namespace"):
        names = ", ".join(
            image["name"] for image in cloud.store.list("registry_image") if image["namespace_id"] == space["id"]
        )
        public = "public" if space["is_public"] else "private"
        rows.append([f"<code>{escape(space['endpoint'])}</code>", _state(space["status"]), public, escape(names)])
    return _table("Registry", ["Namespace", "State", "Access", "Images"], rows)


async def _page(cloud: Cloud) -> str:
    info = cloud.driver.info()
    facts = [f"driver {info['driver']}", f"project {cloud.settings.project}"]
    facts += [f"{name} {info[name]}" for name in ("gateway", "dns", "registry") if info.get(name)]
    under_way = cloud.store.count("job")
    facts.append(f"{under_way} job{'s' if under_way != 1 else ''} under way")
    sections = [
        await _servers(cloud),
        await _balancers(cloud),
        _records(cloud),
        _images(cloud),
        _disks(cloud),
        _namespaces(cloud),
    ]
    told = "".join(f"<span>{escape(fact)}</span>" for fact in facts)
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8><title>Ensemble lab</title>"
        "<meta name=viewport content='width=device-width, initial-scale=1'><link rel=icon href='data:,'>"
        f"<meta http-equiv=refresh content={RENEW_SECONDS}><style>{CSS}</style></head>"
        f"<body><header><h1><b>Ensemble</b> lab</h1>{told}</header><main>{''.join(sections)}</main></body></html>"
    )


def routes(cloud: Cloud) -> list[BaseRoute]:
    async def show(request: Request) -> Response:
        return HTMLResponse(await _page(cloud))

    return [Route("/", show)]

# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance v1: what can be bought. Server types with price and stock, volume types."""

from __future__ import annotations

from ensemble_lab.api.instance import SERVICE
from ensemble_lab.catalog.server_types import server_types
from ensemble_lab.store import Object
from ensemble_lab.web.lists import instance_page
from ensemble_lab.web.service import Call, Reply


@SERVICE.get("/products/servers")
def list_types(call: Call) -> Reply:
    types = server_types(call.zone)
    page, headers = instance_page(call, list(types))
    return Reply(200, {"servers": {name: types[name] for name in page}}, headers)


@SERVICE.get("/products/servers/availability")
def list_stock(call: Call) -> Reply:
    page, headers = instance_page(call, list(server_types(call.zone)))
    gone = call.cloud.out_of_stock
    return Reply(
        200,
        {"servers": {name: {"availability": "shortage" if name in gone else "available"} for name in page}},
        headers,
    )


@SERVICE.get("/products/volumes")
def list_volume_types(call: Call) -> Object:
    def entry(name: str, most: int, snapshot: bool) -> Object:
        return {
            "display_name": name,
            "capabilities": {"snapshot": snapshot},
            "constraints": {"min": 10**9, "max": most * 10**9},
        }

    return {"volumes": {"l_ssd": entry("Local SSD", 800, True), "scratch": entry("Scratch", 1280, False)}}

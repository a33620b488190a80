# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed databases v1: engines and node types."""

from __future__ import annotations

from ensemble_lab.api.rdb import SERVICE
from ensemble_lab.catalog.database_engines import GB, VOLUME_CLASSES, engines, node_types
from ensemble_lab.store import Object
from ensemble_lab.web.lists import plain_list
from ensemble_lab.web.service import Call


@SERVICE.get("/database-engines")
def list_engines(call: Call) -> Object:
    chosen, version = call.asked("name"), call.asked("version")
    found = [engine for engine in engines(call.region) if chosen in (None, engine["name"])]
    if version:
        for engine in found:
            engine["versions"] = [one for one in engine["versions"] if one["version"] == version]
    return plain_list(call, "engines", found)


def _volume_types(local: int, block: int) -> list[Object]:
    found = []
    for name, kind in VOLUME_CLASSES.items():
        if (kind == "lssd" and not local) or name == "bssd":
            continue
        least, most, step = (local, local, 0) if kind == "lssd" else (5 * GB, block, 5 * GB)
        sizes = {"min_size": least, "max_size": most, "chunk_size": step}
        found.append({"type": name, "class": kind, "description": "", **sizes})
    return found


@SERVICE.get("/node-types")
def list_node_types(call: Call) -> Object:
    shared = {
        "stock_status": "available",
        "description": "",
        "disabled": False,
        "beta": False,
        "is_ha_required": False,
        "is_bssd_compatible": False,
        "generation": "unknown_generation",
        "region": call.region,
    }
    types = [
        {
            "name": name,
            "vcpus": cpus,
            "memory": memory,
            "available_volume_types": _volume_types(local, block),
            "volume_constraint": {"min_size": local or 5 * GB, "max_size": local or block},
            "instance_range": name.split("-")[1],
            **shared,
        }
        for name, (cpus, memory, local, block) in node_types().items()
    ]
    return plain_list(call, "node_types", types)

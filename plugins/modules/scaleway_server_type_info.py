#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_server_type_info
short_description: Server types with price and stock
version_added: 0.1.0
description:
  - Lists the server types of a zone with processors, memory, local disk, network, price and stock.
options:
  name:
    description: Exact name of a type.
    type: str
  available:
    description: Whether to leave out types that are out of stock.
    type: bool
    default: false
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.info
seealso:
  - module: ensemble.jitsi.scaleway_server
  - module: ensemble.jitsi.scaleway_fleet
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: Everything that can be had now
  ensemble.jitsi.scaleway_server_type_info:
    available: true
  register: types

- name: Price of one type
  ensemble.jitsi.scaleway_server_type_info:
    name: DEV1-L
  register: dev1_l

- name: In another zone
  ensemble.jitsi.scaleway_server_type_info:
    name: PRO2-XXS
    zone: nl-ams-1
"""

RETURN = r"""
server_types:
  description: The types, cheapest first.
  returned: always
  type: list
  elements: dict
  contains:
    name: {description: Name of the type., type: str, returned: always, sample: DEV1-L}
    ncpus: {description: Virtual processors., type: int, returned: always, sample: 4}
    ram: {description: Memory in bytes., type: int, returned: always, sample: 8589934592}
    local_disk: {description: Largest sum of local disks in bytes., type: int, returned: always, sample: 80000000000}
    bandwidth: {description: Internet bandwidth in bit/s., type: int, returned: always, sample: 400000000}
    arch: {description: Processor architecture., type: str, returned: always, sample: x86_64}
    hourly_price: {description: EUR an hour., type: float, returned: always, sample: 0.0428}
    monthly_price: {description: EUR a month., type: float, returned: always, sample: 31.24}
    availability:
      description: V(available), V(scarce) or V(shortage).
      type: str
      returned: always
      sample: available
    end_of_service: {description: Whether Scaleway retires the type., type: bool, returned: always, sample: false}
"""

from typing import Any

from ..module_utils.client import Client
from ..module_utils.errors import Invalid
from ..module_utils.module import look_up
from ..module_utils.resources.products import server_types


def types(client: Client, params: dict[str, Any]) -> list[dict[str, Any]]:
    zone = client.settings.zone
    stock = client.get(f"/instance/v1/zones/{zone}/products/servers/availability", per_page=100).get("servers", {})
    known = server_types(client)
    if params["name"] and params["name"] not in known:
        raise Invalid(f"There is no server type {params['name']!r} in {zone}.")
    rows = [
        {
            "name": name,
            "ncpus": kind["ncpus"],
            "ram": kind["ram"],
            "local_disk": (kind.get("volumes_constraint") or {}).get("max_size") or 0,
            "bandwidth": (kind.get("network") or {}).get("sum_internet_bandwidth") or 0,
            "arch": kind["arch"],
            "hourly_price": kind.get("hourly_price"),
            "monthly_price": kind.get("monthly_price"),
            "availability": stock.get(name, {}).get("availability", "unknown"),
            "end_of_service": bool(kind.get("end_of_service")),
        }
        for name, kind in known.items()
        if params["name"] in (None, "", name)
    ]
    chosen = [row for row in rows if not params["available"] or row["availability"] in ("available", "scarce")]
    return sorted(chosen, key=lambda row: (row["hourly_price"] or 0.0, row["name"]))


def main() -> None:
    look_up("server_types", {"name": {"type": "str"}, "available": {"type": "bool", "default": False}}, types)


if __name__ == "__main__":
    main()

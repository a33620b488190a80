#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_server_info
short_description: Servers of the project
version_added: 0.1.0
description:
  - Lists servers by name, tags or state.
options:
  name:
    description: Exact name of a server.
    type: str
  tags:
    description: Tags that the servers must all have.
    type: list
    elements: str
  server_state:
    description: State that the servers must be in, such as V(running), V(stopped) or V(stopped in place).
    type: str
  private_addresses:
    description:
      - Whether to look up the addresses that the servers have in private networks, for RV(servers[].private_addresses).
      - Takes two more requests for all servers together.
    type: bool
    default: false
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.info
seealso:
  - module: ensemble.jitsi.scaleway_server
  - plugin: ensemble.jitsi.scaleway
    plugin_type: inventory
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: Servers that have the tag
  ensemble.jitsi.scaleway_server_info:
    tags: [jitsi]
  register: jitsi

- name: One server
  ensemble.jitsi.scaleway_server_info:
    name: monitoring-1

- name: What is off, but still billed for its disks
  ensemble.jitsi.scaleway_server_info:
    server_state: stopped

- name: Where the API servers are within the platform
  ensemble.jitsi.scaleway_server_info:
    tags: ["ensemble-role:api"]
    private_addresses: true
"""

RETURN = r"""
servers:
  description: The servers, by name, as M(ensemble.jitsi.scaleway_server) returns them.
  returned: always
  type: list
  elements: dict
  contains:
    private_addresses:
      description: IPv4 addresses by the name of the private network.
      returned: with O(private_addresses=true)
      type: dict
      sample: {inside: 172.16.4.2}
  sample:
    - {id: 2e6e8a40-6b5d-4f0d-9a6c-6a9b1f2b9c1e, name: h-1, state: running, public_address: 51.15.208.130, tags:
      [jitsi]}
"""

from typing import Any

from ..module_utils.client import Client
from ..module_utils.fields import tag_query
from ..module_utils.module import look_up
from ..module_utils.resources.private_network import addresses_of_nics
from ..module_utils.resources.server import Server


def servers(client: Client, params: dict[str, Any]) -> list[dict[str, Any]]:
    server = Server(client, {})
    tags = tag_query(params["tags"])
    found = server.list(name=params["name"] or None, tags=tags, state=params["server_state"] or None)
    chosen = [each for each in found if params["name"] in (None, "", each["name"])]
    found = [server.represent(each) for each in sorted(chosen, key=lambda each: each["name"])]
    if params["private_addresses"] and found:
        inside = addresses_of_nics(client)
        for each in found:
            nics = [nic["id"] for nic in each.get("private_nics") or []]
            each["private_addresses"] = {name: ip for nic in nics for name, ip in inside.get(nic, {}).items()}
    return found


def main() -> None:
    spec = {
        "name": {"type": "str"},
        "tags": {"type": "list", "elements": "str"},
        "server_state": {"type": "str"},
        "private_addresses": {"type": "bool", "default": False},
    }
    look_up("servers", spec, servers)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_private_network_info
short_description: Private networks of the project
version_added: 0.4.0
description:
  - Lists the private networks of a region by name or tags.
options:
  name:
    description: Exact name of a private network.
    type: str
  tags:
    description: Tags that the networks must all have.
    type: list
    elements: str
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.info
seealso:
  - module: ensemble.jitsi.scaleway_private_network
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: Networks of a platform
  ensemble.jitsi.scaleway_private_network_info:
    tags: ["ensemble:production"]
  register: networks

- name: All that have a tag in another region
  ensemble.jitsi.scaleway_private_network_info:
    region: nl-ams
    tags: ["ensemble:production"]

- name: One of them
  ensemble.jitsi.scaleway_private_network_info:
    name: inside
"""

RETURN = r"""
private_networks:
  description: The networks by name, as M(ensemble.jitsi.scaleway_private_network) returns them.
  returned: always
  type: list
  elements: dict
  sample:
    - id: 7ad66d5f-7a77-4c4f-8e9a-3f9e1e3f0a52
      name: inside
      subnets: [{id: 3a1a7ef8-9a38-4f4b-8f0e-0e6f0d0a6b01, subnet: 172.16.32.0/22}]
      tags: ["ensemble:production"]
      region: fr-par
"""

from typing import Any

from ..module_utils.client import Client
from ..module_utils.module import look_up
from ..module_utils.resources.private_network import PrivateNetwork


def private_networks(client: Client, params: dict[str, Any]) -> list[dict[str, Any]]:
    desired = set(params["tags"] or [])
    found = PrivateNetwork(client, {}).list(name=params["name"] or None)
    chosen = [
        each for each in found if params["name"] in (None, "", each["name"]) and desired <= set(each.get("tags") or [])
    ]
    return sorted(chosen, key=lambda each: str(each["name"]))


def main() -> None:
    spec = {"name": {"type": "str"}, "tags": {"type": "list", "elements": "str"}}
    look_up("private_networks", spec, private_networks)


if __name__ == "__main__":
    main()

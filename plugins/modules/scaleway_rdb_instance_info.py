#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_rdb_instance_info
short_description: Managed database instances of the project
version_added: 0.3.0
description:
  - Lists the project's instances of managed databases, by name or tags.
options:
  name:
    description: Exact name of an instance.
    type: str
  tags:
    description: Tags that the instances must all have.
    type: list
    elements: str
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.info
seealso:
  - module: ensemble.jitsi.scaleway_rdb_instance
  - plugin: ensemble.jitsi.scaleway_rdb_certificate
    plugin_type: lookup
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: Where the database of the rooms is
  ensemble.jitsi.scaleway_rdb_instance_info:
    name: rooms
  register: rooms

- name: All of a platform
  ensemble.jitsi.scaleway_rdb_instance_info:
    tags: ["ensemble:production"]
  register: databases

- name: Every instance of the project in a region
  ensemble.jitsi.scaleway_rdb_instance_info:
    region: fr-par
  register: all_databases
"""

RETURN = r"""
instances:
  description: The instances by name, as the API shows them.
  returned: always
  type: list
  elements: dict
  sample:
    - id: 3199135d-540e-46b0-875a-42c437784943
      name: rooms
      engine: PostgreSQL-15
      node_type: db-dev-s
      status: ready
      endpoint: {ip: 51.159.114.140, port: 14892, load_balancer: {}}
      endpoints: [{ip: 51.159.114.140, port: 14892, load_balancer: {}}]
"""

from typing import Any

from ..module_utils.client import Client
from ..module_utils.module import look_up
from ..module_utils.resources.rdb_instance import RdbInstance


def instances(client: Client, params: dict[str, Any]) -> list[dict[str, Any]]:
    desired = set(params["tags"] or [])
    found = RdbInstance(client, {}).list(name=params["name"] or None)
    chosen = [each for each in found if params["name"] in (None, "", each["name"]) and desired <= set(each["tags"])]
    return sorted(chosen, key=lambda each: str(each["name"]))


def main() -> None:
    look_up("instances", {"name": {"type": "str"}, "tags": {"type": "list", "elements": "str"}}, instances)


if __name__ == "__main__":
    main()

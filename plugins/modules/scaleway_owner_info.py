#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_owner_info
short_description: Find objects of other owners that use certain names
version_added: 0.2.0
description:
  - Finds objects of the project that have one of the names but lack the owner's tag, so they belong to somebody else
    or were created by hand.
  - A playbook can check this first and refuse to start instead of failing half-way.
options:
  names:
    description: The names to check, by kind of object.
    type: dict
    required: true
    suboptions:
      server: &names
        description: Names of objects of this kind.
        type: list
        elements: str
        default: []
      image: *names
      ip: *names
      lb: *names
      lb_ip: *names
      placement_group: *names
      private_network: *names
      rdb_instance: *names
      secret: *names
      security_group: *names
      volume: *names
      vpc: *names
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.info
seealso:
  - module: ensemble.jitsi.scaleway_server_info
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: Who holds the names of the staging platform
  ensemble.jitsi.scaleway_owner_info:
    owner_tag: ensemble:staging
    names:
      server: [staging-api-1, staging-api-2]
      security_group: [staging-api]
  register: staging

- name: Nobody else may
  ansible.builtin.assert:
    that: staging.foreign == []

- name: One kind
  ensemble.jitsi.scaleway_owner_info:
    owner_tag: ensemble:staging
    names:
      lb: [staging]

- name: Addresses are found by the names that their tags give them
  ensemble.jitsi.scaleway_owner_info:
    owner_tag: ensemble:staging
    names:
      ip: [staging-prometheus]
      lb_ip: [staging-portal]
"""

RETURN = r"""
foreign:
  description: Objects that have one of the names but not the tag.
  returned: always
  type: list
  elements: dict
  sample:
    - {kind: server, name: staging-api-1, id: 2e6e8a40-6b5d-4f0d-9a6c-6a9b1f2b9c1e, tags: [ensemble:production]}
"""

from typing import Any

from ..module_utils.client import Client
from ..module_utils.errors import Invalid
from ..module_utils.module import look_up
from ..module_utils.ownership import carries
from ..module_utils.resources.image import Image
from ..module_utils.resources.ip import Ip, LbIp, name_of
from ..module_utils.resources.lb import Lb
from ..module_utils.resources.placement_group import PlacementGroup
from ..module_utils.resources.private_network import PrivateNetwork
from ..module_utils.resources.rdb_instance import RdbInstance
from ..module_utils.resources.secret import Secret
from ..module_utils.resources.security_group import SecurityGroup
from ..module_utils.resources.server import Server
from ..module_utils.resources.volume import Volume
from ..module_utils.resources.vpc import Vpc

KINDS = {
    "server": Server,
    "image": Image,
    "ip": Ip,
    "lb": Lb,
    "lb_ip": LbIp,
    "placement_group": PlacementGroup,
    "private_network": PrivateNetwork,
    "rdb_instance": RdbInstance,
    "secret": Secret,
    "security_group": SecurityGroup,
    "volume": Volume,
    "vpc": Vpc,
}


def foreign(client: Client, params: dict[str, Any]) -> list[dict[str, Any]]:
    owner_tag = params["owner_tag"]
    if not owner_tag:
        raise Invalid("owner_tag is required to determine the owners of the objects.")
    asked = [(kind, set(names)) for kind, names in params["names"].items() if names]
    listed = client.each(lambda each: KINDS[each[0]](client, {}).list(), asked)
    return [
        {"kind": kind, "name": name, "id": found["id"], "tags": found.get("tags") or []}
        for (kind, names), objects in zip(asked, listed, strict=True)
        for found in objects
        if (name := found.get("name") or name_of(found)) in names and not carries(owner_tag, found.get("tags"))
    ]


def main() -> None:
    names = {kind: {"type": "list", "elements": "str", "default": [], "no_log": False} for kind in KINDS}
    look_up("foreign", {"names": {"type": "dict", "required": True, "options": names}}, foreign)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_vpc
short_description: VPCs of a region
version_added: 0.4.0
description:
  - Creates, changes and removes VPCs, which contain private networks. Networks in the same VPC can reach each other;
    networks in different VPCs cannot, and may use the same addresses.
options:
  tags:
    description: Tags; their order does not matter.
    type: list
    elements: str
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.attributes
  - ensemble.jitsi.scaleway.object
  - ensemble.jitsi.scaleway.presence
seealso:
  - module: ensemble.jitsi.scaleway_private_network
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: A VPC of its own for a platform
  ensemble.jitsi.scaleway_vpc:
    name: platform

- name: A network in it
  ensemble.jitsi.scaleway_private_network:
    name: platform-1
    vpc_id: platform
    subnets: [172.16.4.0/22]

- name: The network goes
  ensemble.jitsi.scaleway_private_network:
    name: platform-1
    state: absent

- name: Before its VPC
  ensemble.jitsi.scaleway_vpc:
    name: platform
    state: absent
"""

RETURN = r"""
vpc:
  description: The VPC, as the API shows it; null when it is absent.
  returned: always
  type: dict
  sample:
    id: 5f8c8e8a-5d70-4a9c-8a0a-3a1a7ef89a38
    name: platform
    is_default: false
    routing_enabled: true
    private_network_count: 0
    tags: []
    region: fr-par
"""

from ..module_utils.module import run
from ..module_utils.resources.vpc import Vpc


def main() -> None:
    run(Vpc)


if __name__ == "__main__":
    main()

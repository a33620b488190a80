#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_private_network
short_description: Private networks of a region
version_added: 0.1.0
description:
  - Creates, changes and removes private networks. Servers join with
    O(ensemble.jitsi.scaleway_server#module:private_networks).
options:
  subnets:
    description: IPv4 networks in CIDR notation. If not set, the API chooses one. It always adds an IPv6 network.
    type: list
    elements: str
  vpc_id:
    description: Name or id of the VPC; defaults to the project's default VPC.
    type: str
  default_route_propagation_enabled:
    description: Whether the network's members learn the VPC's default route.
    type: bool
  tags:
    description: Tags; their order does not matter.
    type: list
    elements: str
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.attributes
  - ensemble.jitsi.scaleway.object
  - ensemble.jitsi.scaleway.presence
  - ensemble.jitsi.scaleway.recreate
seealso:
  - module: ensemble.jitsi.scaleway_vpc
  - module: ensemble.jitsi.scaleway_private_network_info
  - module: ensemble.jitsi.scaleway_server
  - module: ensemble.jitsi.scaleway_fleet
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: A network for servers that talk to each other
  ensemble.jitsi.scaleway_private_network:
    name: inside
    subnets: [172.16.32.0/22]

- name: A server in it
  ensemble.jitsi.scaleway_server:
    name: database-1
    state: running
    commercial_type: PRO2-XXS
    image: debian_trixie
    private_networks: [inside]

- name: It leaves the network
  ensemble.jitsi.scaleway_server:
    name: database-1
    state: running
    private_networks: []

- name: No longer needed
  ensemble.jitsi.scaleway_private_network:
    name: inside
    state: absent
"""

RETURN = r"""
private_network:
  description: The network, as the API shows it; null when it is absent.
  returned: always
  type: dict
  sample:
    id: 7ad66d5f-7a77-4c4f-8e9a-3f9e1e3f0a52
    name: inside
    subnets: [{id: 3a1a7ef8-9a38-4f4b-8f0e-0e6f0d0a6b01, subnet: 172.16.32.0/22}]
    dhcp_enabled: true
    tags: []
    region: fr-par
"""

from ..module_utils.module import run
from ..module_utils.resources.private_network import PrivateNetwork


def main() -> None:
    run(PrivateNetwork)


if __name__ == "__main__":
    main()

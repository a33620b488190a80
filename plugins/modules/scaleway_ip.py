#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_ip
short_description: Reserved addresses of instances
version_added: 0.1.0
description:
  - Reserves, attaches, names (reverse DNS) and releases flexible addresses of instances.
  - Addresses have no names in the API. This module sets the tag V(name:NAME) and uses it as the name.
  - For addresses of load balancers, see M(ensemble.jitsi.scaleway_lb_ip).
options:
  type:
    description: Kind of address. A new one defaults to V(routed_ipv4).
    type: str
    choices: [routed_ipv4, routed_ipv6]
  tags:
    description: Tags beside the one that is the name; their order does not matter.
    type: list
    elements: str
  server:
    description: Name or id of the server that the address belongs to; an empty string detaches it.
    type: str
  reverse:
    description:
      - Reverse DNS name, which must already resolve to the address; the task waits up to 90 seconds for DNS to show
        it.
      - An empty string restores Scaleway's own name.
    type: str
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.attributes
  - ensemble.jitsi.scaleway.object
  - ensemble.jitsi.scaleway.presence
  - ensemble.jitsi.scaleway.recreate
seealso:
  - module: ensemble.jitsi.scaleway_lb_ip
  - module: ensemble.jitsi.scaleway_dns_record
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: An address that stays the same whatever happens to the server
  ensemble.jitsi.scaleway_ip:
    name: monitoring
  register: reserved

- name: The server with this address
  ensemble.jitsi.scaleway_server:
    name: monitoring-1
    state: running
    commercial_type: DEV1-S
    image: debian_trixie
    dynamic_ip_required: false
    public_ips: ["{{ reserved.ip.id }}"]

- name: Its name
  ensemble.jitsi.scaleway_dns_record:
    dns_zone: example.org
    records:
      - {name: monitoring, data: ["{{ reserved.ip.address }}"]}

- name: Its reverse name
  ensemble.jitsi.scaleway_ip:
    name: monitoring
    reverse: monitoring.example.org
"""

RETURN = r"""
ip:
  description: The address, as the API shows it, with the name from its tag; null when it is absent.
  returned: always
  type: dict
  sample:
    id: a8b63a79-fcf4-4dd7-9eb8-eb4b4c3d6bb6
    name: monitoring
    address: 51.15.208.130
    type: routed_ipv4
    state: attached
    reverse: monitoring.example.org
    server: {id: 2e6e8a40-6b5d-4f0d-9a6c-6a9b1f2b9c1e, name: monitoring-1}
    tags: ["name:monitoring"]
    zone: fr-par-1
"""

from ..module_utils.module import run
from ..module_utils.resources.ip import Ip


def main() -> None:
    run(Ip)


if __name__ == "__main__":
    main()

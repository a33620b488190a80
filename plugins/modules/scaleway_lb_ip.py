#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_lb_ip
short_description: Reserved addresses of load balancers
version_added: 0.1.0
description:
  - Reserves, names (reverse DNS) and releases addresses of load balancers, so that an address is known before its
    balancer exists.
  - Addresses have no names in the API. This module sets the tag V(name:NAME) and uses it as the name.
options:
  is_ipv6:
    description: Whether to reserve an IPv6 address instead of an IPv4 one.
    type: bool
  tags:
    description: Tags beside the one that is the name; their order does not matter.
    type: list
    elements: str
  reverse:
    description: >-
      Reverse DNS name, which must already resolve to the address; the task waits up to 90 seconds for DNS to show it.
    type: str
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.attributes
  - ensemble.jitsi.scaleway.object
  - ensemble.jitsi.scaleway.presence
  - ensemble.jitsi.scaleway.recreate
seealso:
  - module: ensemble.jitsi.scaleway_lb
  - module: ensemble.jitsi.scaleway_ip
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: The address of the portal
  ensemble.jitsi.scaleway_lb_ip:
    name: portal
  register: portal_address

- name: Its balancer
  ensemble.jitsi.scaleway_lb:
    name: portal
    type: LB-S
    ip_ids: [portal]

- name: Without the balancer
  ensemble.jitsi.scaleway_lb:
    name: portal
    state: absent

- name: Release the address
  ensemble.jitsi.scaleway_lb_ip:
    name: portal
    state: absent
"""

RETURN = r"""
ip:
  description: The address, as the API shows it, with the name from its tag; null when it is absent.
  returned: always
  type: dict
  sample:
    id: 5d8d6d2f-60e1-4e5c-8a33-1a3f4f4d5d0a
    name: portal
    ip_address: 51.158.70.159
    lb_id: null
    reverse: 51-158-70-159.lb.fr-par.scw.cloud
    tags: ["name:portal"]
    zone: fr-par-1
"""

from ..module_utils.module import run
from ..module_utils.resources.ip import LbIp


def main() -> None:
    run(LbIp)


if __name__ == "__main__":
    main()

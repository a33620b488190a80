#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_lb
short_description: Load balancers
version_added: 0.1.0
description:
  - Creates, changes and removes load balancers. Configure them with M(ensemble.jitsi.scaleway_lb_backend),
    M(ensemble.jitsi.scaleway_lb_frontend), M(ensemble.jitsi.scaleway_lb_certificate) and
    M(ensemble.jitsi.scaleway_lb_acl).
options:
  type:
    description: Size of the balancer, such as V(LB-S); a change migrates it. Required to create one.
    type: str
  description:
    description: What the balancer is for.
    type: str
  ssl_compatibility_level:
    description: Oldest kind of clients that TLS frontends support.
    type: str
    choices: [ssl_compatibility_level_intermediate, ssl_compatibility_level_modern, ssl_compatibility_level_old]
  tags:
    description: Tags; their order does not matter.
    type: list
    elements: str
  ip_ids:
    description:
      - Its addresses, each by id, by name (see M(ensemble.jitsi.scaleway_lb_ip)) or the address itself.
      - If not set, a new balancer gets a new address.
    type: list
    elements: str
  private_networks:
    description: Names or ids of the private networks that the balancer is in, all of them.
    type: list
    elements: str
  release_ip:
    description:
      - Whether removing the balancer releases its addresses. By default, addresses that were reserved by name stay and
        others are released.
    type: bool
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.attributes
  - ensemble.jitsi.scaleway.object
  - ensemble.jitsi.scaleway.presence
  - ensemble.jitsi.scaleway.recreate
seealso:
  - module: ensemble.jitsi.scaleway_lb_ip
  - module: ensemble.jitsi.scaleway_lb_backend
  - module: ensemble.jitsi.scaleway_lb_frontend
  - module: ensemble.jitsi.scaleway_lb_certificate
  - module: ensemble.jitsi.scaleway_lb_acl
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: A balancer on a reserved address
  ensemble.jitsi.scaleway_lb:
    name: portal
    type: LB-S
    ip_ids: [portal]
    ssl_compatibility_level: ssl_compatibility_level_modern

- name: A larger one
  ensemble.jitsi.scaleway_lb:
    name: portal
    type: LB-GP-M

- name: Remove it, and its address unless it was reserved by name
  ensemble.jitsi.scaleway_lb:
    name: portal
    state: absent
"""

RETURN = r"""
lb:
  description: The load balancer, as the API shows it; null when it is absent.
  returned: always
  type: dict
  sample:
    id: 52f4a6e0-0a3d-4c36-8d1e-2f2e6b1c7d55
    name: portal
    type: lb-s
    status: ready
    ip: [{id: 5d8d6d2f-60e1-4e5c-8a33-1a3f4f4d5d0a, ip_address: 51.158.70.159}]
    backend_count: 1
    frontend_count: 1
    tags: []
    zone: fr-par-1
"""

from ..module_utils.module import run
from ..module_utils.resources.lb import Lb


def main() -> None:
    run(Lb)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_lb_frontend
short_description: Frontends of a load balancer
version_added: 0.1.0
description:
  - Creates, changes and removes frontends, the ports on which a load balancer listens.
options:
  lb:
    description: Name or id of the load balancer.
    type: str
    required: true
  inbound_port:
    description: Port to listen on. Required to create a frontend.
    type: int
  backend:
    description: Name or id of the backend that receives the traffic. Required to create a frontend.
    type: str
  timeout_client:
    description: Milliseconds that a client may be idle.
    type: int
  certificates:
    description: Names or ids of the balancer's certificates; if set, the frontend uses TLS.
    type: list
    elements: str
  enable_http3:
    description: Whether HTTP/3 is offered.
    type: bool
  connection_rate_limit:
    description: New connections a second from one address; V(0) means any number.
    type: int
  enable_access_logs:
    description: Whether requests are logged to Scaleway's Cockpit.
    type: bool
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.attributes
  - ensemble.jitsi.scaleway.object
  - ensemble.jitsi.scaleway.presence
seealso:
  - module: ensemble.jitsi.scaleway_lb_backend
  - module: ensemble.jitsi.scaleway_lb_certificate
  - module: ensemble.jitsi.scaleway_lb_acl
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: HTTP
  ensemble.jitsi.scaleway_lb_frontend:
    lb: portal
    name: http
    inbound_port: 80
    backend: portal

- name: HTTPS
  ensemble.jitsi.scaleway_lb_frontend:
    lb: portal
    name: https
    inbound_port: 443
    backend: portal
    certificates: [portal]

- name: No plain HTTP any more
  ensemble.jitsi.scaleway_lb_frontend:
    lb: portal
    name: http
    state: absent
"""

RETURN = r"""
frontend:
  description: The frontend, as the API shows it; null when it is absent.
  returned: always
  type: dict
  sample:
    id: c1a4bb0e-bd20-4b32-8ac2-0a0a0f0f5f66
    name: https
    inbound_port: 443
    backend: {id: 7bd7b3b6-0a6e-4c0e-9a64-9e0a5c2b3d10, name: portal}
    certificate_ids: [9d1ce6b1-3aa8-4a5c-b91f-6f8a3c6c8a11]
"""

from ..module_utils.module import run
from ..module_utils.resources.lb_frontend import LbFrontend


def main() -> None:
    run(LbFrontend)


if __name__ == "__main__":
    main()

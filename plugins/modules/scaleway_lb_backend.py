#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_lb_backend
short_description: Backends of a load balancer
version_added: 0.1.0
description:
  - Creates, changes and removes backends, with their servers and their health check.
  - Only options that are set are compared and changed.
options:
  lb:
    description: Name or id of the load balancer.
    type: str
    required: true
  forward_protocol:
    description: Protocol towards the servers. Required to create a backend.
    type: str
    choices: [http, tcp]
  forward_port:
    description: Port of the servers. Required to create a backend.
    type: int
  forward_port_algorithm:
    description: How a server is chosen; a new backend defaults to V(roundrobin).
    type: str
    choices: [roundrobin, leastconn, first]
  sticky_sessions:
    description: Whether a client returns to the same server; a new backend defaults to V(none).
    type: str
    choices: [none, cookie, table]
  sticky_sessions_cookie_name:
    description: Name of the cookie for O(sticky_sessions=cookie).
    type: str
  server_ip:
    description:
      - Addresses of the servers, all of them; their order does not matter.
      - Removing all servers with V([]) requires O(allow_empty).
    type: list
    elements: str
  allow_empty:
    description: Whether O(server_ip) may remove all servers of a backend.
    type: bool
    default: false
  health_check:
    description:
      - How to check the health of a server. Options that are not set stay unchanged; a new backend checks TCP
        connections to O(forward_port).
    type: dict
    suboptions:
      port:
        description: Port to check. If it was never set, it is O(forward_port), and follows its changes.
        type: int
      check_delay:
        description: Milliseconds between two checks; V(5000) for a new backend.
        type: int
      check_timeout:
        description: Milliseconds until a check counts as failed; V(3000) for a new backend.
        type: int
      check_max_retries:
        description: Failed checks in a row until a server is taken out; V(3) for a new backend.
        type: int
      check_send_proxy:
        description: Whether checks speak the proxy protocol; V(false) for a new backend.
        type: bool
      transient_check_delay:
        description: Time between two checks while a server changes its state; V(0.5s) for a new backend.
        type: str
      tcp_config:
        description: Only check that a connection opens; set it to V({}).
        type: dict
      http_config:
        description: Check the answer to an HTTP request.
        type: dict
        suboptions: &http
          uri:
            description: Path to ask for.
            type: str
            required: true
          method:
            description: HTTP method; V(GET) where nothing was said yet.
            type: str
          code:
            description: Expected status; V(200) where nothing was said yet.
            type: int
          host_header:
            description: Host header of the request.
            type: str
      https_config:
        description: Check the answer to an HTTPS request.
        type: dict
        suboptions:
          <<: *http
          sni:
            description: Server name for TLS.
            type: str
  timeout_server:
    description: Milliseconds that a server may take to answer.
    type: int
  timeout_connect:
    description: Milliseconds that connecting to a server may take.
    type: int
  timeout_tunnel:
    description: Milliseconds that a WebSocket may be idle.
    type: int
  timeout_queue:
    description: Time that a request may wait for a server, such as V(5s).
    type: str
  on_marked_down_action:
    description: What happens to sessions of a server that is taken out.
    type: str
    choices: [on_marked_down_action_none, shutdown_sessions]
  proxy_protocol:
    description: Whether to pass the client's address to the servers with the proxy protocol.
    type: str
    choices: [proxy_protocol_none, proxy_protocol_v1, proxy_protocol_v2, proxy_protocol_v2_ssl,
      proxy_protocol_v2_ssl_cn]
  max_connections:
    description: Connections at a time to each server.
    type: int
  max_retries:
    description: Attempts to connect to a server.
    type: int
  redispatch_attempt_count:
    description: Attempts with other servers.
    type: int
  ssl_bridging:
    description: Whether the balancer uses TLS to the servers.
    type: bool
  ignore_ssl_server_verify:
    description: Whether to skip verification of the servers' certificates.
    type: bool
  failover_host:
    description: Scaleway object storage website to serve when no server is left.
    type: str
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.attributes
  - ensemble.jitsi.scaleway.object
  - ensemble.jitsi.scaleway.presence
seealso:
  - module: ensemble.jitsi.scaleway_lb
  - module: ensemble.jitsi.scaleway_lb_frontend
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: Two servers, asked for their readiness
  ensemble.jitsi.scaleway_lb_backend:
    lb: portal
    name: portal
    forward_protocol: http
    forward_port: 8080
    server_ip: [51.15.208.130, 51.15.208.131]
    health_check:
      check_delay: 2000
      check_timeout: 1000
      check_max_retries: 2
      http_config: {uri: /readyz}
    on_marked_down_action: shutdown_sessions

- name: Take one out
  ensemble.jitsi.scaleway_lb_backend:
    lb: portal
    name: portal
    server_ip: [51.15.208.131]

- name: Remove the backend
  ensemble.jitsi.scaleway_lb_backend:
    lb: portal
    name: portal
    state: absent
"""

RETURN = r"""
backend:
  description: The backend, as the API shows it; null when it is absent.
  returned: always
  type: dict
  sample:
    id: 7bd7b3b6-0a6e-4c0e-9a64-9e0a5c2b3d10
    name: portal
    forward_protocol: http
    forward_port: 8080
    pool: [51.15.208.130, 51.15.208.131]
    health_check: {port: 8080, check_delay: 2000, check_timeout: 1000, http_config: {uri: /readyz, method: GET, code:
      200}}
"""

from ..module_utils.module import run
from ..module_utils.resources.lb_backend import LbBackend


def main() -> None:
    run(LbBackend)


if __name__ == "__main__":
    main()

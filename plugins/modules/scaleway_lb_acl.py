#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_lb_acl
short_description: Access rules of a load balancer's frontend
version_added: 0.1.0
description:
  - Creates, changes and removes the rules that allow, refuse or redirect requests before they reach a backend.
options:
  lb:
    description: Name or id of the load balancer.
    type: str
    required: true
  frontend:
    description: Name or id of the frontend.
    type: str
    required: true
  index:
    description: Position of the rule; the lowest is evaluated first. Required to create a rule.
    type: int
  action:
    description: What happens to a request that matches. Required to create a rule.
    type: dict
    suboptions:
      type:
        description: Whether to allow, refuse or redirect the request.
        type: str
        choices: [allow, deny, redirect]
        required: true
      redirect:
        description: Where to, for a redirect.
        type: dict
        suboptions:
          type:
            description: Whether O(action.redirect.target) is a location or a scheme.
            type: str
            choices: [location, scheme]
            default: location
          target:
            description: A URL, or V(https).
            type: str
            required: true
          code:
            description: HTTP status of the redirect.
            type: int
            choices: [301, 302, 303, 307, 308]
  match:
    description:
      - Which requests match; defaults to all.
      - It is compared as a whole; criteria that it does not contain match every request.
    type: dict
    suboptions:
      ip_subnet:
        description: Addresses or networks of clients.
        type: list
        elements: str
      ips_edge_services:
        description: Whether requests from Scaleway's Edge Services match.
        type: bool
      http_filter:
        description: Part of the request to match.
        type: str
        choices: [acl_http_filter_none, path_begin, path_end, regex, http_header_match]
      http_filter_value:
        description: Values to match.
        type: list
        elements: str
      http_filter_option:
        description: Name of the header for V(http_header_match).
        type: str
      invert:
        description: Whether the rule is for requests that do not match.
        type: bool
  description:
    description: What the rule is for.
    type: str
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.attributes
  - ensemble.jitsi.scaleway.object
  - ensemble.jitsi.scaleway.presence
seealso:
  - module: ensemble.jitsi.scaleway_lb_frontend
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: Everybody shall use TLS
  ensemble.jitsi.scaleway_lb_acl:
    lb: portal
    frontend: http
    name: to-https
    index: 1
    action:
      type: redirect
      redirect: {type: scheme, target: https, code: 308}

- name: Metrics are not for the public
  ensemble.jitsi.scaleway_lb_acl:
    lb: portal
    frontend: https
    name: no-metrics
    index: 10
    action: {type: deny}
    match: {http_filter: path_begin, http_filter_value: [/metrics]}

- name: They are again
  ensemble.jitsi.scaleway_lb_acl:
    lb: portal
    frontend: https
    name: no-metrics
    state: absent
"""

RETURN = r"""
acl:
  description: The rule, as the API shows it; null when it is absent.
  returned: always
  type: dict
  sample:
    id: 2d0e5b1a-33c9-4f0c-8b2e-0c0c5a2f9a77
    name: no-metrics
    index: 10
    action: {type: deny, redirect: null}
    match: {http_filter: path_begin, http_filter_value: [/metrics], invert: false}
"""

from ..module_utils.module import run
from ..module_utils.resources.lb_acl import LbAcl


def main() -> None:
    run(LbAcl)


if __name__ == "__main__":
    main()

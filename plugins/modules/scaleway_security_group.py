#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_security_group
short_description: Security groups and their rules
version_added: 0.1.0
description:
  - Creates, changes and removes security groups of instances, with all of their rules in one task.
  - The rules of the task replace all existing ones. Rules that the API adds itself (blocked mail ports) are ignored.
  - Rules are compared by their effect. Their order matters only where accepting and dropping rules overlap.
options:
  description:
    description: What the group is for.
    type: str
  stateful:
    description: Whether replies to accepted packets may pass. A new one defaults to V(true).
    type: bool
  inbound_default_policy:
    description: What happens to incoming packets that no rule matches. A new one defaults to V(accept).
    type: str
    choices: [accept, drop]
  outbound_default_policy:
    description: What happens to outgoing packets that no rule matches. A new one defaults to V(accept).
    type: str
    choices: [accept, drop]
  enable_default_security:
    description: Whether Scaleway blocks outgoing mail (TCP 25, 465, 587). A new one defaults to V(true).
    type: bool
  project_default:
    description: Whether servers without their own security group get this one.
    type: bool
  tags:
    description: Tags; their order does not matter.
    type: list
    elements: str
  rules:
    description: All rules of the group. If not set, the rules stay unchanged; V([]) removes them all.
    type: list
    elements: dict
    suboptions:
      action:
        description: Whether matching packets pass.
        type: str
        choices: [accept, drop]
        default: accept
      direction:
        description: Direction of the packets.
        type: str
        choices: [inbound, outbound]
        default: inbound
      protocol:
        description: Protocol of the packets; V(ANY) and V(ICMP) have no ports.
        type: str
        choices: [TCP, UDP, ICMP, ANY]
        default: TCP
      ip_range:
        description: >-
          Address or network in CIDR notation on the other side. V(203.0.113.7) and V(203.0.113.7/32) are the same.
        type: str
        default: 0.0.0.0/0
      dest_port_from:
        description: First (or only) port. None means all ports.
        type: int
      dest_port_to:
        description: Last port of a range.
        type: int
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.attributes
  - ensemble.jitsi.scaleway.object
  - ensemble.jitsi.scaleway.presence
seealso:
  - module: ensemble.jitsi.scaleway_server
  - module: ensemble.jitsi.scaleway_fleet
  - plugin: ensemble.jitsi.tcp_from
    plugin_type: filter
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: A web server
  ensemble.jitsi.scaleway_security_group:
    name: web
    description: SSH from the office, the web from everywhere
    inbound_default_policy: drop
    rules:
      - {dest_port_from: 22, ip_range: 203.0.113.0/24}
      - {dest_port_from: 80}
      - {dest_port_from: 443}

- name: A Jitsi server, with its media
  ensemble.jitsi.scaleway_security_group:
    name: jitsi
    inbound_default_policy: drop
    tags: [video]
    rules:
      - {protocol: TCP, dest_port_from: 443}
      - {protocol: UDP, dest_port_from: 10000}
      - {protocol: ICMP}

- name: No longer needed
  ensemble.jitsi.scaleway_security_group:
    name: web
    state: absent
"""

RETURN = r"""
security_group:
  description: The group, as the API shows it; null when it is absent.
  returned: always
  type: dict
  sample:
    id: 0168fb1f-cc46-4f69-b4be-c95d2a19bcae
    name: web
    stateful: true
    inbound_default_policy: drop
    outbound_default_policy: accept
    enable_default_security: true
    state: available
    tags: []
    zone: fr-par-1
"""

from ..module_utils.module import run
from ..module_utils.resources.security_group import SecurityGroup


def main() -> None:
    run(SecurityGroup)


if __name__ == "__main__":
    main()

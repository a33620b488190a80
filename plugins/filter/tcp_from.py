# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filters that write security group rules."""

from __future__ import annotations

DOCUMENTATION = r"""
name: tcp_from
short_description: Security group rules that admit networks on a TCP port
version_added: 0.1.0
author: The Ensemble maintainers (@ensemble)
description:
  - Makes the inbound C(accept) rules of M(ensemble.jitsi.scaleway_security_group) for one TCP port, one rule per
    network.
positional: networks
options:
  _input:
    description: The port.
    type: int
    required: true
  networks:
    description: Addresses or networks in CIDR notation to admit.
    type: list
    elements: str
    required: true
seealso:
  - module: ensemble.jitsi.scaleway_security_group
"""

EXAMPLES = r"""
- name: SSH from two offices
  ensemble.jitsi.scaleway_security_group:
    name: web
    rules: "{{ 22 | ensemble.jitsi.tcp_from(['203.0.113.0/24', '198.51.100.7']) }}"

- name: Two groups of rules in one list
  ensemble.jitsi.scaleway_security_group:
    name: web
    rules: "{{ 22 | ensemble.jitsi.tcp_from(admin_networks) + 443 | ensemble.jitsi.tcp_from(['0.0.0.0/0']) }}"

- name: Several ports for one address
  ensemble.jitsi.scaleway_security_group:
    name: web
    rules: "{{ [9100, 9113] | map('ensemble.jitsi.tcp_from', ['203.0.113.7']) | flatten }}"
"""

RETURN = r"""
_value:
  description: Rules as O(ensemble.jitsi.scaleway_security_group#module:rules) takes them.
  type: list
  elements: dict
  sample:
    - {action: accept, direction: inbound, protocol: TCP, ip_range: 203.0.113.0/24, dest_port_from: 22}
"""


def tcp_from(port: int, networks: list[str]) -> list[dict]:
    """Inbound accept rules for one TCP port, in the order of `networks`."""
    return [
        {
            "action": "accept",
            "direction": "inbound",
            "protocol": "TCP",
            "ip_range": network,
            "dest_port_from": int(port),
        }
        for network in networks
    ]


class FilterModule:
    """The collection's filters about security groups."""

    def filters(self) -> dict:
        return {"tcp_from": tcp_from}

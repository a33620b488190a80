#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_placement_group
short_description: Placement groups of instances
version_added: 0.1.0
description:
  - Creates, changes and removes placement groups, which keep servers on different hypervisors or close to each other.
  - A group holds at most 20 servers. M(ensemble.jitsi.scaleway_fleet) creates as many groups as a fleet needs.
options:
  policy_type:
    description: >-
      Whether to keep the servers apart or close together. A new one defaults to V(max_availability).
    type: str
    choices: [max_availability, low_latency]
  policy_mode:
    description: >-
      With V(enforced), a server that cannot be placed accordingly does not start; with V(optional) it starts anyway.
      A new one defaults to V(optional).
    type: str
    choices: [optional, enforced]
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
  - module: ensemble.jitsi.scaleway_server
  - module: ensemble.jitsi.scaleway_fleet
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: Servers that must not fail together
  ensemble.jitsi.scaleway_placement_group:
    name: portal
    policy_type: max_availability
    policy_mode: enforced

- name: Rather a server than none
  ensemble.jitsi.scaleway_placement_group:
    name: portal
    policy_mode: optional

- name: No longer needed
  ensemble.jitsi.scaleway_placement_group:
    name: portal
    state: absent
"""

RETURN = r"""
placement_group:
  description: The group, as the API shows it; null when it is absent.
  returned: always
  type: dict
  sample:
    id: 0954ec26-9917-47b6-8c5c-504b7c0a4ac7
    name: portal
    policy_type: max_availability
    policy_mode: enforced
    policy_respected: true
    tags: []
    zone: fr-par-1
"""

from ..module_utils.module import run
from ..module_utils.resources.placement_group import PlacementGroup


def main() -> None:
    run(PlacementGroup)


if __name__ == "__main__":
    main()

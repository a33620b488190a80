#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_dns_zone
short_description: DNS zones below the account's domains
version_added: 0.1.0
description:
  - Creates and removes DNS zones, subdomains of a domain that the account owns. A root zone exists as long as its
    domain is owned.
options:
  name:
    description: Full name of the zone.
    type: str
    required: true
  state:
    description: Whether the zone exists. Removing it removes all of its records.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.attributes
seealso:
  - module: ensemble.jitsi.scaleway_dns_record
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: A zone of its own for the conferences
  ensemble.jitsi.scaleway_dns_zone:
    name: meet.example.org

- name: Its first record
  ensemble.jitsi.scaleway_dns_record:
    dns_zone: meet.example.org
    records:
      - {name: "", data: [51.158.70.159]}

- name: No longer needed
  ensemble.jitsi.scaleway_dns_zone:
    name: meet.example.org
    state: absent
"""

RETURN = r"""
dns_zone:
  description: The zone, as the API shows it; null when it is absent.
  returned: always
  type: dict
  sample:
    name: meet.example.org
    domain: example.org
    subdomain: meet
    status: active
    ns: [ns0.dom.scw.cloud, ns1.dom.scw.cloud]
"""

from ..module_utils.fields import choice
from ..module_utils.module import run
from ..module_utils.resources.dns_zone import Zone


def main() -> None:
    run(Zone, {"name": {"type": "str", "required": True}, "state": choice("present", "absent", default="present")})


if __name__ == "__main__":
    main()

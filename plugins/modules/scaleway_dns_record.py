#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_dns_record
short_description: Records of a DNS zone, any number in one change
version_added: 0.1.0
description:
  - Creates, changes and removes records of one DNS zone. All changes of a task are made at once, in one version of
    the zone.
  - The values of a name and type replace all existing ones.
options:
  dns_zone:
    description:
      - The DNS zone, which must exist (see M(ensemble.jitsi.scaleway_dns_zone)), or a domain below one. Names are
        relative to it.
    type: str
    required: true
  records:
    description: The records to manage.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name within the zone, or fully qualified; an empty string or V(@) is the zone itself.
          - Non-ASCII names are converted to punycode. A full name (with a final dot) outside the zone is an error.
        type: str
        required: true
      type:
        description: Type of the record.
        type: str
        choices: [A, AAAA, ALIAS, CAA, CNAME, DNAME, MX, NS, PTR, SRV, TXT, TLSA, SSHFP]
        default: A
      data:
        description:
          - Its values. With O(state=absent) only these values are removed, or all if none is set.
          - The text of a TXT record is used unchanged, with any length, quotes and backslashes. If it consists of BIND
            strings in double quotes, these are parsed and joined. Texts that Scaleway would change (outer spaces,
            outer double quotes) are an error.
          - Host names (CNAME, MX, NS, SRV and the like) that contain a dot are full names, with or without the final
            dot; a single label is relative to the zone.
        type: list
        elements: raw
      ttl:
        description: Seconds that resolvers may cache it; defaults to O(ttl).
        type: int
      priority:
        description: Priority of MX and SRV records, if the values do not begin with it.
        type: int
  ttl:
    description: Seconds that resolvers may cache records without their own TTL.
    type: int
    default: 3600
  exclusive_names:
    description:
      - A regular expression. Records of the types in O(records) (or V(A) where there are none) whose whole name
        matches, and that are
        not in O(records), are removed.
      - This keeps the records of a fleet in sync with its servers without touching anything else in the zone.
    type: str
  state:
    description: Whether the records exist.
    type: str
    choices: [present, absent]
    default: present
  append:
    description:
      - Add the values to existing ones of the same name and type instead of replacing them.
      - This allows, for example, several certificate orders to prove the same name at the same time.
    type: bool
    default: false
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.attributes
seealso:
  - module: ensemble.jitsi.scaleway_dns_zone
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: One address
  ensemble.jitsi.scaleway_dns_record:
    dns_zone: example.org
    records:
      - {name: meet, data: [51.158.70.159]}

- name: One record for each server of a fleet, and none for servers that are gone
  ensemble.jitsi.scaleway_dns_record:
    dns_zone: example.org
    records: "{{ fleet.servers | json_query('[].{name: name, data: [public_address]}') }}"
    exclusive_names: h-[0-9]+
    ttl: 60

- name: Mail, and a proof for the certificate authority
  ensemble.jitsi.scaleway_dns_record:
    dns_zone: example.org
    records:
      - {name: "", type: MX, data: ["10 mail.example.org."]}
      - {name: _acme-challenge, type: TXT, data: [token-one, token-two], ttl: 60}
      - {name: _sip._tcp, type: SRV, priority: 10, data: [5 5060 sip.example.org]}

- name: The proof is no longer needed
  ensemble.jitsi.scaleway_dns_record:
    dns_zone: example.org
    records:
      - {name: _acme-challenge, type: TXT}
    state: absent
"""

RETURN = r"""
records:
  description: The managed records in their current state.
  returned: always
  type: list
  elements: dict
  sample:
    - {id: 0c8e5e0b-6b3a-4a34-8a50-0d4f5f4c5f6e, name: meet, type: A, data: 51.158.70.159, ttl: 3600}
"""

from ..module_utils.module import run
from ..module_utils.resources.dns_records import TYPES, Records

RECORD = {
    "name": {"type": "str", "required": True},
    "type": {"type": "str", "choices": list(TYPES), "default": "A"},
    "data": {"type": "list", "elements": "raw"},
    "ttl": {"type": "int"},
    "priority": {"type": "int"},
}


def main() -> None:
    run(
        Records,
        {
            "dns_zone": {"type": "str", "required": True},
            "records": {"type": "list", "elements": "dict", "options": RECORD, "required": True},
            "ttl": {"type": "int", "default": 3600},
            "exclusive_names": {"type": "str"},
            "append": {"type": "bool", "default": False},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
    )


if __name__ == "__main__":
    main()

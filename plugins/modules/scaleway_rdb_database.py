#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_rdb_database
short_description: Databases of a managed database instance
version_added: 0.2.0
description:
  - Creates and removes databases. Grant access with M(ensemble.jitsi.scaleway_rdb_user).
options:
  name:
    description: Name of the database, which is unique in its instance.
    type: str
    required: true
  state:
    description: Whether the database exists. Removing it removes all of its data.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.attributes
  - ensemble.jitsi.rdb_part
seealso:
  - module: ensemble.jitsi.scaleway_rdb_instance
  - module: ensemble.jitsi.scaleway_rdb_user
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: A database for the rooms
  ensemble.jitsi.scaleway_rdb_database:
    instance: rooms
    name: portal

- name: Another one for the journal
  ensemble.jitsi.scaleway_rdb_database:
    instance: rooms
    name: journal

- name: No longer needed
  ensemble.jitsi.scaleway_rdb_database:
    instance: rooms
    name: portal
    state: absent
"""

RETURN = r"""
database:
  description: The database, as the API shows it; null when it is absent.
  returned: always
  type: dict
  sample: {id: portal, name: portal, owner: _rdb_superadmin, managed: true, size: 7713583}
"""

from ..module_utils.module import run
from ..module_utils.resources.rdb_parts import RdbDatabase


def main() -> None:
    run(RdbDatabase, RdbDatabase.options)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_rdb_user
short_description: Users of a managed database instance
version_added: 0.2.0
description:
  - Creates, changes and removes users, with their privileges.
  - The API never returns a password. It is set when the user is created, and later only with
    O(update_password=always).
options:
  name:
    description: Name of the user, which is unique in its instance.
    type: str
    required: true
  state:
    description: Whether the user exists. A user that owns objects cannot be removed.
    type: str
    choices: [present, absent]
    default: present
  password:
    description: >-
      Password of the user. Required to create one. The API requires 8 to 128 characters, including lower-case and
      upper-case letters, digits and others.
    type: str
  update_password:
    description: Whether to set the password only for a new user, or every time, which then counts as a change.
    type: str
    choices: [on_create, always]
    default: on_create
  is_admin:
    description: Whether the user may do everything in all databases of the instance.
    type: bool
  privileges:
    description:
      - What the user may do in databases, by their names; V(readonly), V(readwrite), V(all), V(custom) or V(none).
      - Databases that are not listed stay unchanged.
    type: dict
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.attributes
  - ensemble.jitsi.rdb_part
seealso:
  - module: ensemble.jitsi.scaleway_rdb_instance
  - module: ensemble.jitsi.scaleway_rdb_database
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: A user for the portal
  ensemble.jitsi.scaleway_rdb_user:
    instance: rooms
    name: portal
    password: "{{ vault_database_password }}"
    privileges: {portal: all}

- name: Another password
  ensemble.jitsi.scaleway_rdb_user:
    instance: rooms
    name: portal
    password: "{{ vault_database_password }}"
    update_password: always

- name: No longer needed
  ensemble.jitsi.scaleway_rdb_user:
    instance: rooms
    name: portal
    state: absent
"""

RETURN = r"""
user:
  description: The user, as the API shows it; null when it is absent.
  returned: always
  type: dict
  sample: {id: portal, name: portal, is_admin: false}
"""

from ..module_utils.module import run
from ..module_utils.resources.rdb_parts import RdbUser


def main() -> None:
    run(RdbUser, {**RdbUser.options, **{entry.name: entry.option for entry in RdbUser.fields}})


if __name__ == "__main__":
    main()

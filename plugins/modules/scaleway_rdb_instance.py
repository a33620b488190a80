#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_rdb_instance
short_description: Managed PostgreSQL and MySQL instances
version_added: 0.2.0
description:
  - Creates, changes and removes instances of Scaleway's managed databases. Manage their databases and users with
    M(ensemble.jitsi.scaleway_rdb_database) and M(ensemble.jitsi.scaleway_rdb_user).
  - Only options that are set are compared and changed. An instance performs one change at
    a time, so several changes take their total time.
  - Removing an instance removes all of its data; backups and snapshots stay.
options:
  engine:
    description:
      - Engine and major version, such as V(PostgreSQL-15). Required to create an instance.
      - It cannot change in place.
    type: str
  node_type:
    description: Size of the instance, such as V(db-dev-s). Required to create one.
    type: str
  volume_type:
    description: Storage of the data; a new instance defaults to the local disk of the node (V(lssd)).
    type: str
    choices: [lssd, sbs_5k, sbs_15k]
  volume_size:
    description: Bytes of a block volume, which can only grow. The node type determines the size of a local disk.
    type: int
  ha:
    description: Whether there is a standby node. It cannot be disabled again.
    type: bool
  encrypted:
    description: Whether the data is encrypted on the volume. It cannot be disabled again.
    type: bool
  backups:
    description: Whether to back up each database regularly; enabled by default for a new instance.
    type: bool
  backup_frequency:
    description: Hours between two backups; V(24) for a new instance.
    type: int
  backup_retention:
    description: Days for which backups are kept; V(7) for a new instance.
    type: int
  backup_same_region:
    description: Whether to keep backups in the region of the instance instead of another one.
    type: bool
  tags:
    description: Tags; their order does not matter.
    type: list
    elements: str
  public_endpoint:
    description:
      - Whether the instance has a public address. O(acls) say who may connect to it.
      - A new instance has one by default, unless it is in O(private_networks).
    type: bool
  private_networks:
    description: Names or ids of the private networks that the instance is in, all of them.
    type: list
    elements: str
  settings:
    description: Settings of the engine, by name; others stay as they are.
    type: dict
  acls:
    description:
      - Networks and addresses that may connect to the public endpoint, all of them; a new instance allows everybody by
        default.
      - V([]) requires O(allow_empty).
    type: list
    elements: str
  allow_empty:
    description: Whether O(acls) may be empty, so that nobody can connect.
    type: bool
    default: false
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.attributes
  - ensemble.jitsi.scaleway.object
  - ensemble.jitsi.scaleway.presence
  - ensemble.jitsi.scaleway.recreate
seealso:
  - module: ensemble.jitsi.scaleway_rdb_instance_info
  - module: ensemble.jitsi.scaleway_rdb_database
  - module: ensemble.jitsi.scaleway_rdb_user
  - plugin: ensemble.jitsi.scaleway_rdb_certificate
    plugin_type: lookup
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: An instance that two servers may reach
  ensemble.jitsi.scaleway_rdb_instance:
    name: rooms
    engine: PostgreSQL-15
    node_type: db-dev-s
    acls: [51.15.208.130, 51.15.208.131]

- name: In a private network, with a second node and backups for a month
  ensemble.jitsi.scaleway_rdb_instance:
    name: journal
    engine: PostgreSQL-15
    node_type: db-dev-m
    volume_type: sbs_5k
    volume_size: 20000000000
    ha: true
    backup_retention: 30
    private_networks: [inside]

- name: More connections
  ensemble.jitsi.scaleway_rdb_instance:
    name: rooms
    settings: {max_connections: 150}

- name: No longer needed
  ensemble.jitsi.scaleway_rdb_instance:
    name: rooms
    state: absent
"""

RETURN = r"""
instance:
  description: The instance, as the API shows it; null when it is absent.
  returned: always
  type: dict
  sample:
    id: 3199135d-540e-46b0-875a-42c437784943
    name: rooms
    engine: PostgreSQL-15
    node_type: db-dev-s
    status: ready
    endpoint: {ip: 51.159.114.140, port: 14892, load_balancer: {}}
    endpoints: [{ip: 51.159.114.140, port: 14892, load_balancer: {}}]
"""

from ..module_utils.module import run
from ..module_utils.resources.rdb_instance import RdbInstance


def main() -> None:
    run(RdbInstance)


if __name__ == "__main__":
    main()

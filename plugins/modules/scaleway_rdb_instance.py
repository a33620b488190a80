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
  - Creates, changes and removes instances of Scaleway's managed databases. Their databases and users are told by
    M(ensemble.jitsi.scaleway_rdb_database) and M(ensemble.jitsi.scaleway_rdb_user).
  - Only what is given is compared and changed. An instance takes one order at a time, so several changes take as
    long as all of them.
  - Removing an instance removes all that is in it; backups and snapshots stay.
options:
  engine:
    description:
      - Engine and major version, such as V(PostgreSQL-15). Needed to create an instance.
      - It cannot change in place.
    type: str
  node_type:
    description: Size of the instance, such as V(db-dev-s). Needed to create one.
    type: str
  volume_type:
    description: What the data lies on; the local disk of the node (V(lssd)) where a new instance is not told.
    type: str
    choices: [lssd, sbs_5k, sbs_15k]
  volume_size:
    description: Bytes of a block volume, which can only grow. A local disk has the size that its node type gives.
    type: int
  ha:
    description: Whether a second node stands by. It cannot be taken back.
    type: bool
  encrypted:
    description: Whether the data is encrypted on the volume. It cannot be taken back.
    type: bool
  backups:
    description: Whether a backup of each database is made regularly; a new instance makes them where not told.
    type: bool
  backup_frequency:
    description: Hours between two backups; V(24) for a new instance.
    type: int
  backup_retention:
    description: Days for which backups are kept; V(7) for a new instance.
    type: int
  backup_same_region:
    description: Whether backups are kept in the region of the instance, and not in another one.
    type: bool
  tags:
    description: Tags; their order does not count.
    type: list
    elements: str
  public_endpoint:
    description:
      - Whether the instance has a public address. O(acls) say who may connect to it.
      - A new instance has one, unless it is in O(private_networks) and nothing is said here.
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
      - Networks and addresses that may connect to the public endpoint, all of them; everybody where a new instance
        is not told.
      - V([]) needs O(allow_empty).
    type: list
    elements: str
  allow_empty:
    description: Whether O(acls) may let nobody in.
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

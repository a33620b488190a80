#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_snapshot
short_description: Snapshots of disks
version_added: 0.1.0
description:
  - Takes and removes snapshots of local disks and of SBS volumes.
  - Only the disk of a powered-off server is consistent.
options:
  volume:
    description: >-
      Name or id of the volume to take the snapshot of. O(volume) or O(server) is required to create one.
    type: str
  server:
    description: Name or id of the server whose system disk to take the snapshot of.
    type: str
  tags:
    description: Tags; their order does not matter.
    type: list
    elements: str
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.attributes
  - ensemble.jitsi.scaleway.object
  - ensemble.jitsi.scaleway.presence
notes:
  - An existing snapshot with this name does not change, whatever has happened to its disk since.
seealso:
  - module: ensemble.jitsi.scaleway_image
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: The state of a server before an upgrade
  ensemble.jitsi.scaleway_snapshot:
    name: monitoring-before-upgrade
    server: monitoring-1

- name: A data volume
  ensemble.jitsi.scaleway_snapshot:
    name: recordings-2026-11
    volume: recordings
    tags: [backup]

- name: No longer needed
  ensemble.jitsi.scaleway_snapshot:
    name: monitoring-before-upgrade
    state: absent
"""

RETURN = r"""
snapshot:
  description: >-
    The snapshot, as its API shows it (C(state) of local ones, C(status) of SBS ones); null when it is absent.
  returned: always
  type: dict
  sample:
    id: 0d5b2c74-7d86-4a55-b8a4-b0f7a7a1fd20
    name: monitoring-before-upgrade
    size: 20000000000
    state: available
    volume_type: l_ssd
    tags: []
    zone: fr-par-1
"""

from ..module_utils.module import run
from ..module_utils.resources.snapshot import Snapshot


def main() -> None:
    run(Snapshot)


if __name__ == "__main__":
    main()

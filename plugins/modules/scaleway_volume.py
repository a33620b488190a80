#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_volume
short_description: Volumes that outlive servers
version_added: 0.1.0
description:
  - Creates, grows and removes SBS volumes and local volumes.
options:
  volume_type:
    description: Kind of the volume; defaults to V(sbs_volume).
    type: str
    choices: [sbs_volume, l_ssd, scratch]
  size:
    description: Size in bytes. An SBS volume can grow but not shrink.
    type: int
  perf_iops:
    description: I/O operations per second of an SBS volume. A new one defaults to V(5000).
    type: int
    choices: [5000, 15000]
  snapshot:
    description: Name or id of the snapshot to create a new volume from.
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
  - ensemble.jitsi.scaleway.recreate
seealso:
  - module: ensemble.jitsi.scaleway_snapshot
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: Room for recordings
  ensemble.jitsi.scaleway_volume:
    name: recordings
    size: 200000000000

- name: More of it, and faster
  ensemble.jitsi.scaleway_volume:
    name: recordings
    size: 400000000000
    perf_iops: 15000

- name: No longer needed
  ensemble.jitsi.scaleway_volume:
    name: recordings
    state: absent
"""

RETURN = r"""
volume:
  description: The volume, as its API shows it (C(state) of local ones, C(status) of SBS ones); null when it is absent.
  returned: always
  type: dict
  sample:
    id: 6e6ed3c4-9e2a-4a6c-9b6e-1b9c0cf1f7aa
    name: recordings
    size: 200000000000
    status: available
    type: sbs_5k
    tags: []
    zone: fr-par-1
"""

from ..module_utils.module import run
from ..module_utils.resources.volume import Volume


def main() -> None:
    run(Volume)


if __name__ == "__main__":
    main()

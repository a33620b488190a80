#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_image
short_description: Images that servers are created from
version_added: 0.1.0
description:
  - Makes an image of a powered-off server in one step (a snapshot of each disk, and the image of them), or of
    snapshots that exist.
  - Removes an image together with the snapshots that were taken for it, which the API would leave behind. They carry
    the tag V(ensemble:snapshot-of-image). Snapshots that were there before, or that another image holds, stay.
  - An interrupted run is completed by the next one, with the snapshots that are there already.
options:
  server:
    description:
      - Name or id of the powered-off server to make the image of. One of O(server) and O(snapshots) is needed to
        create one.
      - Its snapshots are named like the image, with C(_snap_0) and so on behind.
    type: str
  snapshots:
    description: Names or ids of the snapshots that the image holds; the first is the system's disk.
    type: list
    elements: str
  arch:
    description: Processor architecture of an image from O(snapshots); V(x86_64) where not given.
    type: str
    choices: [x86_64, arm64]
  public:
    description: Whether other customers may use the image. A new one gets V(false) where it is not told.
    type: bool
  tags:
    description: Tags of the image (and of the snapshots that are taken for it); their order does not count.
    type: list
    elements: str
  keep_snapshots:
    description: Whether removing the image leaves also the snapshots that were taken for it.
    type: bool
    default: false
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.attributes
  - ensemble.jitsi.scaleway.object
  - ensemble.jitsi.scaleway.presence
notes:
  - An image that exists under this name stays as it is, whatever O(server) has become. Put what went into it into its
    name.
seealso:
  - module: ensemble.jitsi.scaleway_image_info
  - module: ensemble.jitsi.scaleway_server
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: Power the builder off
  ensemble.jitsi.scaleway_server:
    name: builder
    state: stopped

- name: The image of its disk
  ensemble.jitsi.scaleway_image:
    name: jitsi-2026-11
    server: builder
    tags: [jitsi]

- name: The image before, with its snapshots
  ensemble.jitsi.scaleway_image:
    name: jitsi-2026-10
    state: absent
"""

RETURN = r"""
image:
  description: The image, as the API shows it; null when it is absent.
  returned: always
  type: dict
  sample:
    id: 4a2b8d06-3f6e-4b0e-a5b7-44a6a1d1f7c3
    name: jitsi-2026-11
    arch: x86_64
    state: available
    root_volume: {id: 0d5b2c74-7d86-4a55-b8a4-b0f7a7a1fd20, name: jitsi-2026-11_snap_0, size: 20000000000,
      volume_type: l_ssd}
    tags: [jitsi]
    zone: fr-par-1
"""

from ..module_utils.module import run
from ..module_utils.resources.image import Image


def main() -> None:
    run(Image)


if __name__ == "__main__":
    main()

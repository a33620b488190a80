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
  - Creates an image of a powered-off server in one step (a snapshot of each disk, then the image), or of existing
    snapshots.
  - Removes an image together with the snapshots that were taken for it, which the API would keep. They have the tag
    V(ensemble:snapshot-of-image). Snapshots that existed before or belong to another image stay.
  - The next run completes an interrupted one, with the existing snapshots.
options:
  server:
    description:
      - Name or id of the powered-off server to create the image from. O(server) or O(snapshots) is required to create
        one.
      - Its snapshots have the name of the image with the suffix C(_snap_0) and so on.
    type: str
  snapshots:
    description: Names or ids of the snapshots in the image; the first is the system disk.
    type: list
    elements: str
  arch:
    description: Processor architecture of an image from O(snapshots); defaults to V(x86_64).
    type: str
    choices: [x86_64, arm64]
  public:
    description: Whether other customers may use the image. A new one defaults to V(false).
    type: bool
  tags:
    description: Tags of the image (and of the snapshots that are taken for it); their order does not matter.
    type: list
    elements: str
  keep_snapshots:
    description: Whether to keep the snapshots that were taken for the image when it is removed.
    type: bool
    default: false
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.attributes
  - ensemble.jitsi.scaleway.object
  - ensemble.jitsi.scaleway.presence
notes:
  - An existing image with this name does not change, whatever the state of O(server). Include the content, such as a
    hash, in the name.
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

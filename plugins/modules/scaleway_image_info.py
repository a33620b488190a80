#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_image_info
short_description: List images of the project or the marketplace
version_added: 0.1.0
description:
  - Lists the project's images by name or tags, or the marketplace's images by label.
options:
  name:
    description: Exact name of an image of the project.
    type: str
  tags:
    description: Tags that the images must all have.
    type: list
    elements: str
  label:
    description: >-
      Label of the marketplace, such as V(debian_trixie); returns its images for all kinds of disks and processors.
    type: str
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.info
seealso:
  - module: ensemble.jitsi.scaleway_image
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: Images of the portal, newest last
  ensemble.jitsi.scaleway_image_info:
    tags: [portal]
  register: found

- name: Whether it has been built already
  ensemble.jitsi.scaleway_image_info:
    name: jitsi-2026-11
  register: built

- name: What the marketplace calls Debian today
  ensemble.jitsi.scaleway_image_info:
    label: debian_trixie
"""

RETURN = r"""
images:
  description: The images, oldest first, as the API shows them.
  returned: always
  type: list
  elements: dict
  sample:
    - {id: 4a2b8d06-3f6e-4b0e-a5b7-44a6a1d1f7c3, name: jitsi-2026-11, arch: x86_64, state: available, tags: [jitsi],
      zone: fr-par-1}
"""

from typing import Any

from ..module_utils.client import Client
from ..module_utils.errors import ApiError, Invalid, is_missing
from ..module_utils.module import look_up
from ..module_utils.resources.image import Image


def images(client: Client, params: dict[str, Any]) -> list[dict[str, Any]]:
    if params["label"]:
        try:
            zone = client.settings.zone
            return client.list("/marketplace/v2/local-images", "local_images", image_label=params["label"], zone=zone)
        except ApiError as error:
            if is_missing(error):
                raise Invalid(
                    f"The marketplace has no image labelled {params['label']!r} in {client.settings.zone}."
                ) from error
            raise
    found = Image(client, {}).list(name=params["name"] or None)
    desired = set(params["tags"] or [])
    chosen = [
        each for each in found if params["name"] in (None, "", each["name"]) and desired <= set(each.get("tags") or [])
    ]
    return sorted(chosen, key=lambda each: each.get("creation_date") or "")


def main() -> None:
    spec = {"name": {"type": "str"}, "tags": {"type": "list", "elements": "str"}, "label": {"type": "str"}}
    look_up("images", spec, images)


if __name__ == "__main__":
    main()

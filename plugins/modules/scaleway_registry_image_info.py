#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_registry_image_info
short_description: Container images of a registry namespace, with their tags
version_added: 0.2.0
description:
  - Lists the container images that were pushed into a namespace of the container registry.
  - Needs no Docker and no login to the registry.
  - A namespace that does not exist has no images.
options:
  namespace:
    description: Name or id of the namespace.
    type: str
    required: true
  name:
    description: Exact name of an image.
    type: str
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.info
seealso:
  - module: ensemble.jitsi.scaleway_registry_namespace
  - module: community.docker.docker_image_push
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: Everything in a namespace
  ensemble.jitsi.scaleway_registry_image_info:
    namespace: example-portal
  register: pushed

- name: One image
  ensemble.jitsi.scaleway_registry_image_info:
    namespace: example-portal
    name: portal
  register: portal

- name: Whether this version has been pushed
  ansible.builtin.assert:
    that: "'1.4.2' in portal.images | map(attribute='tags') | flatten"

- name: What a tag names now, for a reference that cannot move
  ansible.builtin.debug:
    msg: "portal@{{ portal.images[0].digests['1.4.2'] }}"

- name: In another region
  ensemble.jitsi.scaleway_registry_image_info:
    namespace: example-portal
    region: nl-ams
"""

RETURN = r"""
images:
  description: The images by name, as the API shows them, and C(digests), the digest of what each tag names now.
  returned: always
  type: list
  elements: dict
  sample:
    - {id: 0f1e7d5c-50a1-4b52-9a35-0a2f6c1f3f10, name: portal, tags: [1.4.1], status: ready, visibility: inherit,
      size: 48210342, digests: {1.4.1: sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef}}
"""

from typing import Any

from ..module_utils.client import Client
from ..module_utils.errors import Invalid
from ..module_utils.module import look_up
from ..module_utils.resources.registry_namespace import RegistryNamespace
from ..module_utils.settings import is_uuid


def images(client: Client, params: dict[str, Any]) -> list[dict[str, Any]]:
    given = params["namespace"]
    if not given:
        raise Invalid("namespace is empty, perhaps because a lookup found nothing.")
    namespace = RegistryNamespace(client, {"id" if is_uuid(given) else "name": given}).find()
    if namespace is None:
        return []
    path = f"/registry/v1/regions/{client.settings.region}/images"
    found = client.list(path, "images", namespace_id=namespace["id"], name=params["name"] or None)
    chosen = [each for each in found if params["name"] in (None, "", each["name"])]
    for image in chosen:
        tags = client.list(f"{path}/{image['id']}/tags", "tags")
        image["digests"] = {tag["name"]: tag["digest"] for tag in tags if tag["status"] == "ready"}
    return sorted(chosen, key=lambda each: each["name"])


def main() -> None:
    spec = {"namespace": {"type": "str", "required": True}, "name": {"type": "str"}}
    look_up("images", spec, images)


if __name__ == "__main__":
    main()

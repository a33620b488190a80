#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_registry_namespace
short_description: Namespaces of the container registry
version_added: 0.1.0
description:
  - Creates, changes and removes namespaces of the container registry.
  - A name must be unique among all customers of the region.
  - Removing a namespace removes every image in it.
options:
  description:
    description: What the namespace is for.
    type: str
  is_public:
    description: Whether anybody may pull its images without logging in. A new one defaults to V(false).
    type: bool
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.attributes
  - ensemble.jitsi.scaleway.object
  - ensemble.jitsi.scaleway.presence
seealso:
  - module: ensemble.jitsi.scaleway_registry_image_info
  - module: community.docker.docker_login
  - module: community.docker.docker_image_push
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: A private namespace
  ensemble.jitsi.scaleway_registry_namespace:
    name: example-portal
    description: Images of the portal
  register: registry

- name: Log in to it
  community.docker.docker_login:
    registry_url: "{{ registry.namespace.endpoint.split('/')[0] }}"
    username: nologin
    password: "{{ lookup('ansible.builtin.env', 'SCW_SECRET_KEY') }}"

- name: Remove it with all of its images
  ensemble.jitsi.scaleway_registry_namespace:
    name: example-portal
    state: absent
"""

RETURN = r"""
namespace:
  description: The namespace, as the API shows it; null when it is absent.
  returned: always
  type: dict
  sample:
    id: 3a3b7e0c-8a1c-4d35-8d0a-4c1cb4f6a9f2
    name: example-portal
    endpoint: rg.fr-par.scw.cloud/example-portal
    is_public: false
    status: ready
    image_count: 1
    region: fr-par
"""

from ..module_utils.module import run
from ..module_utils.resources.registry_namespace import RegistryNamespace


def main() -> None:
    run(RegistryNamespace)


if __name__ == "__main__":
    main()

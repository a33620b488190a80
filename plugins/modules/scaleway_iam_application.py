#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_iam_application
short_description: Applications of a Scaleway organization
version_added: 0.2.0
description:
  - Creates, changes and removes applications, which have their own API keys and the permissions that policies grant
    them.
  - Applications belong to the organization, not to a project. The organization is O(organization_id), or that of the
    project if it is not set.
  - Removing an application removes all of its API keys.
options:
  description:
    description: What the application is for.
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
seealso:
  - module: ensemble.jitsi.scaleway_iam_policy
  - module: ensemble.jitsi.scaleway_iam_api_key
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: Whoever collects metrics
  ensemble.jitsi.scaleway_iam_application:
    name: metrics
    description: Prometheus of the platform
    tags: [monitoring]

- name: As above, with nothing more to tell
  ensemble.jitsi.scaleway_iam_application:
    name: metrics
    description: ""
    tags: []

- name: Nobody collects metrics any more, and none of its keys is good for anything
  ensemble.jitsi.scaleway_iam_application:
    name: metrics
    state: absent
"""

RETURN = r"""
application:
  description: The application, as the API shows it; null when it is absent.
  returned: always
  type: dict
  sample:
    id: 6f0b1c4e-5b53-4ce4-a74f-f9f43e6c2b4d
    name: metrics
    description: Prometheus of the platform
    nb_api_keys: 1
    tags: [monitoring]
"""

from ..module_utils.module import run
from ..module_utils.resources.iam_application import IamApplication


def main() -> None:
    run(IamApplication)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_iam_policy
short_description: Policies of a Scaleway organization
version_added: 0.2.0
description:
  - Creates, changes and removes policies, which grant permission sets to an application.
  - Policies belong to the organization, not to a project. The organization is O(organization_id), or that of the
    project if it is not set.
options:
  description:
    description: What the policy is for.
    type: str
  application:
    description: Name or id of the application that the policy is for; an empty text removes the principal.
    type: str
  rules:
    description:
      - What to grant; the list replaces all existing rules. Their order does not matter.
      - Required to create a policy.
    type: list
    elements: dict
    suboptions:
      permission_set_names:
        description: >-
          Names of permission sets, such as V(InstancesReadOnly) or V(ContainerRegistryReadOnly). The API refuses a
          rule that mixes permission sets for projects with those for the organization.
        type: list
        elements: str
        required: true
      project_ids:
        description: Projects in which they are granted; defaults to the project of the task.
        type: list
        elements: str
      whole_organization:
        description: Grant them in all current and future projects; required for permission sets of the organization.
        type: bool
        default: false
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
  - module: ensemble.jitsi.scaleway_iam_application
  - module: ensemble.jitsi.scaleway_iam_api_key
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: Prometheus may look at the servers of the project, and do nothing else
  ensemble.jitsi.scaleway_iam_policy:
    name: metrics
    application: metrics
    rules:
      - permission_set_names: [InstancesReadOnly]

- name: It may also look at load balancers, in two projects
  ensemble.jitsi.scaleway_iam_policy:
    name: metrics
    rules:
      - permission_set_names: [InstancesReadOnly, LoadBalancersReadOnly]
        project_ids: ["{{ project_id }}", "{{ other_project_id }}"]

- name: It may do nothing any more
  ensemble.jitsi.scaleway_iam_policy:
    name: metrics
    state: absent
"""

RETURN = r"""
policy:
  description: The policy without its rules, as the API shows it; null when it is absent.
  returned: always
  type: dict
  sample:
    id: 3f1c5f0e-8a55-4d8e-9d1e-0c5d6f9c2a11
    name: metrics
    description: ""
    application_id: 6f0b1c4e-5b53-4ce4-a74f-f9f43e6c2b4d
    nb_rules: 1
    nb_permission_sets: 1
    nb_scopes: 1
    tags: []
"""

from ..module_utils.module import run
from ..module_utils.resources.iam_policy import IamPolicy


def main() -> None:
    run(IamPolicy)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_iam_api_key
short_description: API keys of Scaleway applications
version_added: 0.2.0
description:
  - Creates, changes and removes API keys of an application. The application's policies determine their permissions.
  - The API shows the secret key only in the response to the creation, so this module returns it only once. Store it
    immediately, and set C(no_log=true) for the task, because Ansible would otherwise print and log it.
  - A run that was killed before it had stored the secret leaves a key behind that nobody can use. With O(known) and
    O(exclusive) the next run makes another key and removes that one.
options:
  name:
    description:
      - What the key is for. The API calls it description. The key is found by it among those of the application.
    type: str
  id:
    description:
      - Access key of the API key. With O(name) as well, the key is renamed.
      - O(id) or O(name) is required.
    type: str
  application:
    description: Name or id of the application that the key belongs to; it may be anybody's that carries O(owner_tag).
    type: str
    required: true
  known:
    description:
      - Access key of the API key whose secret is stored; an empty text if there is none.
      - If set, only this key counts as present; if it has expired or been deleted, another one is created beside the
        existing ones. Use this also to replace a key without interruption.
    type: str
  exclusive:
    description: >-
      Whether to remove all other keys of the application once this one exists, such as replaced keys and keys whose
      secret was not stored.
    type: bool
    default: false
  expires_at:
    description: When the key expires, such as V(2027-01-31T12:00:00Z); never by default.
    type: str
  default_project_id:
    description: Project of the key for object storage; defaults to that of the task.
    type: str
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.attributes
  - ensemble.jitsi.scaleway.object
  - ensemble.jitsi.scaleway.presence
seealso:
  - module: ensemble.jitsi.scaleway_iam_application
  - module: ensemble.jitsi.scaleway_iam_policy
  - module: ensemble.jitsi.scaleway_secret
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: Key of Prometheus, unless it is stored already
  ensemble.jitsi.scaleway_iam_api_key:
    application: metrics
    name: prometheus
    known: "{{ stored_access_key }}"
  register: prometheus_key
  no_log: true

- name: Its secret
  ensemble.jitsi.scaleway_secret:
    name: prometheus-key
    value: "{{ prometheus_key.api_key | to_json }}"
  when: prometheus_key.api_key.secret_key
  no_log: true

- name: It ends some day
  ensemble.jitsi.scaleway_iam_api_key:
    application: metrics
    name: prometheus
    known: "{{ prometheus_key.api_key.access_key }}"
    expires_at: "2099-12-31T00:00:00Z"

- name: Nobody uses it any more
  ensemble.jitsi.scaleway_iam_api_key:
    application: metrics
    name: prometheus
    state: absent
"""

RETURN = r"""
api_key:
  description: The API key, as the API shows it; null when it is absent.
  returned: always
  type: dict
  contains:
    id:
      description: The access key.
      type: str
    access_key:
      description: The access key.
      type: str
    secret_key:
      description: The secret key if the task has created the key; null otherwise.
      type: str
    application_id:
      description: The application that the key belongs to.
      type: str
    expires_at:
      description: When it expires; null for never.
      type: str
  sample:
    id: SCW98CWMCEZZMM18GHK6
    access_key: SCW98CWMCEZZMM18GHK6
    secret_key: null
    name: prometheus
    application_id: 6f0b1c4e-5b53-4ce4-a74f-f9f43e6c2b4d
    expires_at: null
"""

from ..module_utils.module import run
from ..module_utils.resources.iam_api_key import IamApiKey


def main() -> None:
    run(IamApiKey)


if __name__ == "__main__":
    main()

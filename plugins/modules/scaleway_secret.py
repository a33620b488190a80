#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_secret
short_description: Secrets of the secret manager
version_added: 0.1.0
description:
  - Creates, changes and removes secrets. A changed value creates a new version and disables older ones.
  - Values are compared but never shown or returned. Read them with P(ensemble.jitsi.scaleway_secret#lookup).
options:
  path:
    description: Folder of the secret.
    type: str
    default: /
  type:
    description: Kind of the secret. A new one defaults to V(opaque).
    type: str
    choices: [opaque, certificate, key_value, basic_credentials, database_credentials, ssh_key]
  description:
    description: What the secret is for.
    type: str
  tags:
    description: Tags; their order does not matter.
    type: list
    elements: str
  value:
    description:
      - The value, a text. Structured kinds need JSON, for example from C(to_json).
      - Structured data instead of a text is an error, because Python's text form of it is not JSON.
    type: raw
  protected:
    description: Whether the API refuses to delete the secret.
    type: bool
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.attributes
  - ensemble.jitsi.scaleway.object
  - ensemble.jitsi.scaleway.presence
  - ensemble.jitsi.scaleway.recreate
seealso:
  - plugin: ensemble.jitsi.scaleway_secret
    plugin_type: lookup
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: The key of the certificate
  ensemble.jitsi.scaleway_secret:
    name: tls-private-key
    path: /jitsi
    value: "{{ lookup('ansible.builtin.file', 'privkey.pem') }}"

- name: Credentials
  ensemble.jitsi.scaleway_secret:
    name: smtp
    type: basic_credentials
    value: "{{ {'username': 'meet', 'password': smtp_password} | to_json }}"
    protected: true

- name: No longer needed
  ensemble.jitsi.scaleway_secret:
    name: tls-private-key
    path: /jitsi
    state: absent
"""

RETURN = r"""
secret:
  description: The secret without its value, as the API shows it; null when it is absent.
  returned: always
  type: dict
  sample:
    id: 1c5a5d2e-4f1b-4c56-9a6a-0dd1f9b4f5a3
    name: tls-private-key
    path: /jitsi
    type: opaque
    version_count: 1
    protected: false
    region: fr-par
"""

from ..module_utils.module import run
from ..module_utils.resources.secret import Secret


def main() -> None:
    run(Secret)


if __name__ == "__main__":
    main()

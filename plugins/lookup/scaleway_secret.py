# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: scaleway_secret
short_description: Values of Scaleway's secret manager
version_added: 0.1.0
description:
  - Returns the values of secrets by their names.
options:
  _terms:
    description: Names of secrets.
    type: list
    elements: str
    required: true
  path:
    description: Folder of the secrets.
    type: str
    default: /
  revision:
    description: Version of the value, a number or V(latest_enabled) or V(latest).
    type: str
    default: latest_enabled
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
seealso:
  - module: ensemble.jitsi.scaleway_secret
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: A certificate's key, for the servers of a fleet
  ensemble.jitsi.scaleway_fleet:
    prefix: h
    count: 2
    commercial_type: DEV1-L
    image: jitsi-2026-11
    secret_user_data:
      tls-private-key: "{{ lookup('ensemble.jitsi.scaleway_secret', 'tls-private-key', path='/jitsi') }}"

- name: Two at once
  ansible.builtin.set_fact:
    passwords: "{{ query('ensemble.jitsi.scaleway_secret', 'database', 'smtp', region='fr-par') }}"
  no_log: true

- name: An earlier version
  ansible.builtin.set_fact:
    previous: "{{ lookup('ensemble.jitsi.scaleway_secret', 'database', revision='1') }}"
  no_log: true
"""

RETURN = r"""
_raw:
  description: The values, in the order of the names.
  type: list
  elements: str
  sample: [open sesame]
"""

from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ..module_utils.client import Client
from ..module_utils.errors import ScalewayError
from ..module_utils.resources.secret import reveal
from ..module_utils.settings import ARGUMENTS, from_arguments


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        try:
            client = Client(from_arguments({name: self.get_option(name) for name in ARGUMENTS}))
            self._display.vvv(f"ensemble.jitsi.scaleway_secret: {client.settings.told()}")
            path, revision = self.get_option("path"), self.get_option("revision")
            return client.each(lambda name: reveal(client, name, path, revision), terms)
        except ScalewayError as error:
            raise AnsibleError(str(error)) from error

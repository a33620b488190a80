# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: scaleway_rdb_certificate
short_description: TLS certificates of managed database instances
version_added: 0.2.0
description:
  - Returns the self-signed certificates of Scaleway's managed database instances, so that clients can verify the
    server. They are valid for the addresses of all endpoints.
options:
  _terms:
    description: Names or ids of instances.
    type: list
    elements: str
    required: true
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
seealso:
  - module: ensemble.jitsi.scaleway_rdb_instance
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: What psql and others take as sslrootcert
  ansible.builtin.copy:
    content: "{{ lookup('ensemble.jitsi.scaleway_rdb_certificate', 'rooms', region='fr-par') }}"
    dest: /etc/ssl/database.pem
    mode: "0644"

- name: For a module that verifies the server
  ansible.builtin.set_fact:
    database_certificate: "{{ lookup('ensemble.jitsi.scaleway_rdb_certificate', 'rooms') }}"

- name: Of two instances at once
  ansible.builtin.set_fact:
    database_certificates: "{{ query('ensemble.jitsi.scaleway_rdb_certificate', 'rooms', 'journal') }}"
"""

RETURN = r"""
_raw:
  description: The certificates in PEM form, in the order of the names.
  type: list
  elements: str
  sample: ["-----BEGIN CERTIFICATE-----..."]
"""

from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ..module_utils.client import Client
from ..module_utils.errors import ScalewayError
from ..module_utils.resources.rdb_parts import certificate_of
from ..module_utils.settings import ARGUMENTS, from_arguments


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        try:
            client = Client(from_arguments({name: self.get_option(name) for name in ARGUMENTS}))
            self._display.vvv(f"ensemble.jitsi.scaleway_rdb_certificate: {client.settings.told()}")
            return client.each(lambda name: certificate_of(client, name), terms)
        except ScalewayError as error:
            raise AnsibleError(str(error)) from error

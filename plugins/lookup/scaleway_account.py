# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: scaleway_account
short_description: The Scaleway account that modules would use
version_added: 0.3.0
description:
  - Returns where modules of this collection connect and as whom, from options, environment and the Scaleway config
    file. Sends no API request, and never returns the secret key.
  - An incomplete account is an error.
options:
  _terms:
    description: Values to return.
    type: list
    elements: str
    required: true
    choices: [access_key, project_id, organization_id, zone, region, api_url]
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
seealso:
  - plugin: ensemble.jitsi.scaleway_secret
    plugin_type: lookup
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: Project of the environment or of the config file
  ansible.builtin.debug:
    msg: "{{ lookup('ensemble.jitsi.scaleway_account', 'project_id') }}"

- name: Of a certain profile
  ansible.builtin.debug:
    msg: "{{ query('ensemble.jitsi.scaleway_account', 'project_id', 'zone', profile='staging') }}"

- name: With the options that modules get by module_defaults
  ansible.builtin.debug:
    msg: "{{ lookup('ensemble.jitsi.scaleway_account', 'api_url', **scaleway) }}"
"""

RETURN = r"""
_raw:
  description: The values, in the order of the terms.
  type: list
  elements: str
  sample: [11111111-1111-4111-8111-111111111111]
"""

from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ..module_utils.errors import ScalewayError
from ..module_utils.settings import ARGUMENTS, from_arguments

TOLD = ("access_key", "project_id", "organization_id", "zone", "region", "api_url")


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        unknown = [term for term in terms if term not in TOLD]
        if unknown:
            raise AnsibleError(f"scaleway_account returns {', '.join(TOLD)}, not {', '.join(map(str, unknown))}.")
        try:
            settings = from_arguments({name: self.get_option(name) for name in ARGUMENTS})
            return [settings.project if term == "project_id" else str(getattr(settings, term)) for term in terms]
        except ScalewayError as error:
            raise AnsibleError(str(error)) from error

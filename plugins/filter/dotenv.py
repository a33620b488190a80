# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter that writes environment files."""

from __future__ import annotations

DOCUMENTATION = r"""
name: dotenv
short_description: Environment file of variables, as Docker Compose reads it
version_added: 0.2.0
author: The Ensemble maintainers (@ensemble)
description:
  - Writes one C(NAME=value) per line, quoted where needed, so that Docker Compose and the Jitsi servers of this
    collection read back exactly the same values, including quotes, dollar signs and line breaks.
options:
  _input:
    description:
      - Values by name. V(true) and V(false) are written in lower case.
      - An invalid variable name is an error, and so are null, lists and dictionaries.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Settings of Jitsi for each server of a fleet
  ensemble.jitsi.scaleway_fleet:
    prefix: h
    count: 3
    commercial_type: DEV1-L
    image: jitsi-2026-11
    user_data:
      jitsi-env: "{{ {'DOMAIN': 'example.org', 'ENABLE_LOBBY': true} | ensemble.jitsi.dotenv }}"

- name: Secret settings, apart from those that everybody may read
  ensemble.jitsi.scaleway_server:
    name: h-1
    secret_user_data:
      jitsi-secret-env: "{{ {'JWT_APP_SECRET': jwt_secret} | ensemble.jitsi.dotenv }}"

- name: An environment file
  ansible.builtin.copy:
    content: "{{ settings | ensemble.jitsi.dotenv }}"
    dest: /etc/example.env
    mode: "0600"
"""

RETURN = r"""
_value:
  description: The text of the file.
  type: str
  sample: |
    DOMAIN=example.org
    WELCOME="It's \"free\""
"""

from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.dotenv import write


def dotenv(environment: Any) -> str:
    """The text of an environment file."""
    if not isinstance(environment, dict):
        raise AnsibleFilterError(f"dotenv needs a dictionary of variables, not a {type(environment).__name__}.")
    try:
        return write(environment)
    except ValueError as error:
        raise AnsibleFilterError(f"dotenv: {error}.") from error


class FilterModule:
    """The collection's filters about environment files."""

    def filters(self) -> dict:
        return {"dotenv": dotenv}

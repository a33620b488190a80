#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_secret_files
short_description: Sync secrets of the secret manager with files in one folder
version_added: 0.3.0
description:
  - Writes all secrets of one path to files, and stores new and changed files as new versions.
  - With M(ensemble.jitsi.run_directory), a run can use keys as files without leaving any behind.
  - Values are neither arguments nor results. Files and folders are accessible only to their user (0600 and 0700).
  - If several runs write one secret at the same time, the first one wins, and all of them then have its value in their
    files. An empty file is an error, never a secret.
options:
  path:
    description: Folder of the secrets in the secret manager.
    type: str
    required: true
  folder:
    description: Folder of the files; it is created if it does not exist.
    type: path
    required: true
  state:
    description:
      - V(fetched) writes the files of every secret of the path, and overwrites those of older versions.
      - V(kept) stores every file that differs from the fetched version, and removes nothing.
    type: str
    choices: [fetched, kept]
    default: fetched
  files:
    description:
      - Files of each secret, by its name; paths are relative to O(folder).
      - A secret with one file contains its text; a secret with several is a JSON object of texts by path.
      - A secret that is not listed is one file with the secret's name.
    type: dict
    default: {}
  merged:
    description: Secrets whose lines are merged with those that another run has written in the meantime.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.attributes
attributes:
  check_mode:
    support: partial
    details: With V(fetched) files are written in check mode as well, as reading needs them.
seealso:
  - module: ensemble.jitsi.run_directory
  - module: ensemble.jitsi.scaleway_secret
  - plugin: ensemble.jitsi.scaleway_secret
    plugin_type: lookup
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: Folder of this run
  ensemble.jitsi.run_directory:
  register: run_directory

- name: Fetch the secrets for this run
  ensemble.jitsi.scaleway_secret_files: &secrets
    path: /ensemble/production
    folder: "{{ run_directory.path }}/secrets"
    files:
      ssh-key: [id_ed25519, id_ed25519.pub]

- name: Key pair, where there was none
  community.crypto.openssh_keypair:
    path: "{{ run_directory.path }}/secrets/id_ed25519"
    type: ed25519

- name: Kept for the next run
  ensemble.jitsi.scaleway_secret_files:
    <<: *secrets
    state: kept
"""

RETURN = r"""
secrets:
  description: The fetched secrets, without their values.
  returned: when O(state=fetched)
  type: list
  elements: dict
  sample:
    - {name: ssh-key, id: 1c5a5d2e-4f1b-4c56-9a6a-0dd1f9b4f5a3, revision: 2}
written:
  description: Names of secrets that got a new version.
  returned: when O(state=kept)
  type: list
  elements: str
  sample: [ssh-key]
taken:
  description: Names of secrets that another run has written in the meantime; the files have its values.
  returned: when O(state=kept)
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.module import account, account_spec, connect, diff, reported
from ..module_utils.secret_files import SecretFiles

SPEC = {
    "path": {"type": "str", "required": True},
    "folder": {"type": "path", "required": True},
    "state": {"type": "str", "choices": ["fetched", "kept"], "default": "fetched"},
    "files": {"type": "dict", "default": {}},
    "merged": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    module = AnsibleModule(argument_spec={**account_spec(), **SPEC}, supports_check_mode=True)
    with reported(module):
        secrets = SecretFiles(client := connect(module), module.params, module.check_mode)
        if module.params["state"] == "fetched":
            module.exit_json(changed=False, secrets=secrets.fetch(), **account(module, client))
        kept = secrets.keep()
    for name in kept.taken:
        module.warn(f"Another run has written the secret {name} in the meantime: its value is used.")
    module.exit_json(
        changed=bool(kept.written),
        written=kept.written,
        taken=kept.taken,
        **diff(module, {"before": {}, "after": dict.fromkeys(kept.written, "a new version")}),
        **account(module, client),
    )


if __name__ == "__main__":
    main()

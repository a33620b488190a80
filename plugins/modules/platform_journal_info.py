#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: platform_journal_info
short_description: Show who changed what on a platform
version_added: 0.3.0
description:
  - Reads the journal that M(ensemble.jitsi.platform_lock) keeps, with the runs of a platform and what they changed.
options:
  platform:
    description: Name of the platform.
    type: str
    required: true
  last:
    description: How many of the newest runs to return, or with O(server), changes.
    type: int
    default: 20
  run:
    description: Number of one run to return, with all its changes.
    type: int
  server:
    description: Name of a server or other object whose changes to return.
    type: str
extends_documentation_fragment:
  - ensemble.jitsi.database
attributes:
  check_mode:
    description: Can run in check mode and return what would be done, without changing anything.
    support: full
  diff_mode:
    description: Returns details on what has changed, or in check mode would change.
    support: N/A
    details: Nothing is changed.
notes:
  - The host that runs the task, usually C(localhost), connects to the database.
seealso:
  - module: ensemble.jitsi.platform_lock
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: The last ten runs
  ensemble.jitsi.platform_journal_info: &journal
    platform: production
    login_host: db.example.org
    login_password: "{{ journal_password }}"
    last: 10

- name: What run 42 changed
  ensemble.jitsi.platform_journal_info:
    <<: *journal
    run: 42

- name: The life of h-3
  ensemble.jitsi.platform_journal_info:
    <<: *journal
    server: h-3
"""

RETURN = r"""
runs:
  description: Runs, newest first; with O(server), those that changed it.
  returned: always
  type: list
  elements: dict
  sample:
    - id: 42
      who: alice
      where: laptop-7
      commit: 0f3a9c1d2e4b
      playbook: site.yml
      variables: {jitsi_count: 3}
      locked: true
      began: "2026-11-28T14:20:31Z"
      ended: "2026-11-28T14:24:02Z"
      result: ok
      changes: 3
changes:
  description: >-
    Changes in chronological order. A change in the state V(begun) belongs to a run that is still running or was killed
    in the middle of it.
  returned: always
  type: list
  elements: dict
  sample:
    - id: 311
      run: 42
      who: alice
      at: "2026-11-28T14:22:07Z"
      kind: server
      name: h-3
      object_id: 2e6e8a40-6b5d-4f0d-9a6c-6a9b1f2b9c1e
      action: created
      before: {}
      after: {commercial_type: DEV1-L}
      state: done
      problem: null
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import journal
from ..module_utils.database_module import login_of, login_spec
from ..module_utils.errors import Invalid
from ..module_utils.module import reported


def main() -> None:
    own = {
        "platform": {"type": "str", "required": True},
        "last": {"type": "int", "default": 20},
        "run": {"type": "int"},
        "server": {"type": "str"},
    }
    module = AnsibleModule(
        argument_spec={**login_spec(), **own}, supports_check_mode=True, mutually_exclusive=[("run", "server")]
    )
    arguments = module.params
    with reported(module):
        login = login_of(arguments)
        if login is None:
            raise Invalid("login_host is empty: without a database there is no journal.")
        with login.connect(f"ensemble {arguments['platform']} reads") as session:
            desired = {name: arguments[name] for name in ("platform", "last", "run", "server")}
            runs, changes = journal.read(session, **desired)
    module.exit_json(changed=False, runs=runs, changes=changes)


if __name__ == "__main__":
    main()

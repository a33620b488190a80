#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: run_directory
short_description: Create a private folder that is removed after the run
version_added: 0.3.0
description:
  - Creates a folder on the control node that only the user of this run may enter, and that is removed after the run,
    even if the run fails or is killed.
  - All tasks of one run of C(ansible-playbook) get the same folder.
  - The folder is in memory (C(/dev/shm)) if that is writable, otherwise in the system's temporary folder (E(TMPDIR)).
options:
  parent:
    description: Existing folder to create it in instead.
    type: path
attributes:
  check_mode:
    description: Can run in check mode and return what would be done, without changing anything.
    support: partial
    details: The folder is made in check mode as well, as it ends with the run.
  diff_mode:
    description: Returns details on what has changed, or in check mode would change.
    support: N/A
    details: A folder that ends with the run is no change.
notes:
  - Runs on the control node only, so on C(localhost) with C(connection=local), and not in C(async) tasks.
  - A small process watches the run, identified by process id and start time, and removes the folder within seconds
    after its end.
seealso:
  - module: ensemble.jitsi.scaleway_secret
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: Folder of this run
  ensemble.jitsi.run_directory:
  register: run_directory

- name: A secret that a command wants in a file
  ansible.builtin.copy:
    content: "{{ lookup('ensemble.jitsi.scaleway_secret', 'ssh-key', path='/jitsi') }}"
    dest: "{{ run_directory.path }}/id_ed25519"
    mode: "0600"
  no_log: true

- name: On a disk of its own
  ensemble.jitsi.run_directory:
    parent: /srv/encrypted
"""

RETURN = r"""
path:
  description: The folder.
  returned: always
  type: str
  sample: /dev/shm/ensemble-run-4211-912345-x1y2z3
run:
  description: The process of the run, by process id and start time.
  returned: always
  type: dict
  sample: {pid: 4211, started: "912345"}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.module import reported
from ..module_utils.run_folder import run_folder
from ..module_utils.run_process import this_run


def main() -> None:
    module = AnsibleModule(argument_spec={"parent": {"type": "path"}}, supports_check_mode=True)
    with reported(module):
        run = this_run()
        path = run_folder(module.params["parent"], run)
    module.exit_json(changed=False, path=path, run={"pid": run.pid, "started": run.started})


if __name__ == "__main__":
    main()

#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: platform_lock
short_description: One run at a time on a platform
version_added: 0.3.0
description:
  - Takes a session advisory lock of PostgreSQL for the whole run, or fails within seconds with who holds it, where,
    what runs and since when.
  - A process beside the run holds it, and ends with the run, however that ends. It writes the journal as well (see
    M(ensemble.jitsi.platform_journal_info)).
  - A session that is lost in the middle of the run is made again with the same lock, unless another run was there in
    between. Where that does not succeed within 20 seconds, the run is stopped.
options:
  platform:
    description: Name of the platform; the lock's key is a digest of it.
    type: str
    required: true
  state:
    description:
      - V(held) takes the lock, unless this run has it. Check mode takes nothing and tells who holds it.
      - V(released) gives it back before the run ends.
    type: str
    choices: [held, released]
    default: held
  lock:
    description: With V(false) the run is written in the journal, and takes no lock.
    type: bool
    default: true
  wait:
    description: Seconds to wait for a lock that another run holds.
    type: float
    default: 0
  keep:
    description: Days after which the journal forgets a run.
    type: int
    default: 365
  who:
    description: Who runs it, where the environment of the run does not tell.
    type: str
    default: ""
  revision:
    description: Git commit of what runs, where O(folder) does not tell.
    type: str
    default: ""
  folder:
    description: Folder whose Git commit is written in the journal.
    type: path
  variables:
    description: Variables of the run; those that differ from O(defaults) are written in the journal, without secrets.
    type: dict
    default: {}
  defaults:
    description: YAML file with what these variables are by default. Those with an expression follow from others.
    type: path
  secret_variables:
    description: Names of variables whose values are never written, beside those whose names say so.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - ensemble.jitsi.database
attributes:
  check_mode:
    description: Can run in check mode and return what would be done, without changing anything.
    support: full
  diff_mode:
    description: Returns details on what has changed, or in check mode would change.
    support: N/A
    details: A lock that ends with the run is no change of an object.
notes:
  - Runs on the control node only, so on C(localhost) with C(connection=local), and not in C(async) tasks.
  - Without O(login_host) there is no database yet. What the run changes is remembered, and written as soon as a later
    task of the same run tells one.
seealso:
  - module: ensemble.jitsi.platform_journal_info
  - module: ensemble.jitsi.run_directory
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: Nobody else changes the platform as long as this run lasts
  ensemble.jitsi.platform_lock:
    platform: production
    login_host: db.example.org
    login_user: journal
    login_password: "{{ journal_password }}"
    ca_cert: /etc/ssl/certs/database.pem

- name: Wait for up to an hour
  ensemble.jitsi.platform_lock:
    platform: production
    login_host: db.example.org
    login_user: journal
    login_password: "{{ journal_password }}"
    wait: 3600

- name: Who holds it?
  ensemble.jitsi.platform_lock:
    platform: production
    login_host: db.example.org
    login_user: journal
    login_password: "{{ journal_password }}"
  check_mode: true
  register: lock

- name: Others may begin while this run looks at what it has done
  ensemble.jitsi.platform_lock:
    platform: production
    state: released
"""

RETURN = r"""
locked:
  description: Whether this run holds the lock.
  returned: always
  type: bool
  sample: true
run:
  description: Number of the run in the journal; null where it is not written there (yet).
  returned: always
  type: int
  sample: 42
holder:
  description: Who else holds the lock, null where nobody does.
  returned: when another run holds it, and in check mode
  type: dict
  sample:
    run: 41
    who: alice
    place: laptop-7
    playbook: site.yml
    since: 2026-11-28 14:20:31 UTC
"""

import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import journal, platform_lock, run_origin
from ..module_utils.database import Login
from ..module_utils.database_module import login_of, login_spec
from ..module_utils.errors import Invalid, ScalewayError
from ..module_utils.module import reported
from ..module_utils.run_folder import run_folder
from ..module_utils.run_keeper import Keeper
from ..module_utils.run_process import Run, accompany, this_run
from ..module_utils.run_talk import ask, socket_of


def spec() -> dict[str, Any]:
    return {
        **login_spec(),
        "platform": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["held", "released"], "default": "held"},
        "lock": {"type": "bool", "default": True},
        "wait": {"type": "float", "default": 0},
        "keep": {"type": "int", "default": 365},
        "who": {"type": "str", "default": ""},
        "revision": {"type": "str", "default": ""},
        "folder": {"type": "path"},
        "variables": {"type": "dict", "default": {}, "no_log": True},
        "defaults": {"type": "path"},
        "secret_variables": {"type": "list", "elements": "str", "default": [], "no_log": False},
    }


def about(arguments: dict[str, Any]) -> journal.About:
    """What the journal is told of this run."""
    return journal.About(
        platform=arguments["platform"],
        who=arguments["who"] or run_origin.person(os.environ),
        place=run_origin.place(os.environ),
        revision=arguments["revision"] or (run_origin.revision(arguments["folder"]) if arguments["folder"] else ""),
        playbook=os.environ.get(run_origin.PLAYBOOK, "a playbook"),
        variables=arguments["variables"],
        began=time.time(),
    )


def keeper_of(run: Run) -> Path:
    """Where the keeper of the run listens; it is started where there is none."""
    found = socket_of(run)
    if found:
        return found
    accompany(run, Keeper(Path(run_folder(run=run)), run))
    found = socket_of(run)
    if found is None:
        raise ScalewayError("The process that keeps this run's lock ended at once.")
    return found


def hold(login: Login | None, arguments: dict[str, Any]) -> dict[str, Any]:
    """Take the lock, or with no database yet only begin to remember what the run changes."""
    keeper = keeper_of(this_run())
    if login is None:
        return {"locked": False, "run": None}
    message = {
        "do": "hold", "login": asdict(login), "about": asdict(about(arguments)), "lock": arguments["lock"],
        "wait": arguments["wait"], "keep": arguments["keep"],
    }  # fmt: skip
    return ask(keeper, message, arguments["wait"] + 60)


def release() -> dict[str, Any]:
    keeper = socket_of(this_run())
    if keeper:
        ask(keeper, {"do": "release"})
    return {"locked": False, "run": None}


def info(login: Login | None, platform: str) -> dict[str, Any]:
    if login is None:
        return {"locked": False, "run": None, "holder": None}
    with login.connect(f"ensemble {platform} asks") as session:
        found = platform_lock.holder(session, platform)
    return {"locked": False, "run": None, "holder": found.facts() if found else None}


def main() -> None:
    module = AnsibleModule(argument_spec=spec(), supports_check_mode=True)
    arguments = module.params
    with reported(module):
        # What is secret of the variables goes no further; the rest need not be hidden wherever it stands.
        arguments["variables"] = run_origin.differing(
            arguments["variables"], run_origin.defaults(arguments["defaults"]), arguments["secret_variables"]
        )
        module.no_log_values.clear()
        module.no_log_values.update(filter(None, [arguments["login_password"]]))
        if arguments["wait"] < 0 or arguments["keep"] < 1:
            raise Invalid("wait must be a number of seconds, 0 or more, and keep a number of days, 1 or more.")
        login = login_of(arguments)
        if arguments["state"] == "released":
            answer = {"locked": False, "run": None} if module.check_mode else release()
        elif module.check_mode:
            answer = info(login, arguments["platform"])
        else:
            answer = hold(login, arguments)
    if "refused" in answer:
        module.fail_json(msg=answer["refused"], locked=False, run=None, holder=answer["holder"])
    module.exit_json(changed=False, **answer)


if __name__ == "__main__":
    main()

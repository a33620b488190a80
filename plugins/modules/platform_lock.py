#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: platform_lock
short_description: Allow one run at a time on a platform
version_added: 0.3.0
description:
  - Takes a session-level advisory lock in PostgreSQL for the whole run, or fails within seconds and reports who holds
    it, where, with which playbook and since when.
  - A separate process holds the lock and ends with the run, even if the run is killed. It also writes the journal (see
    M(ensemble.jitsi.platform_journal_info)).
  - If the session is lost during the run, the process connects again and takes the lock again, unless another run held
    it in between. If that does not succeed within 20 seconds, the run is stopped.
options:
  platform:
    description: Name of the platform; the lock's key is a digest of it.
    type: str
    required: true
  state:
    description:
      - V(held) takes the lock, unless this run already holds it. Check mode takes no lock and reports who holds it.
      - V(released) releases it before the run ends.
    type: str
    choices: [held, released]
    default: held
  lock:
    description: With V(false) the run is recorded in the journal but takes no lock.
    type: bool
    default: true
  wait:
    description: Seconds to wait for a lock that another run holds.
    type: float
    default: 0
  keep:
    description: Days after which a run is deleted from the journal.
    type: int
    default: 365
  who:
    description: Name of the person who runs it, if the environment of the run does not contain it.
    type: str
    default: ""
  revision:
    description: Git commit of the playbook, if O(folder) has none.
    type: str
    default: ""
  folder:
    description: Folder whose Git commit is recorded in the journal.
    type: path
  variables:
    description: Variables of the run; those that differ from O(defaults) are recorded in the journal, without secrets.
    type: dict
    default: {}
  defaults:
    description: YAML file with the defaults of these variables. Defaults with an expression depend on other variables.
    type: path
  secret_variables:
    description: Names of variables whose values are never recorded, in addition to those with secret-looking names.
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
  - Without O(login_host) there is no database yet. Changes of the run are kept and written as soon as a later task of
    the same run sets one.
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
  description: Number of the run in the journal; null if it is not recorded there (yet).
  returned: always
  type: int
  sample: 42
holder:
  description: Other holder of the lock; null if there is none.
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

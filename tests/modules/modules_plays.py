# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection through Ansible's own commands, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from modules_support import PROJECT, ROOT, SECRET_KEY, Lab

BIN = Path(sys.executable).parent
Tasks = list[dict[str, Any]]


def start(folder: Path, command: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """A command of Ansible's, with the collection of this clone and nothing of the caller's settings."""
    known = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "SCW_"))}
    own = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"), "ANSIBLE_HOME": str(folder / "home"), **environment}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [str(BIN / command), *arguments], cwd=folder, env={**known, **own}, text=True, stdout=pipe, stderr=pipe
    )


def ansible(folder: Path, command: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    process = start(folder, command, *arguments, **environment)
    out, err = process.communicate(timeout=180)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def write_play(folder: Path, lab: Lab, tasks: Tasks, **account: str) -> None:
    """`play.yml` with these tasks; the account is told once, by the action group."""
    book = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": sys.executable},
        "module_defaults": {
            "group/ensemble.jitsi.scaleway": {"api_url": lab.url, "project_id": PROJECT, **account},
        },
        "tasks": tasks,
    }
    (folder / "play.yml").write_text(yaml.safe_dump([book], sort_keys=False))


def play(folder: Path, lab: Lab, tasks: Tasks, *arguments: str, **environment: str) -> str:
    """All that a play prints that must succeed."""
    write_play(folder, lab, tasks)
    done = ansible(folder, "ansible-playbook", "play.yml", *arguments, SCW_SECRET_KEY=SECRET_KEY, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr

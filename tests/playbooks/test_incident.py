# SPDX-License-Identifier: GPL-3.0-or-later
"""An announcement is written once for all portals, by the first that can; invalid input is refused before."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "playbooks" / "incident.yml"
BIN = Path(sys.executable).parent
WORDS = {"incident_title": 'No "sound"; $(id)', "incident_text": "We are on it."}
DOCKER = f"""#!/bin/sh
test "$1 $2 $3" = "exec ensemble-portal python3" || exit 99
shift 3
test "$API" = away && {{ echo "No such container" >&2; exit 1; }}
export PYTHONPATH={ROOT / "portal"} ENSEMBLE_PROMETHEUS_URL=http://127.0.0.1:9
exec {sys.executable} "$@"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of three API servers one cannot be reached, one has no portal; `docker` is a stand-in that runs its code."""
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    hosts = {
        "api-1": {"ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_ssh_args": "-o ConnectionAttempts=1"},
        "api-2": here | {"container": "away"},
        "api-3": here | {"container": "there"},
    }
    inventory = {"configure_api": {"hosts": hosts}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory))
    plays = yaml.safe_load(BOOK.read_text())
    checks = [task for task in plays[0]["tasks"] if "ansible.builtin.assert" in task]  # the rest finds the hosts
    plays[0] |= {"module_defaults": {}, "tasks": checks}
    plays = [{**play, "roles": []} for play in plays]
    plays[1]["environment"] = {"API": "{{ container | default('') }}"}
    (tmp_path / "incident.yml").write_text(yaml.safe_dump(plays))
    return tmp_path


def announce(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "ANSIBLE_NOCOLOR": "1"}
    environ["ENSEMBLE_STORE"] = f"sqlite:{folder / 'claims.db'}"
    command = [
        BIN / "ansible-playbook",
        folder / "incident.yml",
        "-i",
        folder / "hosts.yml",
        "-e",
        json.dumps(variables),
    ]
    return subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_the_first_portal_that_can_writes_it(folder: Path) -> None:
    done = announce(folder, incident_state="open", **WORDS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "api-3                      : ok=1    changed=1" in done.stdout
    again = announce(folder, incident_state="open", **WORDS)
    assert again.returncode == 0
    assert "changed=1" not in again.stdout
    written = sqlite3.connect(folder / "claims.db").execute("SELECT title, step, body FROM ensemble_notices").fetchall()
    assert written == [(WORDS["incident_title"], "open", WORDS["incident_text"])]


def test_nobody_believes_that_it_was_told_when_no_portal_could(folder: Path) -> None:
    hosts = yaml.safe_load((folder / "hosts.yml").read_text())
    del hosts["configure_api"]["hosts"]["api-3"]
    (folder / "hosts.yml").write_text(yaml.safe_dump(hosts))
    done = announce(folder, incident_state="open", **WORDS)
    assert done.returncode != 0
    assert "visitors were told nothing. No such container" in " ".join(done.stdout.split())


def test_half_an_announcement_is_refused(folder: Path) -> None:
    done = announce(folder, incident_state="open", incident_title="x")
    assert done.returncode != 0
    assert "Nothing was announced" in " ".join((done.stdout + done.stderr).split())
    assert not (folder / "claims.db").exists()

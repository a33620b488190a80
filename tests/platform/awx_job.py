# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one playbook as an AWX job: awx_job.py PROJECT INVENTORY PLAYBOOK [EXTRA_VARS] [--check].

A private folder per job, the project copied without `.git`, the inventory a script that prints what
`ansible-inventory --list --export` gave, an empty HOME, credentials in the environment only, everything deleted after.
The order is that of awx/main/tasks/jobs.py: build_private_data_dir, build_inventory, build_env, build_args.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import ansible_runner

BIN = Path(sys.executable).parent


def environment(top: Path) -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key.startswith("SCW_")} | {
        "ANSIBLE_COLLECTIONS_PATH": f"{top}/requirements_collections:collections:~/.ansible/collections",
        "ANSIBLE_HOST_KEY_CHECKING": "False",
        "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        "ANSIBLE_ROLES_PATH": f"{top}/requirements_roles:roles:~/.ansible/roles",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": f"{top}/cp",
        "AWX_PRIVATE_DATA_DIR": str(top),
        "HOME": str(top / "home"),
        "LANG": "C.UTF-8",
        "PATH": f"{BIN}:/usr/bin:/bin:/usr/sbin:/sbin",
    }


def import_inventory(top: Path, source: str, env: dict[str, str]) -> None:
    """What AWX keeps of an inventory source."""
    exported = top / "exported.json"
    subprocess.run(
        ["ansible-inventory", "--list", "--export", "-i", source, "--playbook-dir", source, "--output", str(exported)],
        check=True, env=env, cwd=top / "project",
    )  # fmt: skip
    script = top / "inventory/hosts"
    script.write_text(f"#! /usr/bin/env python3\nprint({json.dumps(json.loads(exported.read_text()))!r})\n")
    script.chmod(0o700)


def job(top: Path, project: str, source: str, playbook: str, extra: dict[str, object], check: bool) -> int:
    for name in ("inventory", "env", "cp", "home", "artifacts"):
        (top / name).mkdir()
    shutil.copytree(
        project, top / "project", symlinks=True, ignore=shutil.ignore_patterns(".git", ".venv", ".cache", ".lab")
    )
    env = environment(top)
    import_inventory(top, source, env)
    variables = {"awx_job_id": 1, "tower_job_id": 1, "awx_user_name": "admin", **extra}
    (top / "env/extravars").write_text(json.dumps(variables))
    (top / "env/cmdline").write_text("-u root" + (" --check" if check else ""))
    os.environ.clear()
    os.environ.update(env)
    result = ansible_runner.run(
        private_data_dir=str(top), playbook=playbook, inventory=str(top / "inventory"), envvars=env
    )
    return result.rc


def main() -> None:
    project, source, playbook, *rest = sys.argv[1:]
    extra = next((json.loads(argument) for argument in rest if argument.startswith("{")), {})
    with tempfile.TemporaryDirectory(prefix="awx_") as folder:
        sys.exit(job(Path(folder), project, source, playbook, extra, "--check" in rest))


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventories of the repository, as Ansible reads them after a run has left its files beside them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_keys_and_build_context_are_not_read_as_inventory(tmp_path: Path) -> None:
    inventory = tmp_path / "production"
    shutil.copytree(
        ROOT / "inventories/production", inventory, ignore=shutil.ignore_patterns("secrets", "scaleway.yml")
    )
    for left in ("secrets/id_ed25519", "secrets/tls/ca.pem", "portal-context/package.py"):
        (inventory / left).parent.mkdir(parents=True, exist_ok=True)
        (inventory / left).write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nno inventory\n")
    command = [Path(sys.executable).parent / "ansible-inventory", "-i", inventory, "--list"]
    environment = {**os.environ, "ANSIBLE_HOME": str(tmp_path / "home")}
    done = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True, timeout=60, check=True)
    assert done.stderr == ""

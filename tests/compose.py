# SPDX-License-Identifier: GPL-3.0-or-later
"""The real Docker Compose, for what it makes of environment files; no Docker Engine is asked."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROGRAM = ROOT / ".cache/compose/docker-compose"


def command() -> list[str]:
    """How Compose is called here; `tools/bootstrap` brings it where the machine has none."""
    subprocess.run([ROOT / "tools/bootstrap", "compose"], check=True, capture_output=True)
    return [str(PROGRAM)] if PROGRAM.exists() else ["docker", "compose"]


def read_back(environment_file: str, names: list[str], folder: Path) -> dict[str, str]:
    """The values that a container would get from an environment file of this text."""
    (folder / "env").write_text(environment_file, newline="")
    services = {"x": {"image": "x", "environment": {name: f"${{{name}}}" for name in names}}}
    (folder / "compose.json").write_text(json.dumps({"services": services}))
    options = ["--env-file", folder / "env", "-f", folder / "compose.json", "config", "--format", "json"]
    done = subprocess.run([*command(), *options], capture_output=True, text=True, check=False, env={"PATH": "/usr/bin"})
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["services"]["x"]["environment"]
    return {name: value.replace("$$", "$") for name, value in found.items()}

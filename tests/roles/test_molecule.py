# SPDX-License-Identifier: GPL-3.0-or-later
"""Every role in a machine of its own: converge, idempotence, verify."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted(found.parent.name for found in ROOT.glob("molecule/*/molecule.yml"))


@pytest.mark.docker
@pytest.mark.timeout(900)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_role(scenario: str) -> None:
    environment = {**os.environ, "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}", "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(
        ["molecule", "test", "-s", scenario], cwd=ROOT, env=environment, text=True, timeout=850, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8000:]


def test_every_role_that_does_something_has_a_scenario() -> None:
    assert {tasks.parent.name for tasks in (ROOT / "roles").glob("*/tasks")} <= set(SCENARIOS)

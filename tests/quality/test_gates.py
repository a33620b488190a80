# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that reviewers of collections run first."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GATES = {
    "ruff check": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "mypy": ["mypy", "-p", "ansible_collections.ensemble.jitsi.plugins", "-p", "ensemble_lab", "-p", "ensemble_portal"],
    "ansible-lint": ["ansible-lint", "--profile", "production", "--offline"],
    "documentation site, warnings are errors": ["make", "docs"],
}


def passes(command: list[str], timeout: int) -> None:
    environment = {**os.environ, "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, text=True, capture_output=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]


@pytest.mark.parametrize("gate", GATES)
def test_gate(gate: str) -> None:
    passes(GATES[gate], 500)


@pytest.mark.timeout(1200)
def test_sanity_and_documentation() -> None:
    """`ansible-test sanity` and `antsibull-docs lint-collection-docs` on an exported tree."""
    passes(["tests/sanity/run"], 1100)


def test_collection_archive_ships_only_the_collection(tmp_path: Path) -> None:
    passes(["ansible-galaxy", "collection", "build", "--output-path", str(tmp_path)], 120)
    archive = next(tmp_path.glob("ensemble-jitsi-*.tar.gz"))
    names = subprocess.run(["tar", "-tzf", archive], text=True, capture_output=True, check=True).stdout.split()
    of_the_image = ("Dockerfile", "package.py", "requirements.lock", "ensemble_portal/app.py")
    assert {f"portal/{name}" for name in of_the_image} <= set(names)
    assert [name for name in names if re.search(r"(^|/)(\.|bench|simulator|__pycache__)", name)] == []
    tops = {name.split("/")[0] for name in names}
    assert {"plugins", "roles", "playbooks", "meta", "README.md", "MANIFEST.json", "FILES.json"} <= tops
    assert tops.isdisjoint({"lab", "tests", "inventories", "molecule", "collections", ".venv", ".lab", "tools"})

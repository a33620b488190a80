# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual environments with one version of ansible-core each, from PyPI; kept between runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
COLLECTION = ROOT / "collections/ansible_collections/ensemble/jitsi"
NEEDED = ("requests", "PyYAML", "jmespath", "cryptography", "dnspython")
PYTHONS = {"2.18": ("3.11", "3.12", "3.13"), "2.19": ("3.11", "3.12", "3.13")}
"""Control node Pythons by the versions of ansible-core that still run on 3.11; later ones take 3.12 and up."""
LATER_PYTHONS = ("3.12", "3.13", "3.14")


def supported() -> list[str]:
    """The versions in the range of meta/runtime.yml."""
    desired = yaml.safe_load((COLLECTION / "meta/runtime.yml").read_text())["requires_ansible"]
    first, end = (int(number) for number in re.fullmatch(r">=2\.(\d+)\.0,<2\.(\d+)\.0", desired).groups())
    return [f"2.{minor}" for minor in range(first, end)]


def python_for(version: str) -> str | None:
    """A Python of this machine that can run an ansible-core of this version."""
    known = [sys.executable, *(str(path) for path in Path.home().glob(".pyenv/versions/*/bin/python3"))]
    for desired in PYTHONS.get(version, LATER_PYTHONS):
        for python in [*known, shutil.which(f"python{desired}")]:
            if python and _version(python) == desired:
                return python
    return None


def _version(python: str) -> str:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=False).stdout.strip()


def make(version: str, python: str) -> Path:
    """The folder of the programs of a virtual environment with this ansible-core."""
    folder = ROOT / ".cache/core" / version
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([python, "-m", "venv", folder], check=True)
        install = [
            folder / "bin/pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            f"ansible-core=={version}.*",
        ]
        subprocess.run([*install, *NEEDED], check=True)
        (folder / "ready").touch()
    return folder / "bin"


def collections() -> str:
    """Where the collection lies, and those of others that the package `ansible` brought here."""
    return os.pathsep.join([str(ROOT / "collections"), sysconfig.get_path("purelib")])

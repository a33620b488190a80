# SPDX-License-Identifier: GPL-3.0-or-later
"""Determine who runs what from where, from the environment of a terminal, a CI job or an AWX job."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import Invalid
from .masking import without_secrets

PEOPLE = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_USER_ID", "SUDO_USER")
PLAYBOOK = "ENSEMBLE_PLAYBOOK"
"""What the callback of the playbooks calls the one that runs."""


def person(environment: Mapping[str, str]) -> str:
    """Return who started the run, according to the CI service or the system."""
    found = next((environment[name] for name in PEOPLE if environment.get(name)), "")
    try:
        return found or getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return str(os.geteuid())


def place(environment: Mapping[str, str]) -> str:
    """Return the host of the run, and the URL of its job, if any."""
    job = environment.get("CI_JOB_URL") or environment.get("BUILD_URL") or ""
    if environment.get("GITHUB_RUN_ID"):
        job = "/".join(environment.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY"))
        job += f"/actions/runs/{environment['GITHUB_RUN_ID']}"
    elif environment.get("AWX_HOST") and environment.get("JOB_ID"):
        job = f"{environment['AWX_HOST']}/#/jobs/playbook/{environment['JOB_ID']}"
    return f"{socket.gethostname()} ({job})" if job else socket.gethostname()


def revision(folder: str) -> str:
    """The Git commit that a folder is at, with a + where something was changed since; "" where it is none."""
    head = _git(folder, "rev-parse", "--short=12", "HEAD")
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no") if head else ""
    return head + ("+" if changed else "")


def _git(folder: str, *arguments: str) -> str:
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            ["git", "-C", folder, *arguments],
            capture_output=True, text=True, timeout=5, check=False, env=environment,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def defaults(path: str | None) -> dict[str, Any]:
    """The variables of a file as they stand in it.

    Raises:
        Invalid: it cannot be read.
    """
    if not path:
        return {}
    try:
        import yaml
    except ImportError as error:
        raise Invalid(f"Reading {path} needs the Python package PyYAML: pip install PyYAML.") from error
    try:
        return yaml.safe_load(Path(path).read_text()) or {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise Invalid(f"defaults: {path} cannot be read: {error}") from error


def differing(values: Mapping[str, Any], by_default: Mapping[str, Any], secret: list[str]) -> dict[str, Any]:
    """The variables that are not as by default, without secrets. A default with an expression follows from others."""
    told = {}
    for name, value in values.items():
        default = by_default.get(name)
        if isinstance(default, str) and "{{" in default:
            continue
        if name in by_default and (value == default or str(value) == str(default)):
            continue
        told[name] = "hidden" if name in secret and value else without_secrets(value, name)
    return told

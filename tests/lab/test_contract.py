# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded conversations with the real API, where they lie beside the repository."""

from __future__ import annotations

import subprocess
import sys

import pytest

from .conftest import ROOT, Lab

CONTRACT = ROOT.parent / "shared" / "contract"
LEAST = {"status": 99, "keys": 98, "values": 97, "perfect": 90}
# One word stands for all access keys in the paths of these recordings: nobody can tell which key is meant.
MASKED = "api-keys/SCWX+$"


@pytest.mark.slow
@pytest.mark.skipif(not (CONTRACT / "replay.py").exists(), reason="the recordings are not here")
def test_the_lab_answers_as_the_cloud_did(lab: Lab) -> None:
    replay(lab, "open", LEAST, "--max-skipped", "5")


@pytest.mark.slow
@pytest.mark.skipif(not (CONTRACT / "replay.py").exists(), reason="the recordings are not here")
def test_keys_policies_and_data_sources_are_as_the_cloud_has_them(lab: Lab) -> None:
    least = {"status": 99, "keys": 99, "values": 97, "perfect": 91}
    replay(lab, "open-platform", least, "--only", "tf/(iam|cockpit)/", "--skip", MASKED)


@pytest.mark.slow
@pytest.mark.skipif(not (CONTRACT / "replay.py").exists(), reason="the recordings are not here")
def test_databases_are_as_the_cloud_has_them(lab: Lab) -> None:
    """Few answers are the same in all: each instance has a port, a certificate and an age of its own."""
    least = {"status": 99, "keys": 99, "values": 99, "perfect": 45}
    replay(lab, "open-platform", least, "--only", "tf/rdb/")


def replay(lab: Lab, cases: str, least: dict[str, int], *options: str) -> None:
    words = ["--base-url", lab.url, "--cases", str(CONTRACT / "cases" / cases), "--dns-domain", "example.test"]
    words += ["--reset-url", "/_emulator/reset", "--poll-timeout", "3", *options]
    for what, percent in least.items():
        words += [f"--min-{what}", str(percent)]
    done = subprocess.run(
        [sys.executable, str(CONTRACT / "replay.py"), *words], capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr

# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded conversations with the real API, where they lie beside the repository."""

from __future__ import annotations

import subprocess
import sys

import pytest

from .conftest import ROOT, Lab

CONTRACT = ROOT.parent / "shared" / "contract"
LEAST = {"status": 99, "keys": 98, "values": 97, "perfect": 90}


@pytest.mark.slow
@pytest.mark.skipif(not (CONTRACT / "replay.py").exists(), reason="the recordings are not here")
def test_the_lab_answers_as_the_cloud_did(lab: Lab) -> None:
    words = ["--base-url", lab.url, "--cases", str(CONTRACT / "cases" / "open"), "--dns-domain", "example.test"]
    words += ["--reset-url", "/_emulator/reset", "--max-skipped", "5", "--poll-timeout", "3"]
    for what, percent in LEAST.items():
        words += [f"--min-{what}", str(percent)]
    done = subprocess.run(
        [sys.executable, str(CONTRACT / "replay.py"), *words], capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr

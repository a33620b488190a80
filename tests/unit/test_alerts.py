"""The platform's alerts, by Prometheus' own test tool."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_alerts(tmp_path: Path) -> None:
    shutil.copy(ROOT / "roles" / "prometheus" / "files" / "ensemble.rules.yml", tmp_path)
    shutil.copy(Path(__file__).with_name("alerts.yml"), tmp_path)
    told = subprocess.run(["promtool", "test", "rules", "alerts.yml"], cwd=tmp_path, capture_output=True, text=True)
    assert told.returncode == 0, told.stdout + told.stderr

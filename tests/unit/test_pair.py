# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificate and key of a Jitsi server, whose user data is written one after the other."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path[:0] = [str(Path(__file__).parents[2] / "roles/jitsi/files")]

import certificate  # noqa: E402
from metadata import Failure  # noqa: E402

HOST = "h-1.ensemble.test"


def made(folder: Path, name: str) -> tuple[str, str]:
    key, crt = folder / f"{name}.key", folder / f"{name}.crt"
    options = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x"]
    files = ["-addext", f"subjectAltName=DNS:{HOST}", "-keyout", str(key), "-out", str(crt)]
    subprocess.run(["openssl", "req", *options, *files], check=True, capture_output=True)
    return crt.read_text(), key.read_text()


class Written:
    """User data whose halves are written while the server looks: `halves` are what each look finds."""

    def __init__(self, *halves: tuple[str, str]) -> None:
        self.halves = list(halves)

    def user_data(self, key: str) -> str:
        found = self.halves[0][key == "tls-private-key"]
        if key == "tls-private-key" and len(self.halves) > 1:
            self.halves.pop(0)
        return found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[float]:
    """The seconds that were slept, on a clock of its own."""
    slept: list[float] = []
    clock = SimpleNamespace(sleep=slept.append, monotonic=lambda: sum(slept))
    folders = SimpleNamespace(TemporaryDirectory=lambda **_where: tempfile.TemporaryDirectory(dir=tmp_path))
    monkeypatch.setattr(certificate, "time", clock)
    monkeypatch.setattr(certificate, "tempfile", folders)
    return slept


def test_a_half_written_pair_is_waited_for(clock: list[float], tmp_path: Path) -> None:
    old, new = made(tmp_path, "old"), made(tmp_path, "new")
    mixed = (new[0], old[1])
    found = certificate.Pair.usable(Written(mixed, mixed, new), HOST)
    assert (found.certificate, found.private_key) == new
    assert sum(clock) == 2


def test_a_pair_that_stays_wrong_is_refused(clock: list[float], tmp_path: Path) -> None:
    mixed = (made(tmp_path, "new")[0], made(tmp_path, "old")[1])
    with pytest.raises(Failure, match="not a pair"):
        certificate.Pair.usable(Written(mixed), HOST)
    assert certificate.HALF_WRITTEN <= sum(clock) <= certificate.HALF_WRITTEN + 2

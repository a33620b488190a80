# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "playbooks"), str(HERE.parent / "modules")]

from core_venv import make, python_for, supported  # noqa: E402
from modules_support import Lab, serve  # noqa: E402
from playbooks_support import Operator  # noqa: E402


@pytest.fixture(scope="session", params=supported())
def core(request: pytest.FixtureRequest) -> Path:
    """The programs of one version of ansible-core."""
    python = python_for(request.param)
    if python is None:
        pytest.skip(f"this machine has no Python for ansible-core {request.param}")
    return make(request.param, python)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    process, lab = serve(tmp_path_factory.mktemp("lab"), "--speed", "0")
    yield lab
    process.terminate()
    process.wait(20)


@pytest.fixture
def operator(core: Path, cloud: Lab, tmp_path: Path) -> Operator:
    """Somebody with this ansible-core, and nothing in the cloud."""
    cloud.reset()
    return Operator(tmp_path, cloud, programs=core)

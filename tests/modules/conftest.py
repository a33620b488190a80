# SPDX-License-Identifier: GPL-3.0-or-later
"""A local Scaleway for the modules: one process for all tests, empty for each."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.plugins.loader import init_plugin_loader

sys.path[:0] = [str(Path(__file__).parent)]
# The collection as Ansible imports it, before anybody imports it otherwise: only so are its examples rendered.
init_plugin_loader([str(Path(__file__).parents[2] / "collections")])

from modules_support import Ended, Lab, Runner, serve  # noqa: E402


@pytest.fixture(scope="session")
def lab_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    process, lab = serve(tmp_path_factory.mktemp("lab"), "--speed", "50", "--seed", "7")
    yield lab
    process.terminate()
    process.wait(20)


@pytest.fixture
def lab(lab_process: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """An empty cloud, and pauses a twentieth as long."""
    real_sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: real_sleep(seconds / 20))
    for name in [name for name in os.environ if name.startswith("SCW_")]:
        monkeypatch.delenv(name)
    random.seed(7)
    lab_process.reset()
    return lab_process


@pytest.fixture
def run(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Runner:
    def leave(_module: basic.AnsibleModule, **answer: Any) -> None:
        raise Ended({"changed": False, **answer})

    def fail(_module: basic.AnsibleModule, msg: str, **answer: Any) -> None:
        raise Ended({"changed": False, **answer, "msg": msg, "failed": True})

    monkeypatch.setattr(basic.AnsibleModule, "exit_json", leave)
    monkeypatch.setattr(basic.AnsibleModule, "fail_json", fail)
    return Runner(lab)

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.plugins.loader import init_plugin_loader

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "modules")]

init_plugin_loader([str(Path(__file__).parents[2] / "collections")])

from modules_support import Lab, free_port, serve  # noqa: E402
from playbooks_support import Operator  # noqa: E402


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    port = free_port()
    process, lab = serve(tmp_path_factory.mktemp("lab"), "--speed", "50", "--seed", "7", "--dns-port", str(port))
    lab.dns_port = port
    yield lab
    process.terminate()
    process.wait(20)


@pytest.fixture
def empty(cloud: Lab, tmp_path: Path) -> Operator:
    """An operator with nothing in the cloud yet."""
    cloud.reset()
    return Operator(tmp_path, cloud)


@pytest.fixture(scope="session")
def built(cloud: Lab, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A whole platform, made once: the operator's folder and the cloud as it was left."""
    folder = tmp_path_factory.mktemp("built")
    cloud.reset()
    Operator(folder, cloud).build()
    deadline = time.monotonic() + 30
    while any(each["state_detail"] != "booted" for each in cloud.state()["instance_server"]):
        assert time.monotonic() < deadline, "servers do not boot"
        time.sleep(0.2)
    return folder, cloud.save()


@pytest.fixture
def operator(built: tuple[Path, dict[str, Any]], cloud: Lab, tmp_path: Path) -> Operator:
    """The operator of a whole platform, which is as it was built."""
    folder, state = built
    cloud.reset()
    cloud.restore(state)
    shutil.copytree(folder / "inventories", tmp_path / "inventories")
    return Operator(tmp_path, cloud)

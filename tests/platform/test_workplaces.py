# SPDX-License-Identifier: GPL-3.0-or-later
"""A platform belongs to no clone: whoever has the credentials goes on, and nobody else learns a secret.

After test_visitor.py, which wants servers that nobody has logged in to.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.platform.places import awx_job, exposed, fresh_clone, secret_texts, watched_processes
from tests.platform.running import Platform, run


def test_a_fresh_clone_logs_in_to_any_server(platform: Platform, tmp_path: Path) -> None:
    clone = fresh_clone(tmp_path)
    for server in platform.servers():
        login = run("tools/ssh", server, "hostname", cwd=clone)
        assert (login.status, login.output.strip()) == (0, server)


@pytest.mark.parametrize("part", ["network", "monitoring", "portal", "fleet"])
def test_a_part_as_an_awx_job_changes_nothing_again(platform: Platform, part: str) -> None:
    with watched_processes(secret_texts(platform)) as shown:
        done = awx_job(f"{part}.yml")
    assert done.status == 0
    assert done.changed == 0, done.recap
    assert shown == []


def test_no_machine_shows_a_secret(platform: Platform) -> None:
    secrets = secret_texts(platform)
    platform.ssh("h-1", "umask 022; cat > /tmp/shown", text=secrets["certificate tls/private_key.pem"])
    assert "/tmp/shown" in exposed(platform, "h-1", secrets), "or this test finds nothing"
    platform.ssh("h-1", "rm /tmp/shown")
    assert {server: exposed(platform, server, secrets) for server in platform.servers()} == dict.fromkeys(
        platform.servers(), ""
    )

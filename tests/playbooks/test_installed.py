# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as it is published: installed from its archive, beside an inventory of two files, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from modules_support import PROJECT, ROOT, SECRET_KEY, Lab
from playbooks_support import BIN, DOMAIN, Run

pytestmark = pytest.mark.slow

LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
HOSTS = {"all": {"hosts": {"localhost": LOCAL}}}
WISHES = {
    "ensemble_platform": "mine",
    "ensemble_domain": DOMAIN,
    "ensemble_contact": "ops@example.org",
    "ensemble_admin_networks": ["203.0.113.0/24"],
    "jitsi_archive_sha256": "a" * 64,
    "certificate_provider": "own_ca",  # the world knows nothing of this domain
}


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the collection and nothing that is in the project's clone."""
    archives, folder = tmp_path_factory.mktemp("archives"), tmp_path_factory.mktemp("collections")
    galaxy = [BIN / "ansible-galaxy", "collection"]
    subprocess.run([*galaxy, "build", ROOT, "--output-path", archives], check=True, capture_output=True)
    (archive,) = archives.glob("ensemble-jitsi-*.tar.gz")
    only = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(folder)}
    subprocess.run([*galaxy, "install", archive, "--no-deps"], cwd=archives, env=only, check=True, capture_output=True)
    return folder


@pytest.fixture
def play(collections: Path, cloud: Lab, tmp_path: Path) -> Callable[..., Run]:
    """Runs playbooks of the collection in a project's folder that is read-only, as the collection is."""
    cloud.reset()
    project = tmp_path / "project"
    (project / "my-inventory/group_vars").mkdir(parents=True)
    (project / "my-inventory/hosts.yml").write_text(yaml.safe_dump(HOSTS))
    (project / "my-inventory/group_vars/all.yml").write_text(yaml.safe_dump(WISHES))
    environment = {
        "SCW_API_URL": cloud.url,
        "SCW_ACCESS_KEY": "SCWLABLABLABLABLABLA",
        "SCW_SECRET_KEY": SECRET_KEY,
        "SCW_DEFAULT_PROJECT_ID": PROJECT,
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "PATH": f"{BIN}:/usr/bin:/bin",
        "ANSIBLE_COLLECTIONS_PATH": f"{collections}:{sysconfig.get_path('purelib')}",
    }
    read_only = "for folder; do mount --bind $folder $folder && mount -o remount,bind,ro $folder || exit; done"
    mounts = ["unshare", "--mount", "sh", "-c", f'{read_only}; cd "$1" && exec $PLAY', "sh", str(project)]

    def play(*words: str) -> Run:
        told = {**environment, "PLAY": " ".join(("ansible-playbook", *words, "-i", "my-inventory"))}
        done = subprocess.run(
            [*mounts, str(collections)], env=told, text=True, capture_output=True, timeout=300, check=False
        )
        return Run(done.returncode, done.stdout + done.stderr)

    return play


def test_site_shows_its_plan(play: Callable[..., Run], cloud: Lab) -> None:
    """Every part of it, with all defaults and the portal's source from the archive."""
    planned = play("ensemble.jitsi.site", "--check", "--diff").ok()
    assert planned.changed > 10
    for name in ("prometheus-1", "builder-portal", "api-2", "h-2"):
        assert name in planned.output
    assert cloud.writes() == []


def test_a_part_does_its_work_and_leaves_nothing_to_do(play: Callable[..., Run], cloud: Lab) -> None:
    assert play("ensemble.jitsi.network").ok().changed > 5
    assert play("ensemble.jitsi.network").ok().changed == 0

# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's Packer (1.6, its built-in Scaleway builder), unmodified, over HTTPS; without machines it can only do without
SSH. tests/lab_docker has it configure a real one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .conftest import ACCESS_KEY, PROJECT, TOKEN, Lab

Secure = tuple[Lab, str]


def build(secure: Secure, folder: Path, **builder: Any) -> subprocess.CompletedProcess[str]:
    packer = shutil.which("packer")
    if not packer:
        pytest.skip("Debian's packer is not here")
    account = {"project_id": PROJECT, "access_key": ACCESS_KEY, "secret_key": TOKEN, "zone": "fr-par-1"}
    machine = {"commercial_type": "DEV1-S", "communicator": "none", "remove_volume": True}
    names = {"image_name": "packed", "snapshot_name": "packed-disk", "server_name": "builder"}
    whole = {"type": "scaleway", "api_url": secure[1], **account, **machine, **names, **builder}
    (folder / "build.json").write_text(json.dumps({"builders": [whole]}))
    own = {
        "SSL_CERT_FILE": str(secure[0].ca_file),
        "CHECKPOINT_DISABLE": "1",
        "PACKER_CACHE_DIR": str(folder / "cache"),
        "PACKER_CONFIG_DIR": str(folder),
    }
    return subprocess.run(
        [packer, "build", "-color=false", "build.json"],
        cwd=folder,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_an_image_is_built_and_nothing_else_stays(secure: Secure, tmp_path: Path) -> None:
    lab = secure[0]
    places = {"image_label": "debian_trixie", "zone": "fr-par-1", "type": "instance_local"}
    found = lab.get("/marketplace/v2/local-images", params=places)["local_images"][0]
    done = build(secure, tmp_path, image=found["id"])
    assert done.returncode == 0, done.stdout + done.stderr
    (image,) = lab.get("images", params={"public": "false"})["images"]
    (snapshot,) = lab.get("snapshots")["snapshots"]
    assert (image["name"], image["root_volume"]["id"]) == ("packed", snapshot["id"])
    assert snapshot["name"] == "packed-disk"
    assert (lab.get("servers")["servers"], lab.get("volumes")["volumes"]) == ([], [])


def test_labels_are_beyond_it(secure: Secure, tmp_path: Path) -> None:
    """It looks labels up in marketplace v1, which Scaleway has retired: ids must be given."""
    done = build(secure, tmp_path, image="debian_trixie")
    assert done.returncode != 0
    seen = secure[0].requests_seen(path="/marketplace/")
    assert [(each["method"], each["path"], each["status"]) for each in seen] == [("GET", "/marketplace/v1/images", 404)]

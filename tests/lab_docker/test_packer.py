# SPDX-License-Identifier: GPL-3.0-or-later
"""Packer, unmodified, makes an image of a machine that it booted and configured over SSH; the image boots."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from ensemble_lab.settings import ACCESS_KEY, PROJECT, SECRET_KEY
from whole_lab import INSTANCE, URL, WholeLab, running

pytestmark = pytest.mark.docker


def test_an_image_is_built_and_boots(whole_lab: WholeLab, tmp_path: Path) -> None:
    packer = shutil.which("packer")
    if not packer:
        pytest.skip("Debian's packer is not here")
    found = whole_lab.ask(
        "GET", "/marketplace/v2/local-images?image_label=debian_trixie&zone=fr-par-1&type=instance_local"
    )
    builder = {
        "type": "scaleway",
        "project_id": PROJECT,
        "access_key": ACCESS_KEY,
        "secret_key": SECRET_KEY,
        "api_url": URL,
        "zone": "fr-par-1",
        "image": found["local_images"][0]["id"],
        "commercial_type": "DEV1-S",
        "image_name": "packed",
        "ssh_username": "root",
    }
    note = {"type": "shell", "inline": ["hostname > /etc/packed-on"]}
    (tmp_path / "build.json").write_text(json.dumps({"builders": [builder], "provisioners": [note]}))
    folders = {"PACKER_CACHE_DIR": str(tmp_path / "cache"), "PACKER_CONFIG_DIR": str(tmp_path)}
    done = subprocess.run(
        [packer, "build", "-color=false", "build.json"],
        cwd=tmp_path,
        env={**os.environ, **folders, "CHECKPOINT_DISABLE": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Provisioning with shell script" in done.stdout

    image = next(each for each in whole_lab.ask("GET", f"{INSTANCE}/images")["images"] if each["name"] == "packed")
    server = whole_lab.ask(
        "POST", f"{INSTANCE}/servers", name="copy", commercial_type="DEV1-S", image=image["id"], project=PROJECT
    )["server"]
    whole_lab.act(server["id"], "poweron")
    whole_lab.booted(server["id"])
    note_read = subprocess.run(
        ["docker", "exec", *running(), "cat", "/etc/packed-on"], capture_output=True, text=True, check=True
    )
    assert note_read.stdout.startswith("packer-")

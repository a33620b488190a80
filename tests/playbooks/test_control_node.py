# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a run is started from, and what it leaves there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from playbooks_support import BIN, PLAYBOOKS, Operator


def test_secrets_are_no_inventory_wherever_it_is_read(operator: Operator) -> None:
    """No ansible.cfg of ours, and the folder above as well."""
    assert (operator.secrets / "id_ed25519").exists()
    assert (operator.secrets / "database_password").exists()
    (operator.inventory / "scaleway.yml").unlink()
    for source in (operator.inventory, operator.inventory.parent):
        command = [BIN / "ansible-inventory", "-i", source, "--graph"]
        done = subprocess.run(command, cwd=operator.folder, text=True, capture_output=True, timeout=60, check=True)
        assert done.stderr == ""
        assert (operator.secrets / "database_password").read_text() not in done.stdout
        assert set(done.stdout.split()) >= {"|--localhost"}


def test_secrets_beside_the_inventory_are_to_be_moved(operator: Operator) -> None:
    operator.secrets.rename(operator.inventory / "secrets")
    operator.play("network.yml").failed("mv ", str(operator.inventory / "secrets"))


def test_any_folder_will_do(operator: Operator, tmp_path: Path) -> None:
    operator.write_inventory()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    book = operator._book("network.yml")
    done = operator.command(book, "-i", str(operator.inventory), cwd=elsewhere)
    assert done.ok().changed == 0, done.output


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"ensemble_admin_networks": "203.0.113.0/24"}, "ensemble_admin_networks is a text"),
        ({"ensemble_admin_networks": []}, "ensemble_admin_networks is []"),
        ({"jitsi_environment": '{"A": "b"}'}, "jitsi_environment is a text"),
        ({"ensemble_platform": "Big One"}, "ensemble_platform is 'Big One'"),
        ({"api_server_prefix": "h"}, "would have one name"),
        ({"jitsi_reserved_ips": True, "jitsi_count": 18}, "needs 22 reserved addresses"),
        ({"ensemble_name_prefix": "_"}, "ensemble_name_prefix is '_'"),
    ],
)
def test_bad_input_is_one_error_first(operator: Operator, wish: dict, says: str) -> None:
    before = operator.lab.state()
    operator.play("fleet.yml", **wish).failed(says)
    assert operator.lab.state() == before


PARTS = sorted(path for path in PLAYBOOKS.glob("*.yml") if path.name not in ("site.yml", "remove.yml"))


@pytest.mark.parametrize("part", PARTS, ids=lambda path: path.stem)
def test_every_part_begins_with_the_preflight(part: Path) -> None:
    """Whatever tags are asked for, and before any other task."""
    first = yaml.safe_load(part.read_text())[0]
    task = first["tasks"][0]
    assert first["hosts"] == "localhost"
    assert task["ansible.builtin.include_tasks"] == {"file": "tasks/begin.yml", "apply": {"tags": "always"}}
    assert "always" in (task.get("tags"), first.get("tags"))


@pytest.mark.parametrize("part", PARTS, ids=lambda path: path.stem)
def test_every_play_on_machines_has_hosts_of_the_run_and_is_looked_after(part: Path) -> None:
    """Its hosts are made by the run, each says when it came to its end, and a later play on localhost asks for all."""
    plays = yaml.safe_load(part.read_text())
    for number, play in enumerate(plays):
        if play["hosts"] == "localhost":
            continue
        assert play["hosts"].startswith("configure_")
        later = yaml.safe_dump(plays[number + 1 :])
        assert "tasks/configured.yml" in later or "tasks/image_close.yml" in later

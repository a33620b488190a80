# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a run is started from, and what it leaves there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from playbooks_support import BIN, DOMAIN, PLAYBOOKS, Operator, Run


def test_secrets_are_no_inventory_wherever_it_is_read(operator: Operator) -> None:
    """Kept in files, with no ansible.cfg of ours, and the folder above as well."""
    operator.keep_in_files()
    password = (operator.secrets_dir / "database_password").read_text()
    assert operator.play("network.yml", "database.yml", ensemble_secrets_store="files").ok().changed == 0
    (operator.inventory / "scaleway.yml").unlink()
    for source in (operator.inventory, operator.inventory.parent):
        command = [BIN / "ansible-inventory", "-i", source, "--graph"]
        done = subprocess.run(command, cwd=operator.folder, text=True, capture_output=True, timeout=60, check=True)
        assert done.stderr == ""
        assert password not in done.stdout
        assert set(done.stdout.split()) >= {"|--localhost"}


def test_secrets_beside_the_inventory_are_to_be_moved(operator: Operator) -> None:
    operator.write_inventory()
    operator.keep_in_files(operator.inventory / "secrets")
    said = ("mv ", str(operator.inventory / "secrets"))
    operator.play("network.yml", ensemble_secrets_store="files").failed(*said)


def test_any_folder_will_do(operator: Operator, tmp_path: Path) -> None:
    operator.write_inventory()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    book = operator._book("network.yml")
    done = operator.command(book, "-i", str(operator.inventory), cwd=elsewhere)
    assert done.ok().changed == 0, done.output


@pytest.mark.parametrize(
    ("desired", "says"),
    [
        ({"ensemble_admin_networks": "203.0.113.0/24"}, "ensemble_admin_networks is a text"),
        ({"ensemble_admin_networks": []}, "ensemble_admin_networks is []"),
        ({"jitsi_environment": '{"A": "b"}'}, "jitsi_environment is a text"),
        ({"ensemble_platform": "Big One"}, "ensemble_platform is 'Big One'"),
        ({"api_server_prefix": "h"}, "would have the same name"),
        ({"jitsi_reserved_ips": True, "jitsi_count": 18}, "needs 23 reserved addresses"),
        ({"prometheus_count": 0}, "prometheus_count is 0"),
        ({"ensemble_name_prefix": "_"}, "ensemble_name_prefix is '_'"),
        ({"database_provider": "managed", "database_count": 0}, "remove database_count"),
    ],
)
def test_bad_input_is_one_error_first(operator: Operator, desired: dict, says: str) -> None:
    before = operator.lab.state()
    operator.play("fleet.yml", **desired).failed(says)
    assert operator.lab.state() == before


def test_texts_from_surveys_and_command_lines_are_numbers_and_booleans(operator: Operator) -> None:
    """What a survey or `-e name=value` gives is a text; every part takes it as the number or boolean it is.

    The domain is one below a zone of the account.
    """
    spec = yaml.safe_load((PLAYBOOKS / "vars/platform_spec.yml").read_text())
    desired = {
        "jitsi_count": 2, "jitsi_max_change": 100, "ensemble_ip_quota": 50, "jitsi_reserved_ips": False,
        "jitsi_replace": False, "api_count": 2, "prometheus_count": 2, "database_count": 1, "database_ha": False,
        "database_volume_size": 10000000000, "ensemble_lock": True, "ensemble_lock_wait": 5,
        "ensemble_journal_keep": 30, "acme_tries": 3, "acme_dns_timeout": 60, "certificate_batch": 2,
        "certificate_patience": 3,
    }  # fmt: skip
    assert set(desired) == {name for name, option in spec.items() if option["type"] in ("int", "bool")}
    texts = {name: str(value).lower() for name, value in desired.items()}
    below = {"ensemble_domain": f"meet.{DOMAIN}"}
    operator.play("certificate.yml", "fleet.yml", **texts, **below).ok()
    assert sorted(name for name in operator.servers() if name.startswith("h-")) == ["h-1", "h-2"]
    assert {"h-1.meet", "h-2.meet"} <= set(operator.records())
    assert not [each for each in operator.lab.state()["instance_ip"] if "name:h-1" in each["tags"]]


def python_for_everybody() -> list[str]:
    """A Python that another user may run, with what is installed here; none where this one lies in a closed folder."""
    for python in (Path(sys.executable), Path("/usr/bin/python3")):
        version = subprocess.run(
            [python, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, text=True
        )
        closed = any(not folder.stat().st_mode & 0o001 for folder in python.resolve().parents)
        if not closed and version.stdout.strip() == str(sys.version_info[:2]):
            return [str(python)]
    return []


@pytest.fixture
def visitor(operator: Operator) -> Iterator[tuple[Callable[..., Run], Path]]:
    """Runs a playbook as a user who may read everything and write only to a home."""
    python = python_for_everybody()
    if not python:
        pytest.skip(f"{Path(sys.executable).resolve()} is in a folder that other users may not enter")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        home = folder / "home"
        home.mkdir()
        os.chown(home, 12345, 12345)
        operator.write_inventory()
        shutil.copytree(operator.inventory.parent, folder / "inventories", ignore=lambda *_: [".secrets"])
        subprocess.run(["chmod", "-R", "a+rX", folder / "inventories"], check=True)
        users = Path("/etc/passwd").read_text() + f"visitor:x:12345:12345::{home}:/bin/sh\n"
        (folder / "passwd").write_text(users)

        mount = f'mount --bind {folder}/passwd /etc/passwd && exec "$@"'
        become = ["unshare", "--mount", "sh", "-c", mount, "sh", "setpriv", "--reuid=12345", "--regid=12345"]
        ansible = [*python, "-m", "ansible", "playbook", "-i", str(folder / f"inventories/{operator.platform}")]
        known = {"HOME": str(home), "PATH": "/usr/bin:/bin", "USER": "visitor", "LANG": "C.UTF-8"}
        known |= {"PYTHONPATH": sysconfig.get_path("purelib"), **operator.account}

        def play(book: str, **extra: str) -> Run:
            command = [*become, "--clear-groups", *ansible, str(PLAYBOOKS / book), "-e", json.dumps(extra)]
            done = subprocess.run(
                command, cwd=PLAYBOOKS.parent, env=known, text=True, capture_output=True, timeout=300, check=False
            )
            return Run(done.returncode, done.stdout + done.stderr)

        yield play, home


def test_a_user_who_may_only_read_the_project(operator: Operator, visitor: tuple[Callable[..., Run], Path]) -> None:
    """Nothing durable is written: the second run has all from the cloud, and its home is as empty as before."""
    play, home = visitor
    before = operator.lab.state()
    play("network.yml", ensemble_secrets_store="files").failed("visitor may not write to", "Set it to a folder")
    assert operator.lab.state() == before
    assert play("network.yml").ok().changed == 0
    own = {"ensemble_platform": "visit", "ensemble_name_prefix": "visit-", "jitsi_server_prefix": "v"}
    assert play("network.yml", **own).ok().changed > 3
    assert play("network.yml", **own).ok().changed == 0
    assert [path.name for path in home.iterdir()] == [".ansible"]


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
        if play.get("hosts", "localhost") == "localhost":
            continue
        assert play["hosts"].startswith("configure_")
        later = yaml.safe_dump(plays[number + 1 :])
        # For an announcement one portal that can write it is enough.
        assert any(check in later for check in ("tasks/configured.yml", "tasks/image_close.yml", "incident_results"))


@pytest.mark.parametrize("book", sorted(PLAYBOOKS.glob("*.yml")), ids=lambda path: path.stem)
def test_every_play_has_the_defaults_of_the_platform(book: Path) -> None:
    for play in yaml.safe_load(book.read_text()):
        assert "hosts" not in play or play["roles"] == ["ensemble.jitsi.platform"], play["name"]


@pytest.mark.parametrize("book", sorted(PLAYBOOKS.glob("*.yml")), ids=lambda path: path.stem)
def test_no_play_logs_in_before_it_has_waited(book: Path) -> None:
    """Ansible gathers facts at first by itself, except where an ansible.cfg such as ours says otherwise."""
    for play in yaml.safe_load(book.read_text()):
        assert "hosts" not in play or play["gather_facts"] is False, play["name"]


def test_a_role_and_the_platform_have_one_default() -> None:
    """Within a role its own defaults win: another one for the platform would be told, and not used."""
    roles = PLAYBOOKS.parent / "roles"
    platform = yaml.safe_load((roles / "platform/defaults/main.yml").read_text())
    for defaults in roles.glob("*/defaults/main.yml"):
        own = yaml.safe_load(defaults.read_text())
        assert {name: platform[name] for name in own.keys() & platform.keys()}.items() <= own.items(), defaults

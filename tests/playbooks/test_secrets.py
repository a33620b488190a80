# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that any operator has from any machine, and what playbooks/secrets.yml does with them."""

from __future__ import annotations

import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from playbooks_support import SECRETS, Operator

PARTS = ("network.yml", "certificate.yml", "database.yml")


def assert_gone(output: str) -> None:
    """The folders of the run that has printed this."""
    folders = {Path(found) for found in re.findall(r"/[\w./-]+/ensemble-run-\d+-\d+-\w+", output)}
    assert folders
    deadline = time.monotonic() + 10
    while any(folder.exists() for folder in folders) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert [folder for folder in folders if folder.exists()] == []


def texts(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_another_operator_changes_nothing_and_finds_everything(operator: Operator, tmp_path: Path) -> None:
    """With API credentials only, from another folder; neither output nor anything on disk has a secret in it."""
    before = operator.stored()
    other = replace(operator, folder=tmp_path / "other")
    done = other.play(*PARTS, options=("-vvv", "--diff"))
    assert done.ok().changed == 0, done.output
    assert operator.stored() == before
    values = [text.strip() for name, text in texts(operator.secrets).items() if not name.endswith((".pub", "ca.pem"))]
    private = [value for value in values if "BEGIN CERTIFICATE" not in value]
    assert len(private) >= 4
    for value in private:
        inner = value.splitlines()[1] if "\n" in value else value
        assert inner not in done.output
        found = subprocess.run(["grep", "-rlF", "--", inner, str(other.folder)], capture_output=True, text=True)
        assert found.stdout == ""
    assert_gone(done.output)


def test_two_first_runs_at_once_end_with_one_key(empty: Operator, tmp_path: Path) -> None:
    others = [replace(empty, folder=tmp_path / name) for name in ("one", "other")]
    for each in others:
        each.write_inventory()
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda each: each.play("network.yml"), others))
    stored = empty.stored()
    assert set(stored) == {"ssh-key"}
    assert empty.play("network.yml").ok().changed == 0
    assert empty.stored() == stored
    public = (empty.secrets / "id_ed25519.pub").read_text().split()[1]
    assert [each["public_key"].split()[1] for each in empty.lab.state()["ssh_key"]] == [public]


def test_what_lay_beside_the_inventories_is_brought_by_one_command(empty: Operator, tmp_path: Path) -> None:
    """The folder of version 0.2: nothing is done until it was imported, then nothing changes."""
    parts = ("network.yml", "certificate.yml")
    empty.play(*parts).ok()
    before = texts(empty.secrets)
    assert set(before) >= {"id_ed25519", "id_ed25519.pub", "tls/private_key.pem", "tls/ca_key.pem"}
    empty.keep_in_files()
    (empty.secrets_dir / "tls/wildcard.csr").write_text("made anew for every order")
    for name in empty.stored():
        empty.lose_secret(name)
    assert empty.stored() == {}
    state, folder = empty.lab.state(), str(empty.secrets_dir)
    empty.play("network.yml").failed("no SSH key for the platform", "playbooks/secrets.yml", f"import_from={folder}")
    assert empty.lab.state() == state

    told = empty.play("secrets.yml", import_from=folder).ok()
    assert "ssh-key: version 1" in told.output
    assert before == texts(empty.secrets)
    away = tmp_path / "away"
    empty.secrets_dir.rename(away)
    assert empty.play("secrets.yml", *parts, import_from=str(away)).ok().changed == 0

    (away / "id_ed25519").write_text("of another platform")
    empty.play("secrets.yml", import_from=str(away)).failed("other values of id_ed25519", "import_over")
    assert before == texts(empty.secrets)
    empty.play("secrets.yml", import_from=str(tmp_path / "home")).failed("contains no file of a secret")

    out = tmp_path / "exported"
    empty.play("secrets.yml", export_to=str(out)).ok()
    assert {name: text for name, text in texts(out).items() if not name.startswith(".")} == before
    assert {path.stat().st_mode & 0o077 for path in [out, *out.rglob("*")]} == {0}


def test_servers_are_not_locked_out_by_a_new_key(operator: Operator) -> None:
    operator.lose_secret("ssh-key")
    before = operator.lab.state()
    operator.play("network.yml").failed("a new key would not open them", "prometheus-1")
    assert operator.lab.state() == before


def test_a_key_that_is_brought_makes_none(empty: Operator, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "mine")], check=True)
    mine = (tmp_path / "mine.pub").read_text().strip()
    empty.play("network.yml", ensemble_ssh_public_key="mine").failed("ensemble_ssh_public_key is not a public key")
    empty.play("network.yml", ensemble_ssh_public_key=mine).ok()
    assert empty.stored() == {}
    assert [each["public_key"].split()[1] for each in empty.lab.state()["ssh_key"]] == [mine.split()[1]]


def test_rotation_makes_a_new_version_and_keeps_the_old_one(empty: Operator) -> None:
    empty.play("network.yml", "certificate.yml").ok()
    before = texts(empty.secrets)
    empty.play("secrets.yml", rotate="nothing").failed("rotate is 'nothing': it must be one of ssh-key")
    done = empty.play("secrets.yml", rotate="certificate").ok()
    after = texts(empty.secrets)
    changed = {"tls/private_key.pem", "tls/certificate.pem", "tls/wildcard.pem"}
    assert {name for name in before if before[name] != after[name]} == changed
    assert after["tls/private_key.pem"].splitlines()[1] not in done.output
    ident = empty.api("GET", f"{SECRETS}?scheduled_for_deletion=false&name=certificate")["secrets"][0]["id"]
    versions = empty.api("GET", f"{SECRETS}/{ident}/versions")["versions"]
    enabled = [each["revision"] for each in versions if each["status"] == "enabled"]
    assert enabled == [max(each["revision"] for each in versions)]
    assert len(versions) >= 2


def test_a_store_that_does_not_answer_is_no_empty_one(operator: Operator) -> None:
    before = operator.stored()
    operator.lab.fault(kind="status", status=403, path="/secret-manager/")
    try:
        operator.play("network.yml").failed("was answered 403")
    finally:
        operator.lab.good_day()
    assert operator.stored() == before

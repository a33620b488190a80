# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example of every module, carried out in its order against a lab: what the documentation shows is right."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from modules_lifecycles import KEY
from modules_support import PROJECT, ROOT, SECRET_KEY, Lab, Runner, serve

MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("scaleway_*.py"))
OURS = "ensemble.jitsi.scaleway_"
ONLY_READS = "Fetch the secrets for this run"
VARIABLES = {
    "fleet": {"servers": [{"name": f"h-{number}", "public_address": f"198.18.7.{number}"} for number in (1, 2, 3)]},
    "private_key": "of the fleet",
    "portal_private_key": "of the portal",
    "smtp_password": "open sesame",
    "vault_database_password": "Open-Sesame-1",
    "project_id": PROJECT,
    "other_project_id": PROJECT,
    "stored_access_key": "",
}


@pytest.fixture(scope="module")
def example_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    process, lab = serve(tmp_path_factory.mktemp("lab"), "--speed", "0", "--dns-domain", "example.org")
    yield lab
    process.terminate()
    process.wait(20)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the files lie that examples read."""
    chain = self_signed("meet.example.org")
    files = {"portal.yml": "#cloud-config\n", "portal.pem": chain, "privkey.pem": chain, ".ssh/id_ed25519.pub": KEY}
    files["run/secrets/id_ed25519"] = "made by an earlier task"
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(content)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SCW_SECRET_KEY", SECRET_KEY)
    return tmp_path


def self_signed(name: str) -> str:
    """Key and certificate in one PEM text."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    serial = x509.random_serial_number()
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), serial, now, now + timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    return (key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate).decode()


def load(path: Path) -> Any:
    """YAML whose templates Ansible trusts, as it trusts a playbook's."""
    return DataLoader().load_from_file(str(path), trusted_as_template=True)


def documented(module: str, folder: Path) -> list[dict[str, Any]]:
    """The tasks of a module's EXAMPLES."""
    for node in ast.parse((ROOT / f"plugins/modules/{module}.py").read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and _names(node) == ["EXAMPLES"]:
            (folder / "examples.yml").write_text(str(node.value.value))
    return load(folder / "examples.yml")


def _names(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


@pytest.mark.parametrize("module", MODULES)
def test_examples_do_what_they_say(module: str, example_lab: Lab, run: Runner, folder: Path) -> None:
    example_lab.reset()
    run.lab = example_lab
    loader, variables = DataLoader(), {**VARIABLES, "run_directory": {"path": str(folder / "run")}}
    loader.set_basedir(str(folder))

    def carry_out(name: str, task: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
        rendered = Templar(loader=loader, variables=variables).template(arguments)
        answer = run.ok(name, check=task.get("check_mode", False), **rendered)
        if "register" in task:
            variables[task["register"]] = answer
        return answer

    before = load(Path(__file__).with_name("examples_before.yml"))
    for task in before.get(module.removeprefix("scaleway_"), []):
        for name, arguments in task.items():
            carry_out(name, {}, arguments)
    for task in documented(module, folder):
        for action in [key for key in task if key.startswith(OURS)]:
            answer = carry_out(action.removeprefix(OURS), task, task[action])
            assert answer["changed"] or module.endswith("_info") or task["name"] == ONLY_READS, (
                f"{task['name']}: nothing changed"
            )

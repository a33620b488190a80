# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of Jitsi arrive as they were given: variables, template, user data, boot program, Compose."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import requests
from modules_support import ROOT, SECRET_KEY
from playbooks_support import Operator

from tests.compose import read_back

COLLECTION = ROOT / "collections/ansible_collections/ensemble/jitsi"
WORDS = "ab'\"\\ }$#=:\n\té;,%"  # an opening brace could begin a template, which Ansible renders first
TRICKY = {
    "QUOTES": 'it\'s "free"',
    "LINES": "one\ntwo\n",
    "DOLLAR": "$HOME ${X} $$",
    "BACKSLASH": "a\\",
    "JSON": '{"a": ["b"]}',
    "SPACES": "  outer ",
    "COMMENT": "a #b",
    "ENABLE_LOBBY": True,
    "LIMIT": 7,
}


@pytest.fixture(scope="module")
def boot() -> ModuleType:
    """The program that Jitsi servers run at boot."""
    sys.path[:0] = [str(COLLECTION / "roles/jitsi/files")]
    spec = importlib.util.spec_from_file_location("ensemble_jitsi", COLLECTION / "roles/jitsi/files/ensemble_jitsi.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def random_settings(count: int) -> dict[str, str]:
    draw = random.Random(9)
    return {f"R{number}": "".join(draw.choices(WORDS, k=draw.randint(0, 16))) for number in range(count)}


def user_data(operator: Operator, server: str, key: str) -> str:
    ident = operator.servers()[server]["id"]
    path = f"{operator.lab.url}/instance/v1/zones/fr-par-1/servers/{ident}/user_data/{key}"
    answer = requests.get(path, headers={"X-Auth-Token": SECRET_KEY}, timeout=10)
    answer.raise_for_status()
    return answer.content.decode()


def test_settings_arrive_as_they_were_given(operator: Operator, boot: ModuleType, tmp_path: Path) -> None:
    given: dict[str, Any] = {**TRICKY, **random_settings(150)}
    secret = {"JWT_APP_SECRET": "a 'very' \"secret\" $word\\", "TURN_CREDENTIALS": "x\ny"}
    desired = {"jitsi_environment": given, "jitsi_secret_environment": secret, "jitsi_count": 1}
    operator.play("network.yml", "images_without_machines.yml", "certificate.yml", "fleet.yml", **desired).ok()
    assert operator.play("fleet.yml", **desired).ok().changed == 0

    read = boot.parse_environment("jitsi-env", user_data(operator, "h-1", "jitsi-env"))
    read |= boot.parse_environment("jitsi-secret-env", user_data(operator, "h-1", "jitsi-secret-env"))
    meant = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in given.items()}
    meant |= secret
    assert {name: read[name] for name in meant} == meant
    assert read["DOMAIN"] == "ensemble.test"
    assert read_back(boot.dotenv.write(read), list(meant), tmp_path) == meant


def test_user_data_that_cannot_be_read_is_told(boot: ModuleType) -> None:
    with pytest.raises(boot.Failure, match="user data jitsi-env: line 2 is not NAME=value"):
        boot.parse_environment("user data jitsi-env", "DOMAIN=x\nwhat is this\n")


@pytest.mark.parametrize(
    ("desired", "says"),
    [
        ({"jitsi_environment": {"A B": "c"}}, "'A B' is not the name of a variable"),
        ({"jitsi_environment": {"A": None}}, "A is null"),
        ({"jitsi_secret_environment": {"A": ["a secret"]}}, "A is a list"),
    ],
)
def test_settings_that_cannot_be_written_are_one_error_first(operator: Operator, desired: dict, says: str) -> None:
    before = operator.lab.state()
    output = operator.play("fleet.yml", **desired).failed(says, next(iter(desired))).output
    assert "a secret" not in output
    assert operator.lab.state() == before

# SPDX-License-Identifier: GPL-3.0-or-later
"""The hash that images are named after sees every setting of their roles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible.template import Templar

ROOT = Path(__file__).parents[2]
CONTENTS = yaml.safe_load((ROOT / "playbooks/vars/images.yml").read_text())["image_contents"]
ROLES = sorted({role for content in CONTENTS.values() for role in content["roles"]})


def content_hash(role: str, **variables: Any) -> str:
    loader = DataLoader()
    lookup = lookup_loader.get(
        "ensemble.jitsi.content_hash", loader=loader, templar=Templar(loader=loader, variables=variables)
    )
    return lookup.run([], variables=variables, roles=[role])[0]


def settings(role: str) -> list[str]:
    folder = ROOT / "roles" / role.rsplit(".", 1)[1]
    specs = yaml.safe_load((folder / "meta/argument_specs.yml").read_text())["argument_specs"]
    return sorted({*specs["main"]["options"], *(yaml.safe_load((folder / "defaults/main.yml").read_text()) or {})})


@pytest.mark.parametrize("role", ROLES)
def test_every_setting_of_a_role_counts(role: str) -> None:
    plain = content_hash(role)
    hashes = {name: content_hash(role, **{name: "another value"}) for name in settings(role)}
    assert len({plain, *hashes.values()}) == len(hashes) + 1, hashes


def test_what_is_no_setting_of_a_role_does_not_count() -> None:
    assert content_hash("ensemble.jitsi.jitsi", jitsi_count=7, jitsi_environment={"A": "b"}) == content_hash(
        "ensemble.jitsi.jitsi"
    )

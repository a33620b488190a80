# SPDX-License-Identifier: GPL-3.0-or-later
"""Every ansible-core in the range that meta/runtime.yml gives: modules, inventory, and the whole of site.yml."""

from __future__ import annotations

import json
import re

import yaml
from core_venv import COLLECTION, ROOT, supported
from playbooks_support import Operator

TAGGED = {"name": "web", "commercial_type": "DEV1-S", "image": "debian_trixie", "dynamic_ip_required": True}


def test_one_range_everywhere() -> None:
    first, last = supported()[0], supported()[-1]
    for meta in (COLLECTION / "roles").glob("*/meta/main.yml"):
        assert yaml.safe_load(meta.read_text())["galaxy_info"]["min_ansible_version"] == first, meta
    assert f"ansible-core {first} to {last}" in (ROOT / "README.md").read_text()
    ignored = {path.stem.removeprefix("ignore-") for path in (ROOT / "tests/sanity").glob("ignore-*.txt")}
    assert ignored == set(supported())


def test_lifecycles(operator: Operator) -> None:
    operator.play("lifecycle.yml").ok()
    left = operator.lab.state()
    assert not {"instance_server", "secret", "instance_security_group"} & set(left)


def test_inventory(operator: Operator) -> None:
    """Names are names, exports are plain, and a template in a tag stays a text."""
    body = {**TAGGED, "project": operator.account["SCW_DEFAULT_PROJECT_ID"], "tags": [operator.tag, "{{ 1 + 1 }}"]}
    ident = operator.api("POST", "/instance/v1/zones/fr-par-1/servers", body)["server"]["id"]
    operator.api("POST", f"/instance/v1/zones/fr-par-1/servers/{ident}/action", {"action": "poweron"})
    operator.lab.admin("POST", "idle")
    operator.write_inventory()
    listed = operator.command("-i", str(operator.inventory), "--list", program="ansible-inventory").ok().output
    found = json.loads(listed[listed.index("{") :])["_meta"]["hostvars"]["web"]
    assert found["scaleway_name"] == "web"
    assert re.fullmatch(r"[\d.]+", found["ansible_host"])
    assert found["scaleway_tags"] == [operator.tag, {"__ansible_unsafe": "{{ 1 + 1 }}"}]
    show = ["web", "-i", str(operator.inventory), "-m", "ansible.builtin.debug", "-a", "msg={{ scaleway_tags[1] }}"]
    assert "{{ 1 + 1 }}" in operator.command(*show, program="ansible").ok().output


def test_the_whole_site_in_check_mode(operator: Operator) -> None:
    """On an account with nothing in it, where every part must assume what earlier ones would have made."""
    before = operator.lab.state()
    done = operator.play("site.yml", options=("--check",)).ok()
    assert done.changed > 20
    assert operator.lab.state() == before

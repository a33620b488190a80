# SPDX-License-Identifier: GPL-3.0-or-later
"""An image is made only of a machine that has shown, in this run, what was applied to it."""

from __future__ import annotations

import json

import pytest
from playbooks_support import Operator

pytestmark = pytest.mark.slow

BUILD = ("network.yml", "images.yml")


def static(operator: Operator) -> str:
    """An inventory that says the same each time it is read, as AWX has: localhost and variables."""
    operator.write_inventory()
    variables = json.loads((operator.inventory / "group_vars/all/60-test.yml").read_text())
    script = operator.folder / "static.py"
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    said = {"_meta": {"hostvars": {"localhost": local}}, "all": {"hosts": ["localhost"], "vars": variables}}
    script.write_text(f"#!/usr/bin/env python3\nprint({json.dumps(said)!r})\n")
    script.chmod(0o755)
    return str(script)


def test_no_image_when_a_limit_leaves_the_builder_out(empty: Operator) -> None:
    empty.play(*BUILD, skip="", options=("--limit", "localhost")).failed("was not configured")
    assert empty.images() == []


def test_no_image_when_the_builder_cannot_be_reached(empty: Operator) -> None:
    empty.play(*BUILD, skip="").failed("timed out waiting for ping")
    assert empty.images() == []


@pytest.mark.parametrize("options", [("--tags", "always"), ("--start-at-task", "Create the image from the builder")])
def test_no_image_when_the_configuration_is_left_out(empty: Operator, options: tuple[str, ...]) -> None:
    empty.play("network.yml", skip="").ok()
    empty.play("images.yml", skip="", options=options)
    assert empty.images() == []


def test_the_builder_is_found_by_the_run_itself(empty: Operator) -> None:
    """Whatever the inventory's own source looks for: the play gets its host, which nobody can reach here."""
    elsewhere = {"ensemble_zone": "nl-ams-1", "ensemble_platform": "other"}
    empty.play(*BUILD, skip="", **elsewhere).failed("timed out waiting for ping", "builder-base")
    assert empty.images() == []


def test_a_static_inventory_is_enough(empty: Operator) -> None:
    inventory = static(empty)
    own = ["-e", f"@{empty.inventory}/group_vars/all/60-test.yml", "-e", "ensemble_contact=ops@example.org"]
    books = [empty._book(book) for book in BUILD]
    done = empty.command(*books, "-i", inventory, "-e", '{"scaleway": {}}', *own)
    done.failed("timed out waiting for ping", "builder-base")
    assert empty.images() == []


def test_a_predecessor_stays_until_there_is_a_successor(operator: Operator) -> None:
    before = operator.images()
    assert len(before) == 2
    operator.play("images.yml", skip="", rebuild="base").failed("timed out waiting for ping")
    assert operator.images() == before
    operator.play("images.yml", skip="", options=("--limit", "localhost"), rebuild="jitsi").failed("was not configured")
    assert operator.images() == before


def test_a_predecessor_goes_when_there_is_a_successor(operator: Operator) -> None:
    """A rebuild was killed after its image: the next run removes what that image takes the place of."""
    before = operator.images()
    base = next(name for name in before if "-base-" in name)
    operator.play("images_without_machines.yml", image_again="base").ok()
    assert {*before, f"{base}-2"} == set(operator.images())
    operator.play("images.yml").failed("timed out waiting for ping")  # the Jitsi image is of another base now
    assert f"{base}-2" in operator.images()
    assert base not in operator.images()


def test_unchanged_content_builds_nothing(operator: Operator) -> None:
    before = operator.images()
    assert operator.play("images.yml").ok().changed == 0
    assert operator.images() == before


def test_changed_settings_are_a_new_image(operator: Operator) -> None:
    """Which settings count, one by one: tests/modules/test_content_hash.py."""
    settings = {"jitsi_ready_timeout": 400, "jitsi_config_files": {"web/custom-interface_config.js": "a = 1;"}}
    assert operator.play("images.yml", options=("--check",), **settings).ok().changed > 0

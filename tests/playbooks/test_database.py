# SPDX-License-Identifier: GPL-3.0-or-later
"""The platform's database as an instance of managed PostgreSQL, as far as it is in the cloud."""

from __future__ import annotations

from playbooks_support import Operator

PARTS = ("network.yml", "database.yml")
OLDER = "OnlyLettersAndDigits12"
"""A password as the database servers of earlier releases have it."""


def test_a_managed_database_with_its_users(empty: Operator) -> None:
    empty.settings["database_provider"] = "managed"
    assert "No lock yet" in empty.play(*PARTS, options=("--check",)).ok().output
    assert "rdb_instance" not in empty.lab.state()
    empty.write_secret("database-password", OLDER)

    made = empty.play(*PARTS).ok()
    passwords = {name: empty.stored()[name] for name in ("database-password", "database-journal")}
    assert OLDER not in passwords.values()
    assert not [password for password in passwords.values() if password in made.output]
    state = empty.lab.state()
    (instance,) = state["rdb_instance"]
    assert set(instance["tags"]) == {"ensemble:production", "ensemble-role:database"}
    assert not instance["is_ha_cluster"]
    assert len(instance["acls"]) == 3, "the operators' network and two API servers"
    assert {user["name"]: user["is_admin"] for user in state["rdb_user"]} == {"portal": False, "journal": False}
    assert {(each["database_name"], each["permission"]) for each in state["rdb_privilege"]} == {("ensemble", "all")}
    assert "database-1" not in empty.servers()
    assert empty.play(*PARTS).ok().changed == 0

    empty.play("remove.yml", remove="production").ok()
    assert "rdb_instance" not in empty.lab.state()


def test_the_name_of_the_instance_may_be_taken(empty: Operator) -> None:
    somebodys = {"name": "ensemble-production", "engine": "PostgreSQL-17", "node_type": "db-dev-s"}
    empty.api("POST", "/rdb/v1/regions/fr-par/instances", somebodys)
    taken = empty.play("preflight.yml", database_provider="managed")
    taken.failed("rdb_instance ensemble-production", "without the tag ensemble:production")

# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time, in a PostgreSQL of the operator's own; what the journal tells afterwards."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.ensemble.jitsi.plugins.module_utils.database import Login
from ansible_collections.ensemble.jitsi.plugins.module_utils.journal import About
from ansible_collections.ensemble.jitsi.plugins.module_utils.keeper_session import KeeperSession
from playbooks_support import Operator

from tests.postgres import PlatformPostgres


@pytest.fixture
def operator(empty: Operator) -> Operator:
    return empty


@pytest.fixture
def database(operator: Operator) -> Iterator[PlatformPostgres]:
    """A server whose lock the operator's platform uses."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        (Path(name) / "postgres").mkdir()
        server = PlatformPostgres(Path(name) / "postgres")
        server.start()
        operator.settings["ensemble_lock_database"] = server.login
        yield server
        server.close()


def test_a_second_run_is_refused_and_the_journal_tells_what_the_first_did(
    operator: Operator, database: PlatformPostgres
) -> None:
    login = Login("127.0.0.1", database.port, "ensemble", "journal", database.password, ca_cert=str(database.ca))
    about = About(operator.platform, "bob", "laptop-7", playbook="fleet.yml", began=time.time())

    def held() -> KeeperSession:
        other = KeeperSession()
        other.join(login, about, lock=True, wait=0, keep=9)
        return other

    other = held()
    operator.play("network.yml").failed("production is being changed: bob on laptop-7 has been running fleet.yml since")
    checked = operator.play("network.yml", options=("--check",)).ok()
    shown = " ".join(checked.output.split())
    assert "Another run holds the lock: bob on laptop-7 has been running fleet.yml since" in shown
    assert not operator.groups()
    other.leave("ok")
    made = operator.play("network.yml", ensemble_lock_wait=20, jitsi_count=3).ok()

    other = held()  # what only reads does not mind
    one = operator.play("journal.yml", journal_run=2).ok().output
    assert "jitsi_count: 3" in one
    assert "ok  " in one
    assert "  network.yml  " in one
    life = operator.play("journal.yml", journal_server="ensemble-production-jitsi").ok().output
    group = next(each for each in operator.groups() if each["name"] == "ensemble-production-jitsi")
    assert group["id"] in life
    assert "created" in life
    assert database.password not in one + life + checked.output + made.output
    other.leave("ok")


def test_before_there_is_a_database_a_run_goes_on_and_says_so(operator: Operator) -> None:
    assert "No lock yet: database-1 is not running yet." in operator.play("preflight.yml").ok().output


def test_a_database_that_does_not_answer_stops_all_but_who_insists(
    operator: Operator, database: PlatformPostgres
) -> None:
    database.stop()
    operator.play("preflight.yml").failed("The platform's database (journal@127.0.0.1")
    assert not operator.groups()
    assert "Parallel runs are not prevented" in operator.play("preflight.yml", ensemble_lock=False).ok().output

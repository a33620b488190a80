# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of a platform in a real PostgreSQL: runs that exclude each other, however they end, and what is written."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.ensemble.jitsi.plugins.module_utils.database import Login
from ansible_collections.ensemble.jitsi.plugins.module_utils.database_module import login_of, login_spec
from ansible_collections.ensemble.jitsi.plugins.module_utils.errors import ScalewayError
from ansible_collections.ensemble.jitsi.plugins.module_utils.journal import About
from ansible_collections.ensemble.jitsi.plugins.module_utils.keeper_session import KeeperSession, Refused
from ansible_collections.ensemble.jitsi.plugins.module_utils.platform_lock import key
from modules_plays import ansible, start
from modules_support import PROJECT, SECRET_KEY, Lab

from tests.postgres import PlatformPostgres

ROOT = Path(__file__).parents[2]
CALLBACKS = {"ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "playbooks/callback_plugins"), "ANSIBLE_LOCALHOST_WARNING": "0"}
Play = list[dict[str, Any]]


@pytest.fixture(scope="module")
def cluster() -> Iterator[PlatformPostgres]:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        (Path(name) / "postgres").mkdir()
        server = PlatformPostgres(Path(name) / "postgres")
        server.start()
        yield server
        server.close()


@pytest.fixture
def database(cluster: PlatformPostgres) -> PlatformPostgres:
    """With an empty journal."""
    cluster.sql("DROP SCHEMA journal CASCADE; CREATE SCHEMA journal AUTHORIZATION journal", "ensemble")
    return cluster


def until(check: Callable[[], Any], what: str, seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := check():
            return found
        time.sleep(0.05)
    pytest.fail(f"waited {seconds} s for {what}")


def lock(database: PlatformPostgres, **arguments: Any) -> dict[str, Any]:
    return {"ensemble.jitsi.platform_lock": {"platform": "production", **database.login, **arguments}}


def write(folder: Path, name: str, *tasks: dict[str, Any]) -> str:
    play = {
        "hosts": "localhost", "gather_facts": False, "tasks": list(tasks),
        "vars": {"ansible_python_interpreter": sys.executable},
    }  # fmt: skip
    (folder / name).write_text(yaml.safe_dump([play], sort_keys=False))
    return name


def wait_task(mark: Path) -> dict[str, Any]:
    """Says that it is reached, and goes on for long."""
    return {"ansible.builtin.shell": f"touch {mark}; sleep 30"}


def play(folder: Path, name: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return ansible(folder, "ansible-playbook", name, *options, **{**CALLBACKS, **environment})


def begun(folder: Path, name: str, mark: Path, **environment: str) -> subprocess.Popen[str]:
    """A run that holds the lock and is in its next task."""
    process = start(folder, "ansible-playbook", name, **{**CALLBACKS, **environment})
    try:
        until(mark.exists, f"{name} to hold the lock", 120)
    except BaseException:
        process.kill()
        print(process.communicate())
        raise
    return process


def runs(database: PlatformPostgres) -> list[list[str]]:
    found = database.sql("SELECT id, who, playbook, locked, result FROM journal.runs ORDER BY id", "ensemble")
    return [line.split("|") for line in found.splitlines()]


def test_a_second_run_is_told_who_is_there_and_completes_after_the_first_is_killed(
    database: PlatformPostgres, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    first = begun(tmp_path, write(tmp_path, "first.yml", lock(database), lock(database), wait_task(mark)), mark,
                  GITHUB_ACTOR="alice", CI_JOB_URL="https://ci.example.org/7")  # fmt: skip
    book = write(tmp_path, "second.yml", lock(database), {"ansible.builtin.debug": {"msg": "changes something"}})
    try:
        began = time.monotonic()
        with pytest.raises(Refused, match="alice"):
            KeeperSession().join(login(database), About("production", "bob", "here"), lock=True, wait=0, keep=1)
        assert time.monotonic() - began < 5
        second = play(tmp_path, book)
        assert second.returncode != 0
        said = " ".join(second.stdout.split())
        for words in (
            "production is being changed: alice on",
            "https://ci.example.org/7",
            "has been running first.yml since 2",
            "UTC",
        ):
            assert words in said
        assert "changes something" not in said
        assert runs(database) == [["1", "alice", "first.yml", "t", ""]]

        other = write(tmp_path, "other.yml", lock(database, platform="staging"))
        assert play(tmp_path, other).returncode == 0, "another platform in the same database is not concerned"
        look = write(
            tmp_path, "look.yml", {**lock(database), "register": "look"}, {"ansible.builtin.debug": {"var": "look"}}
        )
        looked = play(tmp_path, look, "--check")
        assert looked.returncode == 0, looked.stdout
        assert '"who": "alice"' in looked.stdout
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait(20)
    queued = write(tmp_path, "queued.yml", lock(database, wait=30))
    assert play(tmp_path, queued).returncode == 0
    until(lambda: runs(database)[-1][4] == "ok", "the end to be written")
    assert [(run[2], run[4]) for run in runs(database) if run[2] != "other.yml"] == [
        ("first.yml", "killed"), ("queued.yml", "ok"),
    ]  # fmt: skip
    assert database.password not in second.stdout + looked.stdout


def test_a_killed_run_keeps_the_lock_while_its_last_task_goes_on(database: PlatformPostgres, tmp_path: Path) -> None:
    """Ansible's workers outlive a run that is killed; what they change is not changed by two."""
    mark = tmp_path / "mark"
    task = {"ansible.builtin.shell": f"touch {mark}; sleep 4; touch {tmp_path}/done"}
    first = begun(tmp_path, write(tmp_path, "first.yml", lock(database), task), mark)
    first.kill()
    first.wait(10)
    note = {"ansible.builtin.shell": f"test -e {tmp_path}/done"}
    second = play(tmp_path, write(tmp_path, "second.yml", lock(database, wait=30), note))
    assert second.returncode == 0, second.stdout


def test_a_run_without_its_lock_changes_nothing_more(database: PlatformPostgres, tmp_path: Path) -> None:
    """The session is taken away and somebody else gets the lock: the run is stopped in the middle of its task."""
    mark = tmp_path / "mark"
    after = {"ansible.builtin.file": {"path": str(tmp_path / "after"), "state": "touch"}}
    first = begun(tmp_path, write(tmp_path, "first.yml", lock(database), wait_task(mark), after), mark)
    thief = login(database).connect("thief")
    taking = threading.Thread(target=thief.execute, args=["SELECT pg_advisory_lock(%s)", [key("production")]])
    taking.start()
    try:
        database.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
        taking.join(10)
        thief.execute(
            "INSERT INTO journal.runs (platform, who, place, revision, playbook, variables, locked, session, began) "
            "VALUES ('production', 'mallory', 'x', '', 'other.yml', '{}', true, pg_backend_pid(), now())"
        )
        out, err = first.communicate(timeout=40)
    finally:
        first.kill()
        thief.close()
    assert first.returncode != 0
    assert "The lock of the platform production was lost: mallory on x has been running other.yml since" in " ".join(
        (out + err).split()
    )
    assert not (tmp_path / "after").exists()


def login(database: PlatformPostgres) -> Login:
    defaults = {name: option.get("default") for name, option in login_spec().items()}
    found = login_of({**defaults, **database.login})
    assert found
    return found


def test_a_database_that_restarts_costs_a_run_nothing(database: PlatformPostgres, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    task = {"ansible.builtin.shell": f"touch {mark}; sleep 8"}
    first = begun(tmp_path, write(tmp_path, "first.yml", lock(database), task, lock(database)), mark)
    database.stop()
    database.start()
    second = play(tmp_path, write(tmp_path, "second.yml", lock(database, wait=0)))
    out, err = first.communicate(timeout=60)
    assert first.returncode == 0, out + err
    until(lambda: runs(database)[0][4] == "ok", "the end to be written")
    assert second.returncode != 0
    assert "has been running first.yml since" in " ".join(second.stdout.split()), (
        "the lock is left to the run that comes back"
    )


def test_the_lock_is_left_to_a_run_for_some_seconds_only(
    database: PlatformPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that was killed together with the database does not come back."""
    first, second, now = KeeperSession(), KeeperSession(), time.time()
    first.join(login(database), About("production", "alice", "here", began=now), lock=True, wait=0, keep=1)
    database.stop()
    database.start()
    monkeypatch.setattr("ansible_collections.ensemble.jitsi.plugins.module_utils.platform_lock.RETURN_WITHIN", 3)
    with pytest.raises(Refused, match="alice"):
        second.join(login(database), About("production", "bob", "here", began=now), lock=True, wait=0, keep=1)
    second.join(login(database), About("production", "bob", "here", began=now), lock=True, wait=20, keep=1)
    first.check_lock()
    with pytest.raises(ScalewayError, match="lost: bob"):
        first.raise_if_lost()
    second.leave("ok")
    assert [run[4] for run in runs(database)] == ["killed", "ok"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"login_password": "guessed"}, "password authentication failed"),
        ({"ca_cert": "/etc/ssl/certs/ca-certificates.crt"}, "certificate verify failed"),
        ({"login_port": 9}, "refused"),
        ({"login_db": "postgres"}, "no pg_hba.conf entry"),
    ],
)
def test_a_database_that_does_not_let_in_is_one_error(
    database: PlatformPostgres, tmp_path: Path, wrong: dict[str, Any], says: str
) -> None:
    done = play(tmp_path, write(tmp_path, "run.yml", lock(database, **wrong)), "-vvv")
    assert done.returncode != 0
    assert says in done.stdout
    assert "Traceback" not in done.stdout
    assert database.password not in done.stdout
    assert "guessed" not in done.stdout


def test_before_there_is_a_database_all_is_remembered_and_variables_are_written_without_secrets(
    database: PlatformPostgres, tmp_path: Path
) -> None:
    variables = {
        "jitsi_count": 3, "api_count": 2, "portal_store": "postgresql://a:s3cret@h/d", "hidden_one": "s3cret",
        "scaleway": {"secret_key": "s3cret", "zone": "fr-par-2"}, "own": "by expression",
    }  # fmt: skip
    (tmp_path / "defaults.yml").write_text("jitsi_count: 2\napi_count: 2\nown: '{{ other }}'\n")
    before = lock(database, login_host="")
    about = {"variables": variables, "defaults": "defaults.yml", "secret_variables": ["hidden_one"]}
    after = lock(database, **about, folder=str(ROOT))
    machine = {"ansible.builtin.add_host": {"name": "m-1", "ansible_connection": "local"}}
    book = write(tmp_path, "run.yml", before, machine)
    plays = yaml.safe_load((tmp_path / book).read_text())
    plays.append({"hosts": "m-1", "gather_facts": False, "vars": plays[0]["vars"],
                  "tasks": [{"name": "Turn it", "ansible.builtin.command": "true"}]})  # fmt: skip
    plays.append({**plays[0], "tasks": [after]})
    (tmp_path / book).write_text(yaml.safe_dump(plays))
    done = play(tmp_path, book, "-vvv")
    assert done.returncode == 0, done.stdout
    assert "s3cret" not in done.stdout + done.stderr
    assert database.password not in done.stdout + done.stderr
    until(lambda: runs(database)[-1][4] == "ok", "the end to be written")
    told = json.loads(database.sql("SELECT variables FROM journal.runs", "ensemble"))
    assert told == {
        "jitsi_count": 3, "portal_store": "postgresql://a:hidden@h/d", "hidden_one": "hidden",
        "scaleway": {"secret_key": "hidden", "zone": "fr-par-2"},
    }  # fmt: skip
    assert "s3cret" not in database.sql("SELECT * FROM journal.runs, journal.changes", "ensemble")
    changes = database.sql("SELECT run, kind, name, action, state, after->>'task' FROM journal.changes", "ensemble")
    assert changes == "1|machine|m-1|changed|done|Turn it"
    assert len(database.sql("SELECT revision FROM journal.runs", "ensemble").rstrip("+")) == 12


def test_the_journal_has_what_was_changed_in_the_cloud(database: PlatformPostgres, lab: Lab, tmp_path: Path) -> None:
    """One run, and one object's life; what failed; no secrets."""
    account = {"api_url": lab.url, "project_id": PROJECT}

    def group(**arguments: Any) -> dict[str, Any]:
        return {"ensemble.jitsi.scaleway_security_group": {**account, "name": "web", **arguments}}

    secret = {"ensemble.jitsi.scaleway_secret": {**account, "name": "door", "value": "open sesame"}}
    server = {"ensemble.jitsi.scaleway_server": {**account, "name": "s-1", "commercial_type": "DEV9-XXL", "image": "x"}}
    fleet = {"ensemble.jitsi.scaleway_fleet": {
        **account, "prefix": "h", "count": 2, "commercial_type": "DEV1-S", "image": "debian_bookworm",
        "user_data": {"env": "TOKEN=open sesame"},
    }}  # fmt: skip
    book = write(tmp_path, "change.yml", lock(database), group(), group(description="the web"), secret, fleet,
                 group(state="absent"), {**server, "ignore_errors": True})  # fmt: skip
    assert play(tmp_path, book, SCW_SECRET_KEY=SECRET_KEY).returncode == 0
    until(lambda: runs(database)[-1][4] == "ok", "the end to be written")

    def read(**arguments: Any) -> dict[str, Any]:
        ask = {"ensemble.jitsi.platform_journal_info": {"platform": "production", **database.login, **arguments}}
        keep = {"ansible.builtin.copy": {"content": "{{ found | to_json }}", "dest": str(tmp_path / "found")}}
        done = play(tmp_path, write(tmp_path, "read.yml", {**ask, "register": "found"}, keep))
        assert done.returncode == 0, done.stdout
        return json.loads((tmp_path / "found").read_text())

    whole = read(run=1)
    told = [(each["kind"], each["name"], each["action"], each["state"]) for each in whole["changes"]]
    assert told == [
        ("security group", "web", "created", "done"), ("security group", "web", "changed", "done"),
        ("secret", "door", "created", "done"), ("server", "h-1", "created", "done"),
        ("server", "h-2", "created", "done"), ("security group", "web", "removed", "done"),
    ]  # fmt: skip
    assert [(run["id"], run["result"], run["changes"]) for run in whole["runs"]] == [(1, "ok", 6)]
    assert "open sesame" not in database.sql("SELECT * FROM journal.changes", "ensemble")
    life = read(server="h-2")
    assert [(each["run"], each["action"]) for each in life["changes"]] == [(1, "created")]
    servers = {each["name"]: each["id"] for each in lab.state()["instance_server"]}
    assert life["changes"][0]["object_id"] == servers["h-2"]
    assert read()["runs"][0]["who"]

# SPDX-License-Identifier: GPL-3.0-or-later
"""`site.yml` again, with other desired, and with bad ones."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.platform.places import awx_job, secret_texts, watched_processes
from tests.platform.running import LAB, ROOT, TOKEN, ZONE, Platform, Played, play, secret, until

EMPTY = 8917


def at_the_lock(played: Played) -> float:
    """Seconds that a run spent with taking the platform's lock."""
    found = re.search(r"Take the lock of local -+ ([0-9.]+)s", played.output)
    return float(found[1]) if found else 0.0


def test_one_run_at_a_time_and_after_a_killed_one_the_next_changes_nothing_as_an_awx_job(
    platform: Platform, tmp_path: Path
) -> None:
    log = tmp_path / "first.log"
    with log.open("w") as output:
        first = subprocess.Popen(
            [".venv/bin/ansible-playbook", "playbooks/site.yml", "-i", "inventories/local"],
            cwd=ROOT, stdout=output, stderr=output, env={**os.environ, "ANSIBLE_NOCOLOR": "1", "SUDO_USER": "alice"},
        )  # fmt: skip
    try:
        until(lambda: "TASK [Remember the lock]" in log.read_text(), 120, "the first run to hold the lock")
        second = play("site.yml")
    finally:
        first.kill()
        first.wait(20)
    assert second.status != 0
    assert second.changed == 0
    assert re.search(
        "local is being changed: alice on .+ has been running site.yml since 2.+ UTC", " ".join(second.output.split())
    )
    assert at_the_lock(second) < 5

    secrets = secret_texts(platform)  # the next one is an AWX job, which has nothing of this clone but the credentials
    with watched_processes(secrets) as shown:
        again = awx_job("site.yml", json.dumps({"ensemble_lock_wait": 30}))
    assert shown == []
    assert again.status == 0
    assert again.changed == 0, again.recap
    print(f"second run: {again.seconds:.0f} s, of these {at_the_lock(again):.0f} s until the killed one was gone")
    assert again.seconds - at_the_lock(again) <= 120
    runs = play("journal.yml")
    assert runs.status == 0
    told = " ".join(runs.output.split())
    assert "killed alice on" in told


@pytest.mark.slow
def test_third_server_is_chosen_with_nothing_else_touched(platform: Platform) -> None:
    grown = play("site.yml", "-e", "jitsi_count=3")
    try:
        assert grown.status == 0
        assert {
            host: counts["changed"] for host, counts in grown.recap.items() if counts["changed"] and host != "localhost"
        } == {}
        until(lambda: "h-3" in {platform.room()["server"] for _ in range(6)}, 120, "a room on h-3")
    finally:
        shrunk = play("site.yml", "-e", "jitsi_count=2")
    assert shrunk.status == 0
    assert sorted(platform.servers("h-")) == ["h-1", "h-2"]
    with pytest.raises(Exception, match="h-3"):
        platform.resolve("h-3.ensemble.test")


def account(port: int = EMPTY, secret_key: str = TOKEN["X-Auth-Token"]) -> dict[str, str]:
    """The variable `scaleway` for a lab on another port."""
    ident = "11111111-1111-4111-8111-111111111111"
    return {
        "api_url": f"http://127.0.0.1:{port}",
        "access_key": "SCWLABLABLABLABLABLA",
        "secret_key": secret_key,
        "project_id": ident,
        "organization_id": ident,
        "zone": "fr-par-1",
        "region": "fr-par",
    }


@pytest.fixture(scope="module")
def empty_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An inventory of an account with nothing in it: the null driver on a port of its own."""
    folder = tmp_path_factory.mktemp("empty")
    inventory = folder / "inventories/local"
    shutil.copytree(ROOT / "inventories/local", inventory, symlinks=False)
    source = (inventory / "scaleway.yml").read_text()
    (inventory / "scaleway.yml").write_text(source.replace("127.0.0.1:8900", f"127.0.0.1:{EMPTY}"))
    own = {"scaleway": account(), "jitsi_archive_sha256": "a" * 64}
    (inventory / "group_vars/all/60-empty.yml").write_text(json.dumps(own))
    command = [sys.executable, "-m", "ensemble_lab", "serve", "--driver", "null", "--port", str(EMPTY), "--speed", "0"]
    lab = subprocess.Popen(
        [*command, "--dns-domain", "ensemble.test", "--state", str(folder / "state")], cwd=ROOT / "lab"
    )
    try:
        until(lambda: requests.get(f"http://127.0.0.1:{EMPTY}/_emulator/info", timeout=1).ok, 20, "the null lab")
        yield str(inventory)
    finally:
        lab.terminate()
        lab.wait(10)


def written(port: int = EMPTY) -> list[str]:
    """Requests that changed something in the empty account."""
    seen = requests.get(f"http://127.0.0.1:{port}/_emulator/requests", timeout=5).json()["requests"]
    return [
        f"{one['method']} {one['path']}" for one in seen if one["method"] != "GET" and "/_emulator" not in one["path"]
    ]


def test_check_mode_on_an_empty_cloud_shows_the_plan_and_creates_nothing(empty_cloud: str) -> None:
    planned = play("site.yml", "--check", "--diff", inventory=empty_cloud)
    assert planned.status == 0
    assert planned.changed > 5
    for name in ("prometheus-1", "database-1", "h-1", "h-2", "api-1", "api-2", "ensemble-local-jitsi"):
        assert name in planned.output
    assert written() == []
    assert not Path(empty_cloud, "../.secrets").exists()


@pytest.mark.parametrize(
    ("desired", "says"),
    [
        pytest.param({"jitsi_server_type": "DEV9-XXL"}, "DEV9-XXL", id="unknown server type"),
        pytest.param({"ensemble_domain": "not-ours.example"}, "not-ours.example", id="domain not owned"),
        pytest.param({"jitsi_count": -1}, "jitsi_count", id="negative count"),
        pytest.param({"database_count": 2}, "database_count", id="two databases"),
        pytest.param({"database_count": 0}, "several API servers must share a PostgreSQL", id="no database for two"),
        pytest.param({"portal_store": "sqlite:/data/x"}, "several API servers must share", id="file for two"),
        pytest.param({"portal_store": "mysql://a:b@c/d"}, "portal_store must be", id="other database"),
        pytest.param({"scaleway": account(secret_key=str(uuid.uuid4()))}, "not know this secret key", id="wrong key"),
        pytest.param({"scaleway": account(port=9)}, "127.0.0.1:9", id="API not reachable"),
    ],
)
def test_bad_input_is_one_clear_error_before_anything_is_created(empty_cloud: str, desired: dict, says: str) -> None:
    failed = play("site.yml", "-e", json.dumps(desired), inventory=empty_cloud, timeout=300)
    assert failed.status != 0
    assert failed.output.count("[ERROR]") + failed.output.count("fatal:") <= 2
    assert sum(counts["failed"] for counts in failed.recap.values()) == 1
    assert says in failed.output
    assert "Traceback" not in failed.output
    assert "22222222-2222-4222-8222-222222222222" not in failed.output
    assert written() == []


@pytest.mark.parametrize("playbook", ["network.yml", "database.yml", "portal.yml"])
def test_secrets_are_not_printed(platform: Platform, playbook: str) -> None:
    other_name = json.dumps({"portal_environment": {"ENSEMBLE_SITE_NAME": "Other"}})
    loud = play(playbook, "-vvv", "--check", "--diff", "-e", other_name)
    assert loud.status == 0
    assert TOKEN["X-Auth-Token"] not in loud.output
    assert secret("database-password") not in loud.output


def test_the_api_wants_a_secret_key(platform: Platform) -> None:
    assert requests.get(f"{LAB}{ZONE}/servers", timeout=5).status_code == 401


def power_cycle(platform: Platform, server: str) -> None:
    ident = platform.servers()[server]["id"]
    for action, state in (("poweroff", "stopped"), ("poweron", "running")):
        url = f"{LAB}{ZONE}/servers/{ident}/action"
        requests.post(url, json={"action": action}, headers=TOKEN, timeout=10).raise_for_status()
        until(lambda state=state: platform.servers()[server]["state"] == state, 120, f"{server} to be {state}")


def test_servers_that_were_off_are_found_again_by_any_part(platform: Platform) -> None:
    """A Jitsi server has another address then, an API server its own; both serve after whichever part runs next."""
    before = {server: platform.address(server) for server in ("h-1", "api-1")}
    for server in before:
        power_cycle(platform, server)
    assert platform.address("api-1") == before["api-1"]
    assert platform.address("h-1") != before["h-1"]
    assert platform.resolve("h-1.ensemble.test") == before["h-1"]
    repaired = play("preflight.yml")
    assert repaired.status == 0
    assert repaired.changed == 1
    assert platform.resolve("h-1.ensemble.test") == platform.address("h-1")
    until(lambda: platform.eligible() == ["h-1", "h-2"], 120, "both Jitsi servers to be ready")
    until(lambda: platform.portal_on("api-1").get("/readyz").status_code == 200, 60, "the portal on api-1")
    assert platform.fetch(f"https://h-1.ensemble.test/{platform.room()['room']}")[0] == 200
    assert play("preflight.yml").changed == 0

# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets as files of a folder: brought, written back, by several at once."""

from __future__ import annotations

import base64
import json
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ensemble.jitsi.plugins.module_utils.client import Client
from ansible_collections.ensemble.jitsi.plugins.module_utils.errors import Invalid
from ansible_collections.ensemble.jitsi.plugins.module_utils.secret_files import SecretFiles
from ansible_collections.ensemble.jitsi.plugins.module_utils.settings import from_arguments
from modules_support import Lab, Runner

PATH = "/ensemble/prod"
FILES = {"pair": ["id", "id.pub"], "host-keys": ["known_hosts"], "certificate": ["tls/key.pem", "tls/chain.pem"]}
Keeper = Callable[..., SecretFiles]


@pytest.fixture
def keeper(lab: Lab, tmp_path: Path) -> Keeper:
    """What a run in a folder of this name has."""

    def make(name: str = "run", check: bool = False, **arguments: Any) -> SecretFiles:
        known = {"path": PATH, "folder": str(tmp_path / name), "files": FILES, "merged": ["host-keys"]}
        return SecretFiles(Client(from_arguments(lab.account)), {**known, **arguments}, check)

    return make


def put(secrets: SecretFiles, **texts: str) -> None:
    for name, text in texts.items():
        path = secrets.folder / {"key": "tls/key.pem", "chain": "tls/chain.pem", "pub": "id.pub"}.get(name, name)
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)


def held(lab: Lab) -> dict[str, list[str]]:
    """The values of all secrets that can be read, by name."""
    state = lab.state()
    names = {each["id"]: each["name"] for each in state.get("secret", [])}
    found: dict[str, list[str]] = {}
    for each in state.get("secret_version", []):
        if each["status"] == "enabled":
            found.setdefault(names[each["secret_id"]], []).append(base64.b64decode(each["data"]).decode())
    return found


def test_what_one_run_keeps_the_next_one_fetches(lab: Lab, keeper: Keeper) -> None:
    first = keeper("first")
    assert first.fetch() == []
    put(first, id="private", pub="public", **{"api-key": "SCW"})
    put(first, **{"known_hosts.old": "no secret of its own"})
    assert first.keep().written == ["api-key", "pair"]
    assert first.keep().written == []
    assert held(lab) == {"pair": [json.dumps({"id": "private", "id.pub": "public"})], "api-key": ["SCW"]}

    second = keeper("second")
    assert [(each["name"], each["revision"]) for each in second.fetch()] == [("api-key", 1), ("pair", 1)]
    assert (second.folder / "id").read_text() == "private"
    assert (second.folder / "api-key").read_text() == "SCW"
    put(second, id="rotated")
    assert second.keep().written == ["pair"]
    first.fetch()
    assert (first.folder / "id").read_text() == "rotated"
    assert held(lab)["pair"] == [json.dumps({"id": "rotated", "id.pub": "public"})]
    for path in [first.folder, *first.folder.rglob("*")]:
        if path.name not in ("known_hosts.old",):
            assert stat.S_IMODE(path.stat().st_mode) in (0o700, 0o600), path


def test_a_part_that_went_goes_from_the_secret(lab: Lab, keeper: Keeper) -> None:
    run = keeper()
    put(run, key="k", chain="c")
    run.keep()
    (run.folder / "tls/chain.pem").unlink()
    assert run.keep().written == ["certificate"]
    other = keeper("other")
    put(other, chain="old")
    other.fetch()
    assert not (other.folder / "tls/chain.pem").exists()
    (run.folder / "tls/key.pem").unlink()
    assert run.keep().written == []
    assert "certificate" in held(lab)


def test_an_empty_file_is_no_secret(lab: Lab, keeper: Keeper) -> None:
    run = keeper()
    put(run, key="k", chain="", known_hosts="")
    with pytest.raises(Invalid, match=r"chain\.pem is empty"):
        run.keep()
    put(run, chain="c")
    assert run.keep().written == ["certificate"]


def test_files_outside_the_folder_are_refused(keeper: Keeper) -> None:
    for name in ("/etc/passwd", "../x"):
        with pytest.raises(Invalid, match="below folder"):
            keeper(files={"a": [name]})


def test_check_mode_reads_and_writes_nothing(lab: Lab, keeper: Keeper) -> None:
    run = keeper()
    put(run, id="private")
    assert keeper(check=True).keep().written == ["pair"]
    assert held(lab) == {}
    run.keep()
    reader = keeper("reader", check=True)
    reader.fetch()
    assert (reader.folder / "id").read_text() == "private"


def test_a_strangers_secret_is_not_taken(lab: Lab, keeper: Keeper, run: Runner) -> None:
    run.ok("secret", name="pair", path=PATH, value="theirs")
    with pytest.raises(Invalid, match="lacks the tag ensemble:prod"):
        keeper(owner_tag="ensemble:prod").fetch()


@pytest.mark.parametrize("there", [False, True], ids=["none yet", "one to follow"])
def test_of_several_at_once_all_end_with_the_same(lab: Lab, keeper: Keeper, there: bool) -> None:
    """Whoever is first wins, all have its value in their files, and one version can be read."""
    if there:
        put(before := keeper("before"), id="old", **{"api-key": "old"})
        before.keep()
    lab.fault(kind="latency", seconds=0.05)
    runs = [keeper(f"run-{number}") for number in range(4)]
    gate = threading.Barrier(len(runs))
    for number, each in enumerate(runs):
        each.fetch()
        put(each, id=f"of {number}", **{"api-key": f"of {number}"})

    def keep(each: SecretFiles) -> None:
        gate.wait()
        each.keep()

    threads = [threading.Thread(target=keep, args=[each]) for each in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {name: len(values) for name, values in held(lab).items()} == {"pair": 1, "api-key": 1}
    for name, stored in (("id", json.loads(held(lab)["pair"][0])["id"]), ("api-key", held(lab)["api-key"][0])):
        assert {(each.folder / name).read_text() for each in runs} == {stored}
        assert stored.startswith("of ")


def test_lines_of_several_are_merged(lab: Lab, keeper: Keeper) -> None:
    one, other = keeper("one"), keeper("other")
    put(one, known_hosts="a key\n")
    one.keep()
    other.fetch()
    put(one, known_hosts="a key\nb key\n")
    put(other, known_hosts="a key\nc key\n")
    assert one.keep().written == ["host-keys"]
    kept = other.keep()
    assert (kept.written, kept.taken) == (["host-keys"], [])
    assert held(lab)["host-keys"] == ["a key\nb key\nc key\n"]
    assert (other.folder / "known_hosts").read_text() == "a key\nb key\nc key\n"


def test_a_lost_answer_writes_nothing_twice(lab: Lab, keeper: Keeper) -> None:
    run = keeper()
    put(run, id="private", **{"api-key": "SCW"})
    lab.fault(kind="reset", when="after", method="POST", path=".*/versions$", count=1)
    run.keep()
    assert {name: len(values) for name, values in held(lab).items()} == {"pair": 1, "api-key": 1}
    versions = lab.state()["secret_version"]
    assert len(versions) == 2


def test_the_module_shows_no_value(lab: Lab, run: Runner, tmp_path: Path) -> None:
    (tmp_path / "api-key").write_text("open sesame")
    arguments = {"path": PATH, "folder": str(tmp_path)}
    kept = run.ok("secret_files", state="kept", **arguments)
    assert kept["changed"]
    assert kept["written"] == ["api-key"]
    fetched = run.ok("secret_files", **arguments)
    assert not fetched["changed"]
    assert "open sesame" not in json.dumps([kept, fetched])
    run.error("secret_files", path=PATH, folder=str(tmp_path), secret_key="x")

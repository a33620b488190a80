# SPDX-License-Identifier: GPL-3.0-or-later
"""A play that is killed after any of its writes, and then run again: it converges, and nothing is orphaned."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.ensemble.jitsi.plugins.module_utils.client import Client
from modules_stories import LOCAL_DISK, SERVER, STORIES, Story
from modules_support import Lab, Runner
from test_stories import added, prepare

MOST_WRITES = 60


class KilledError(BaseException):
    """The process is gone; nothing catches it."""


@contextmanager
def killed_after(writes: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Lets this many writes through; with the last one everything stops. Yields the writes that were made."""
    made: list[str] = []
    send = Client._once

    def once(client: Client, method: str, path: str, *rest: Any) -> Any:
        if len(made) >= writes:
            raise KilledError
        if method != "GET":
            made.append(f"{method} {path}")
        answer = send(client, method, path, *rest)
        if len(made) >= writes:
            raise KilledError
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(Client, "_once", once)
        yield made


def interrupted(
    run: Runner, writes: int, monkeypatch: pytest.MonkeyPatch, module: str, arguments: dict[str, Any]
) -> bool:
    """Whether the run was cut off; False when it needed fewer writes."""
    with killed_after(writes, monkeypatch):
        try:
            answer = run(module, **arguments)
        except KilledError:
            return True
    assert not answer.get("failed"), answer["msg"]
    return False


REPLACED = Story(
    "server",
    {**SERVER, "state": "running", "commercial_type": "PRO2-XXS", "recreate": True},
    {},
    {"instance_server": 1, "block_volume": 1, "instance_ip": 1},
    before=(("server", {**SERVER, "state": "running"}),),
)
CREATED = [name for name in STORIES if name not in ("DNS zone", "ssh key")]
REMOVED = [name for name, story in STORIES.items() if story.module in ("server", "fleet", "image", "lb", "snapshot")]


@pytest.mark.parametrize("name", CREATED)
def test_creation(name: str, lab: Lab, run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    story = STORIES[name]
    for writes in range(1, MOST_WRITES):
        lab.reset()
        prepare(run, story)
        before = lab.counts()
        cut = interrupted(run, writes, monkeypatch, story.module, story.begin)
        run.ok(story.module, **story.begin)
        assert added(lab, before) == story.kinds, f"after {writes} writes"
        assert not run.ok(story.module, **story.begin)["changed"]
        if not cut:
            return
    raise AssertionError("too many writes")


@pytest.mark.parametrize("name", REMOVED)
def test_removal(name: str, lab: Lab, run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    story = STORIES[name]
    for writes in range(1, MOST_WRITES):
        lab.reset()
        prepare(run, story)
        before = lab.counts()
        run.ok(story.module, **story.begin)
        cut = interrupted(run, writes, monkeypatch, story.module, story.removal())
        run.ok(story.module, **story.removal())
        assert added(lab, before) == {}, f"after {writes} writes"
        if not cut:
            return
    raise AssertionError("too many writes")


def test_replacement(lab: Lab, run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server of another type: the old one and its disk go, whenever the play is cut off."""
    for writes in range(1, MOST_WRITES):
        lab.reset()
        before = lab.counts()
        prepare(run, REPLACED)
        cut = interrupted(run, writes, monkeypatch, "server", REPLACED.begin)
        run.ok("server", **REPLACED.begin)
        assert added(lab, before) == REPLACED.kinds, f"after {writes} writes"
        assert lab.state()["instance_server"][0]["commercial_type"] == "PRO2-XXS"
        if not cut:
            return


def test_replacement_of_a_fleet(lab: Lab, run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two servers from a new image, cut off after any write."""
    template = {"prefix": "h", "count": 2, "commercial_type": "DEV1-S", "max_change": 100, "volumes": LOCAL_DISK}
    for writes in range(1, MOST_WRITES):
        lab.reset()
        for image in ("one", "two"):
            run.ok("server", **{**SERVER, "volumes": LOCAL_DISK})
            run.ok("image", name=image, server="builder")
            run.ok("server", name="builder", state="absent")
        before = lab.counts()
        run.ok("fleet", **template, image="one")
        cut = interrupted(run, writes, monkeypatch, "fleet", {**template, "image": "two", "recreate": True})
        run.ok("fleet", **template, image="two", recreate=True)
        assert added(lab, before) == {"instance_server": 2, "instance_volume": 2, "instance_ip": 2}
        assert {each["image"]["name"] for each in lab.state()["instance_server"]} == {"two"}
        if not cut:
            return

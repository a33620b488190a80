# SPDX-License-Identifier: GPL-3.0-or-later
"""A play that is killed after any of its writes, and then run again: it ends as if nothing had happened.

A kill between two writes, or while an answer is on its way, leaves the cloud as a kill right after the last write does;
so these are all the moments there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.ensemble.jitsi.plugins.module_utils.client import Client
from modules_lifecycles import LIFECYCLES, LOCAL_DISK, SERVER, Arguments, Task
from modules_support import Lab, Runner
from test_lifecycles import prepare


class KilledError(BaseException):
    """The process is gone; nothing catches it."""


@contextmanager
def killed_after(writes: int | None, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Lets this many writes through; with the last one everything stops. Yields the writes that were made."""
    made: list[str] = []
    send = Client._once

    def once(client: Client, method: str, path: str, *rest: Any) -> Any:
        if writes is not None and len(made) >= writes:
            raise KilledError
        if method != "GET":
            made.append(f"{method} {path}")
        answer = send(client, method, path, *rest)
        if writes is not None and len(made) >= writes:
            raise KilledError
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(Client, "_once", once)
        yield made


@dataclass(frozen=True)
class Case:
    """A task that is interrupted, and what was there before."""

    title: str
    before: tuple[Task, ...]
    module: str
    arguments: Arguments

    def __str__(self) -> str:
        return self.title


FLEET = {"prefix": "h", "count": 2, "commercial_type": "DEV1-S", "max_change": 100, "volumes": LOCAL_DISK}
SMALL_FLEET = {"count": 2, "max_change": 100, "placement_groups": {"size": 1}}
"""Each kind of write that a fleet makes, and two servers that may be hit at different points of their way."""


def of_lifecycles() -> Iterator[Case]:
    for title, lifecycle in LIFECYCLES.items():
        small = SMALL_FLEET if lifecycle.module == "fleet" else {}
        begin, change = {**lifecycle.begin, **small}, {**lifecycle.change, **({"count": 1} if small else {})}
        there = (*lifecycle.before, (lifecycle.module, begin))
        yield Case(f"creation of {title}", lifecycle.before, lifecycle.module, begin)
        if change:
            yield Case(f"change of {title}", there, lifecycle.module, {**begin, **change})
        yield Case(f"removal of {title}", there, lifecycle.module, lifecycle.removal())


def of_replacements() -> Iterator[Case]:
    other = {**SERVER, "state": "running", "commercial_type": "PRO2-XXS", "recreate": True}
    yield Case("replacement of a server", (("server", {**SERVER, "state": "running"}),), "server", other)
    builder: Task = ("server", {**SERVER, "volumes": LOCAL_DISK})
    images: list[Task] = [("image", {"name": name, "server": "builder"}) for name in ("one", "two")]
    fleet: Task = ("fleet", {**FLEET, "image": "one"})
    renewed = {**FLEET, "image": "two", "recreate": True}
    yield Case("replacement of a fleet", (builder, *images, fleet), "fleet", renewed)


@pytest.mark.parametrize("case", [*of_lifecycles(), *of_replacements()], ids=str)
def test_killed_after_any_write(case: Case, lab: Lab, run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(run, case.before)
    start = lab.save()
    with killed_after(None, monkeypatch) as undisturbed:
        run.ok(case.module, **case.arguments)
    goal = lab.counts()
    for writes in range(1, len(undisturbed) + 1):
        lab.restore(start)
        with killed_after(writes, monkeypatch) as made, pytest.raises(KilledError):
            run(case.module, **case.arguments)
        run.ok(case.module, **case.arguments)
        assert lab.counts() == goal, f"after {made}"
        if case.arguments.get("state") != "rebooted":
            assert not run.ok(case.module, **case.arguments)["changed"], f"after {made}"

"""Announcements of operators to visitors (incidents, maintenance), in the database that all portals share.

`python -m ensemble_portal.notices open|update|close --title ... --text ...` writes there, once for all portals.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sqlite3
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any, NamedTuple

import asyncpg
import orjson

from .claims import PATIENCE, WRONG, verified
from .fleet import iso_time
from .logs import Condition
from .settings import IN_MEMORY, Settings, SettingsError

READ_EVERY = 10.0
SHOWN_FOR = 14 * 86400.0
MOST_ROWS = 500
LONGEST_TITLE, LONGEST_TEXT = 120, 2000
KINDS = ("incident", "maintenance")
TABLE = """
CREATE TABLE IF NOT EXISTS ensemble_notices (
    at double precision NOT NULL, title text NOT NULL, kind text NOT NULL, step text NOT NULL, body text NOT NULL
)
"""
READ = f"SELECT at, title, kind, step, body FROM ensemble_notices ORDER BY at DESC LIMIT {MOST_ROWS}"
log = logging.getLogger("ensemble.notices")


class Step(NamedTuple):
    """One thing that was told: that a notice opens, what is new, that it ends."""

    at: float
    title: str
    kind: str
    step: str
    text: str


class Notice(NamedTuple):
    title: str
    kind: str
    steps: tuple[Step, ...]

    @property
    def id(self) -> str:
        return f"notice-{int(self.steps[0].at)}"

    @property
    def opened_at(self) -> float:
        return self.steps[0].at

    @property
    def closed_at(self) -> float | None:
        return self.steps[-1].at if self.steps[-1].step == "close" else None

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "title": self.title,
            "kind": self.kind,
            "opened_at": iso_time(self.opened_at),
            "closed_at": iso_time(self.closed_at),
            "updates": [{"at": iso_time(step.at), "text": step.text} for step in self.steps],
        }


class Refused(Exception):
    """What was asked for makes no sense now."""


def gathered(steps: Sequence[Step]) -> list[Notice]:
    """The notices that the steps, in the order of their time, are about; those that are open first, then the newest."""
    notices: list[Notice] = []
    for step in steps:
        known = next((place for place in reversed(range(len(notices))) if notices[place].title == step.title), None)
        if known is None or notices[known].closed_at is not None:
            notices.append(Notice(step.title, step.kind, (step,)))
        else:
            notices[known] = notices[known]._replace(steps=(*notices[known].steps, step))
    return sorted(notices, key=lambda notice: (notice.closed_at is not None, -notice.opened_at))


def judged(steps: Sequence[Step], new: Step) -> bool:
    """Whether the step is news; False when that was told already. Raises Refused."""
    last = next((notice for notice in gathered(steps) if notice.title == new.title), None)
    is_open = last is not None and last.closed_at is None
    if last is not None and (last.steps[-1].step, last.steps[-1].text) == (new.step, new.text):
        return False
    if new.step == "open" and is_open:
        raise Refused(f"{new.title!r} is open already; tell what is new with update, or close it first")
    if new.step != "open" and not is_open:
        raise Refused(f"{new.title!r} is not open; the title names the notice, as it was opened")
    return True


class Notices:
    """The notices as all portals know them, read every few seconds. While the database is away the last ones stay."""

    def __init__(self, store: str, authority: str = "") -> None:
        self._store = store
        self._authority = authority
        self._unread = Condition(log, "The notices cannot be read", "The notices can be read again")
        self.shown: list[Notice] = []

    async def run(self) -> None:
        while self._store != IN_MEMORY:
            await self.read()
            await asyncio.sleep(READ_EVERY)

    async def read(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                steps = await exchange(self._store, authority=self._authority)
        except WRONG as error:
            self._unread.note(True, reason=type(error).__name__)
            return
        self._unread.note(False)
        oldest = time.time() - SHOWN_FOR
        self.shown = [notice for notice in gathered(steps) if (notice.closed_at or oldest) >= oldest]

    @property
    def has_incident(self) -> bool:
        return any(notice.kind == "incident" and notice.closed_at is None for notice in self.shown)


async def exchange(store: str, new: Step | None = None, authority: str = "") -> list[Step]:
    """The steps so far, oldest first; with a new one, that is added if it is news. Raises Refused."""
    if store.startswith("sqlite:"):
        return await asyncio.to_thread(_in_sqlite, store.removeprefix("sqlite:"), new)
    tls = verified(store, authority) if authority else None
    connection = await asyncpg.connect(store, timeout=PATIENCE, ssl=tls)
    try:
        return await _in_postgres(connection, new)
    finally:
        await connection.close(timeout=PATIENCE)


def _in_sqlite(path: str, new: Step | None) -> list[Step]:
    with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as database:
        if new is not None:
            database.execute("BEGIN IMMEDIATE")
            database.execute(TABLE)
        elif not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'ensemble_notices'").fetchone():
            return []
        steps = [Step(*row) for row in reversed(database.execute(READ).fetchall())]
        if new is not None:
            if judged(steps, new):
                database.execute("INSERT INTO ensemble_notices VALUES (?, ?, ?, ?, ?)", new)
                steps.append(new)
            database.execute("COMMIT")
        return steps


async def _in_postgres(connection: Any, new: Step | None) -> list[Step]:
    if new is None:
        if not await connection.fetchval("SELECT to_regclass('ensemble_notices')"):
            return []
        return [Step(*row) for row in reversed(await connection.fetch(READ))]
    async with connection.transaction():
        await connection.execute(TABLE)
        await connection.execute("LOCK TABLE ensemble_notices IN EXCLUSIVE MODE")
        steps = [Step(*row) for row in reversed(await connection.fetch(READ))]
        if judged(steps, new):
            await connection.execute("INSERT INTO ensemble_notices VALUES ($1, $2, $3, $4, $5)", *new)
            steps.append(new)
        return steps


def tell(settings: Settings, new: Step, only_check: bool) -> bool:
    """Add the step for all portals; returns whether it is news. Raises Refused."""
    if settings.store == IN_MEMORY:
        raise Refused("ENSEMBLE_STORE is in memory, where no other portal would see the notice")
    if not new.title.strip() or len(new.title) > LONGEST_TITLE:
        raise Refused(f"a title has 1 to {LONGEST_TITLE} characters")
    if len(new.text) > LONGEST_TEXT or (new.step != "close" and not new.text.strip()):
        raise Refused(f"a text has 1 to {LONGEST_TEXT} characters; only an end needs none")
    steps = asyncio.run(exchange(settings.store, None if only_check else new, settings.store_ca))
    return judged(steps, new) if only_check else new in steps


def main() -> int:
    parser = argparse.ArgumentParser(prog="ensemble_portal.notices", description="Tell visitors of all portals.")
    parser.add_argument("step", choices=("open", "update", "close"))
    parser.add_argument("--title", required=True, help="names the notice")
    parser.add_argument("--text", default="")
    parser.add_argument("--kind", choices=KINDS, default=KINDS[0])
    writes = parser.add_mutually_exclusive_group()
    writes.add_argument("--check", action="store_true", help="tell what would happen, and write nothing")
    writes.add_argument("--write", action="store_false", dest="check", help="write it (the default)")
    given = parser.parse_args()
    try:
        new = Step(time.time(), given.title, given.kind, given.step, given.text)
        changed = tell(Settings.from_environ(os.environ), new, given.check)
    except (Refused, SettingsError) as error:
        print(error, file=sys.stderr)
        return 2
    except WRONG as error:
        print(f"The register does not answer: {type(error).__name__}", file=sys.stderr)
        return 1
    print(orjson.dumps({"changed": changed}).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of a platform: its runs and their changes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .errors import Invalid

SCHEMA = "journal"
TABLES = """
CREATE TABLE IF NOT EXISTS journal.runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    platform text NOT NULL,
    who text NOT NULL,
    place text NOT NULL,
    revision text NOT NULL,
    playbook text NOT NULL,
    variables jsonb NOT NULL,
    locked boolean NOT NULL,
    session integer NOT NULL,
    joined timestamptz NOT NULL DEFAULT clock_timestamp(),
    began timestamptz NOT NULL,
    ended timestamptz,
    result text
);
CREATE INDEX IF NOT EXISTS runs_by_platform ON journal.runs (platform, id);
CREATE TABLE IF NOT EXISTS journal.changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run bigint NOT NULL REFERENCES journal.runs ON DELETE CASCADE,
    at timestamptz NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    object text,
    action text NOT NULL,
    before jsonb,
    after jsonb,
    state text NOT NULL,
    problem text
);
CREATE INDEX IF NOT EXISTS changes_by_run ON journal.changes (run, id);
CREATE INDEX IF NOT EXISTS changes_by_name ON journal.changes (name, id);
"""
MAKING = 0x456E73656D626C66
"""Advisory key that is held while the tables are made."""
TIME = """to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS {0}"""
RUNS = f"""
SELECT id, who, place AS where, revision AS commit, playbook, variables, locked, {TIME.format("began")},
    {TIME.format("ended")}, coalesce(result, 'running, or killed with its machine') AS result,
    (SELECT count(*) FROM journal.changes WHERE run = runs.id) AS changes
FROM journal.runs WHERE platform = %(platform)s
"""
CHANGES = f"""
SELECT changes.id, changes.run, runs.who, {TIME.format("at")}, kind, name, object AS object_id, action, before, after,
    state, problem
FROM journal.changes JOIN journal.runs ON runs.id = changes.run WHERE platform = %(platform)s
"""


@dataclass
class About:
    """What a run tells about itself when it begins; no secrets."""

    platform: str
    who: str
    place: str
    revision: str = ""
    playbook: str = ""
    variables: dict[str, Any] = field(default_factory=dict)
    began: float = 0.0


@dataclass
class Change:
    """What one task did to one object: `action` is created, changed, replaced or removed; no secrets."""

    kind: str
    name: str
    action: str
    object: str | None = None
    before: Any = None
    after: Any = None
    state: str = "begun"
    """begun, done or failed; a change that stays begun belongs to a run that was killed."""
    problem: str | None = None
    at: float = 0.0

    def facts(self) -> dict[str, Any]:
        return asdict(self)


def prepare(session: Any) -> None:
    """Create the tables if they do not exist, and the schema if the user may."""
    if session.execute("SELECT to_regclass('journal.changes')").fetchone()[0] is not None:
        return
    with session.transaction():
        session.execute("SELECT pg_advisory_xact_lock(%s)", [MAKING])
        if session.execute("SELECT to_regnamespace('journal')").fetchone()[0] is None:
            session.execute("CREATE SCHEMA journal")
        session.execute(TABLES)


def begin(session: Any, about: About, locked: bool) -> int:
    """Record the start of a run; return its number."""
    return session.execute(
        """
        INSERT INTO journal.runs (platform, who, place, revision, playbook, variables, locked, session, began)
        VALUES (%s, %s, %s, %s, %s, %s, %s, pg_backend_pid(), to_timestamp(%s)) RETURNING id
        """,
        [about.platform, about.who, about.place, about.revision, about.playbook, _json(about.variables), locked,
         about.began],
    ).fetchone()[0]  # fmt: skip


def rejoin(session: Any, run: int) -> None:
    """Record that a run continues in another session."""
    query = "UPDATE journal.runs SET session = pg_backend_pid(), joined = clock_timestamp() WHERE id = %s"
    session.execute(query, [run])


def newest(session: Any, platform: str) -> int:
    """The number of the newest run that took the lock."""
    query = "SELECT coalesce(max(id), 0) FROM journal.runs WHERE platform = %s AND locked"
    return session.execute(query, [platform]).fetchone()[0]


def end(session: Any, run: int, result: str) -> None:
    """Record the result of a run."""
    query = "UPDATE journal.runs SET ended = clock_timestamp(), result = %s WHERE id = %s AND ended IS NULL"
    session.execute(query, [result, run])


def close_dead(session: Any, platform: str, run: int) -> None:
    """Mark older locked runs without an end as killed: their keeper died with them."""
    query = """
    UPDATE journal.runs SET ended = clock_timestamp(), result = 'killed'
    WHERE platform = %s AND locked AND ended IS NULL AND id < %s
    """
    session.execute(query, [platform, run])


def forget(session: Any, platform: str, days: int) -> None:
    """Remove runs, with their changes, that began more than so many days ago."""
    query = """
    DELETE FROM journal.runs WHERE platform = %s AND ended IS NOT NULL AND began < now() - make_interval(days => %s)
    """
    session.execute(query, [platform, days])


def write(session: Any, run: int, change: Change) -> int:
    """Record a change; return its number."""
    return session.execute(
        """
        INSERT INTO journal.changes (run, at, kind, name, object, action, before, after, state, problem)
        VALUES (%s, to_timestamp(%s), %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
        """,
        [run, change.at, change.kind, change.name, change.object, change.action, _json(change.before),
         _json(change.after), change.state, change.problem],
    ).fetchone()[0]  # fmt: skip


def complete(session: Any, number: int, change: Change) -> None:
    """Record the result of a change."""
    query = "UPDATE journal.changes SET state = %s, problem = %s, object = coalesce(%s, object) WHERE id = %s"
    session.execute(query, [change.state, change.problem, change.object, number])


def read(
    session: Any, platform: str, last: int = 20, run: int | None = None, server: str | None = None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Runs and changes, newest run first: of one run, of one server, or the last runs without their changes.

    Raises:
        Invalid: there is no such run.
    """
    if session.execute("SELECT to_regclass('journal.changes')").fetchone()[0] is None:
        return [], []
    desired = {"platform": platform, "last": last, "run": run, "server": server}
    if run is not None:
        runs = _rows(session, f"{RUNS} AND id = %(run)s", desired)
        if not runs:
            raise Invalid(f"The journal of {platform} has no run {run}.")
        return runs, _rows(session, f"{CHANGES} AND run = %(run)s ORDER BY changes.id", desired)
    if server is not None:
        changes = _rows(session, f"{CHANGES} AND name = %(server)s ORDER BY changes.id DESC LIMIT %(last)s", desired)
        numbers = sorted({change["run"] for change in changes})
        runs = _rows(session, f"{RUNS} AND id = ANY(%(runs)s) ORDER BY id DESC", {**desired, "runs": numbers})
        return runs, changes[::-1]
    return _rows(session, f"{RUNS} ORDER BY id DESC LIMIT %(last)s", desired), []


def _rows(session: Any, query: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    cursor = session.execute(query, values)
    names: Iterable[str] = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, default=str)

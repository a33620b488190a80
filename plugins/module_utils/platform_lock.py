# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of a platform: a session-level advisory lock in PostgreSQL, and its holder."""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass
from typing import Any

from .database import LOST_AFTER

LOOK_EVERY = 0.5
"""Seconds between two checks of a lock that somebody else holds."""
RETURN_WITHIN: float = LOST_AFTER
"""Seconds after a start of the server in which a run whose session ended with it may take its lock again."""
_HELD = """
locktype = 'advisory' AND granted AND objsubid = 1
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND ((classid::bigint << 32) | objid::bigint) = %(key)s
"""


def key(platform: str) -> int:
    """The key of a platform's lock. All users of a database share the advisory keys, so that it is a digest."""
    return int.from_bytes(hashlib.sha256(f"ensemble.jitsi lock {platform}".encode()).digest()[:8], "big", signed=True)


@dataclass(frozen=True)
class Holder:
    """Who holds a lock: what its run has told the journal, or only what the server knows of the session."""

    run: int | None
    who: str
    place: str
    playbook: str
    since: str

    def __str__(self) -> str:
        run = f"run {self.run}" if self.run else "a run"
        return f"{self.who} on {self.place} has been running {self.playbook} since {self.since} ({run})"

    def facts(self) -> dict[str, Any]:
        return asdict(self)


def take(session: Any, platform: str, wait: float) -> bool:
    """Take the lock, within `wait` seconds where somebody else holds it or is about to take it again."""
    deadline = time.monotonic() + wait
    while not take_again(session, platform) or _leave_to_returning(session, platform):
        if time.monotonic() >= deadline:
            return False
        time.sleep(LOOK_EVERY)
    return True


def take_again(session: Any, platform: str) -> bool:
    """Take the lock if nobody holds it, for a run that had it before its session ended."""
    return bool(session.execute("SELECT pg_try_advisory_lock(%s)", [key(platform)]).fetchone()[0])


def _leave_to_returning(session: Any, platform: str) -> bool:
    if returning(session, platform) is None:
        return False
    session.execute("SELECT pg_advisory_unlock(%s)", [key(platform)])
    return True


def returning(session: Any, platform: str) -> Holder | None:
    """Return the run that held the lock when the server stopped, while it may still take it again."""
    return _run(
        session,
        "platform = %s AND locked AND joined < pg_postmaster_start_time()"
        " AND clock_timestamp() < pg_postmaster_start_time() + make_interval(secs => %s)",
        [platform, RETURN_WITHIN],
    )


def is_held(session: Any, platform: str) -> bool:
    """Whether this very session holds the lock. A pooler that gives each transaction another session is found out."""
    query = f"SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND {_HELD}"
    return bool(session.execute(query, {"key": key(platform)}).fetchone()[0])


def holder(session: Any, platform: str, patience: float = 2.0) -> Holder | None:
    """Who holds the lock or is about to take it again. A run that has just taken it gets time to tell the journal."""
    deadline = time.monotonic() + patience
    while True:
        found = session.execute(
            f"""
            SELECT activity.pid, activity.application_name, host(activity.client_addr) AS address,
                to_char(activity.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') AS since,
                activity.backend_start
            FROM pg_locks JOIN pg_stat_activity AS activity USING (pid) WHERE {_HELD}
            """,
            {"key": key(platform)},
        ).fetchone()
        if found is None:
            return returning(session, platform)
        pid, application, address, since, started = found
        told = _run(session, "platform = %s AND session = %s AND joined >= %s", [platform, pid, started])
        if told:
            return told
        if time.monotonic() >= deadline:
            return Holder(None, application or "somebody", address or "the server itself", "something", since)
        time.sleep(0.1)


def _run(session: Any, condition: str, values: list[Any]) -> Holder | None:
    """Return the newest unfinished run in the journal that matches the condition."""
    if session.execute("SELECT to_regclass('journal.runs')").fetchone()[0] is None:
        return None
    found = session.execute(
        f"""
        SELECT id, who, place, playbook, to_char(began AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')
        FROM journal.runs WHERE ended IS NULL AND {condition} ORDER BY id DESC LIMIT 1
        """,
        values,
    ).fetchone()
    return Holder(*found) if found else None

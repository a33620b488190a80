# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of a platform: a session advisory lock of PostgreSQL, and who holds it."""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass
from typing import Any

LOOK_EVERY = 0.5
"""Seconds between two looks at a lock that somebody else holds."""
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
        return f"{self.who} on {self.place} runs {self.playbook} since {self.since} ({run})"

    def facts(self) -> dict[str, Any]:
        return asdict(self)


def take(session: Any, platform: str, wait: float) -> bool:
    """Take the lock, within `wait` seconds where somebody else holds it."""
    deadline = time.monotonic() + wait
    while not session.execute("SELECT pg_try_advisory_lock(%s)", [key(platform)]).fetchone()[0]:
        if time.monotonic() >= deadline:
            return False
        time.sleep(LOOK_EVERY)
    return True


def is_held(session: Any, platform: str) -> bool:
    """Whether this very session holds the lock. A pooler that gives each transaction another session is found out."""
    query = f"SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND {_HELD}"
    return bool(session.execute(query, {"key": key(platform)}).fetchone()[0])


def holder(session: Any, platform: str, patience: float = 2.0) -> Holder | None:
    """Who holds the lock. A run that has just taken it is given some time to tell the journal about itself."""
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
            return None
        pid, application, address, since, started = found
        told = _told(session, platform, pid, started)
        if told:
            return told
        if time.monotonic() >= deadline:
            return Holder(None, application or "somebody", address or "the server itself", "something", since)
        time.sleep(0.1)


def _told(session: Any, platform: str, pid: int, started: Any) -> Holder | None:
    """What the run of a session has told the journal, None where nothing yet."""
    if session.execute("SELECT to_regclass('journal.runs')").fetchone()[0] is None:
        return None
    found = session.execute(
        """
        SELECT id, who, place, playbook, to_char(began AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')
        FROM journal.runs WHERE platform = %s AND session = %s AND ended IS NULL AND joined >= %s
        ORDER BY id DESC LIMIT 1
        """,
        [platform, pid, started],
    ).fetchone()
    return Holder(*found) if found else None

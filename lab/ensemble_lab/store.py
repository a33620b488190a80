# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's state: objects by kind and id, in memory for reading, in one SQLite file for keeps.

Handlers change objects freely and call :meth:`Store.put`; :meth:`Store.commit` writes all of it in one transaction
before the answer leaves the lab. So whatever a client was told survives a kill -9, and a request is kept whole or not
at all.
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

Object = dict[str, Any]
Objects = list[Object]
Kinds = list[str]
State = dict[str, list[Object]]
"""All objects by kind, as the admin API dumps them."""

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (kind, id)
);
"""


class InUse(Exception):
    """Another lab works on this state."""


def _lock(database: Path) -> IO[str]:
    """Keeps other processes off the state for as long as the file that it returns is open."""
    database.parent.mkdir(parents=True, exist_ok=True)
    lock = database.with_suffix(".lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InUse(f"another lab works on the state in {database.parent}") from None
    return lock


class Store:
    """Objects are plain dicts with an ``id``; their order is the order of creation."""

    def __init__(self, database: Path | str):
        if database != ":memory:":
            self._lock = _lock(Path(database))
        self._db = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        self._db.executescript(_SCHEMA)
        self._objects: dict[str, dict[str, Object]] = {}
        self._dirty: dict[tuple[str, str], Object | None] = {}
        for kind, ident, body in self._db.execute("SELECT kind, id, body FROM objects ORDER BY seq"):
            self._objects.setdefault(kind, {})[ident] = json.loads(body)

    def get(self, kind: str, ident: str | None) -> Object | None:
        return self._objects.get(kind, {}).get(ident) if isinstance(ident, str) else None

    def holds(self, ident: str) -> bool:
        """Whether an object of any kind has this id."""
        return self.find(ident) is not None

    def find(self, ident: str) -> Object | None:
        """The object of any kind with this id."""
        return next((objects[ident] for objects in self._objects.values() if ident in objects), None)

    def list(self, kind: str) -> Objects:
        """All objects of a kind, oldest first."""
        return list(self._objects.get(kind, {}).values())

    def iterate(self, kind: str) -> Iterator[Object]:
        return iter(self._objects.get(kind, {}).values())

    def count(self, kind: str) -> int:
        return len(self._objects.get(kind, {}))

    def kinds(self) -> Kinds:
        return sorted(kind for kind, objects in self._objects.items() if objects)

    def put(self, kind: str, obj: Object) -> Object:
        """Keep a new object or the changes made to a known one."""
        self._objects.setdefault(kind, {})[obj["id"]] = obj
        self._dirty[kind, obj["id"]] = obj
        return obj

    def delete(self, kind: str, ident: str) -> None:
        if self._objects.get(kind, {}).pop(ident, None) is not None:
            self._dirty[kind, ident] = None

    def commit(self) -> None:
        """Write what changed since the last commit, all or nothing."""
        if not self._dirty:
            return
        self._db.execute("BEGIN")
        for (kind, ident), obj in self._dirty.items():
            if obj is None:
                self._db.execute("DELETE FROM objects WHERE kind = ? AND id = ?", (kind, ident))
            else:
                self._db.execute(
                    "INSERT INTO objects (kind, id, body) VALUES (?, ?, ?) "
                    "ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
                    (kind, ident, json.dumps(obj)),
                )
        self._db.execute("COMMIT")
        self._dirty.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._objects.clear()
        self._dirty.clear()
        self._db.execute("DELETE FROM objects")

    def dump(self) -> State:
        """All objects by kind, in their order; :meth:`restore` takes it back."""
        return {kind: self.list(kind) for kind in self.kinds()}

    def restore(self, state: State) -> None:
        """Replace everything by what :meth:`dump` gave."""
        self.clear()
        for kind, objects in state.items():
            for obj in objects:
                self.put(kind, obj)
        self.commit()

    def close(self) -> None:
        self.commit()
        self._db.close()

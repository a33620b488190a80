# SPDX-License-Identifier: GPL-3.0-or-later
"""The keeper's session with the database: it has the lock or gets it back, and writes what the run changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from . import journal, platform_lock
from .database import LOST_AFTER, DatabaseAway, Login, is_lost, sentence
from .errors import Invalid, ScalewayError
from .journal import About, Change

FAREWELL = 2.0
"""Seconds that the end of a run may wait for whatever the session is used for."""
CHECK_EVERY = 3.0
"""Seconds between two looks at whether the lock is still held."""


class Refused(ScalewayError):
    """Another run holds the lock."""

    def __init__(self, platform: str, holder: platform_lock.Holder | None) -> None:
        self.holder = holder.facts() if holder else {}
        who = str(holder) if holder else "another run has just begun"
        super().__init__(f"The platform {platform} is being changed: {who}. Nothing was changed.")


@dataclass
class KeeperSession:
    """Used by several threads. `lost` is the reason why the run has to stop, "" as long as it may go on."""

    login: Login | None = None
    about: About | None = None
    database: Any = None
    number: int | None = None
    locked: bool = False
    lost: str = ""
    changes: list[Change] = field(default_factory=list)
    written: list[int] = field(default_factory=list)
    """The database's numbers of the first of `changes`; the others wait for a database."""
    _one: threading.RLock = field(default_factory=threading.RLock)
    _checked: float = 0.0

    # --- coming and going

    def join(self, login: Login, about: About, lock: bool, wait: float, keep: int) -> None:
        """Take the lock, unless it is held already, and begin the run's part of the journal.

        Raises:
            Refused: somebody else holds the lock.
            DatabaseAway: there is no database.
        """
        with self._one:
            if self.about and self.about.platform != about.platform and self.database is not None:
                raise Invalid(f"This run already holds the lock of {self.about.platform}: one run is for one platform.")
            if self.database is not None and (self.locked or not lock):
                return
            self.login, self.about = login, about
            database = login.connect(f"ensemble {about.platform} {about.who} {about.place}")
            try:
                journal.prepare(database)
                if lock and not platform_lock.take(database, about.platform, wait):
                    raise Refused(about.platform, platform_lock.holder(database, about.platform))
                if lock and not platform_lock.is_held(database, about.platform):
                    raise DatabaseAway(
                        f"The platform's database ({login}) does not keep sessions, so it cannot hold a lock: a "
                        "pooler in transaction mode is in front of it. Use the server's own port."
                    )
                self.number = self.number or journal.begin(database, about, lock)
                if lock:
                    journal.close_dead(database, about.platform, self.number)
                journal.forget(database, about.platform, keep)
            except BaseException as error:
                database.close()
                if isinstance(error, ScalewayError) or not isinstance(error, Exception):
                    raise
                raise DatabaseAway(f"The platform's database ({login}): {sentence(error)}") from error
            self.database, self.locked, self._checked = database, lock, time.monotonic()
            self._write()

    def release(self) -> None:
        """Release the lock before the run ends; the journal records nothing more of the run."""
        with self._one:
            self.locked = False
            self.leave("released")

    def leave(self, result: str) -> None:
        """Record the end of the run, and close the session, which releases the lock."""
        if not self._one.acquire(timeout=FAREWELL):
            return  # somebody waits for a lock or for the database: the session goes with the process
        try:
            if self.database is None or self.number is None:
                return
            with suppress(Exception):  # the lock goes with the session, and the next run closes what has no end
                self._write()
                journal.end(self.database, self.number, result)
            self.database.close()
            self.database = None
        finally:
            self._one.release()

    # --- while the run goes on

    def raise_if_lost(self) -> None:
        """Return when the lock is held, or where there is none to hold.

        Raises:
            ScalewayError: it is lost.
        """
        with self._one:
            if self.lost:
                raise ScalewayError(self.lost)

    def check_lock(self) -> None:
        """Check every `CHECK_EVERY` seconds whether the lock is still held."""
        if self.database is None or time.monotonic() - self._checked < CHECK_EVERY:
            return
        with self._one:
            if self.database is not None and not self.lost:
                self._try(self._look)
            self._checked = time.monotonic()

    def _look(self) -> None:
        platform = self.about.platform if self.about else ""
        if self.locked and not platform_lock.is_held(self.database, platform):
            self._lose("according to the database, another session or none holds it")

    def note(self, change: Change) -> int:
        """Remember a change, and write it where there is a database; its number within the run."""
        with self._one:
            self.changes.append(change)
            if self.database is not None:
                self._try(self._write)
            return len(self.changes) - 1

    def complete(self, number: int, objects: dict[str, str | None], problems: dict[str, str]) -> None:
        """Record the result of a change."""
        with self._one:
            change = self.changes[number]
            change.problem = problems.get(change.name)
            change.state = "failed" if change.problem else "done"
            change.object = objects.get(change.name) or change.object
            if self.database is not None and number < len(self.written):
                self._try(lambda: journal.complete(self.database, self.written[number], change))

    def _write(self) -> None:
        if self.number is None:
            return
        for change in self.changes[len(self.written) :]:
            self.written.append(journal.write(self.database, self.number, change))

    def _try(self, work: Callable[[], None]) -> None:
        """Do work in the session; if the session has ended, retry once in a new one."""
        try:
            work()
        except Exception as error:
            if not is_lost(error) and not self.database.closed:
                raise
            if self._rejoin(sentence(error)):
                work()

    def _rejoin(self, reason: str) -> bool:
        """A new session with the same lock, unless another run was in between; without one the run has to stop."""
        if self.login is None or self.about is None or self.number is None:
            return False
        platform, deadline = self.about.platform, time.monotonic() + LOST_AFTER
        self.database.close()
        while True:
            try:
                database = self.login.connect(f"ensemble {platform} {self.about.who} {self.about.place}")
                while not (ours := not self.locked or platform_lock.take_again(database, platform)):
                    if journal.newest(database, platform) > self.number or time.monotonic() >= deadline:
                        break
                    time.sleep(platform_lock.LOOK_EVERY)
                if not ours:
                    self._lose(f"{platform_lock.holder(database, platform)}")
                elif self.locked and journal.newest(database, platform) > self.number:
                    self._lose("another run held it in between")
                else:
                    journal.rejoin(database, self.number)
                    self.database = database
                    return True
                database.close()
                return False
            except Exception as error:
                reason = str(error) if isinstance(error, DatabaseAway) else reason
                if time.monotonic() >= deadline:
                    self._lose(reason)
                    return False
                time.sleep(0.5)

    def _lose(self, reason: str) -> None:
        """Without a lock the run must stop; without a journal only, it goes on."""
        platform = self.about.platform if self.about else ""
        self.database = None
        if self.locked:
            self.lost = f"The lock of the platform {platform} was lost: {reason}. This run stops; run it again."

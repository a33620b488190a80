"""The register of named rooms: which server holds a name. One atomic claim per call, in SQLite or PostgreSQL."""

from __future__ import annotations

import asyncio
import sqlite3
import ssl
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
import orjson

from . import claims_table
from .claims_memory import MemoryClaims
from .claims_table import Claim, Place
from .errors import RETRY_AFTER, PortalError
from .settings import IN_MEMORY

LOCK_OF_THE_SCHEMA = 0x456E73656D626C65
PATIENCE = 5.0
"""Seconds to wait for a connection, and again for the result of a query."""
LOCKED_FOR = 0.5
"""Seconds to wait while another process writes to the same file."""
WRONG = (OSError, TimeoutError, ValueError, RuntimeError, sqlite3.Error, asyncpg.PostgresError, asyncpg.InterfaceError)


def _away(error: Exception, address: str) -> PortalError:
    """Return a PortalError with the reason why the register is unavailable, without the password."""
    reason = f"{type(error).__name__}: {error}"
    password = urlsplit(address).password if "@" in address else None
    for secret in filter(None, (password, password and unquote(password))):
        reason = reason.replace(secret, "***")
    return PortalError("store-unavailable", RETRY_AFTER, reason=reason)


class Claims(Protocol):
    """Interface of the register. Callers normalise names; times are seconds since 1970 on the register's own clock."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def find(self, room: str) -> Claim | None:
        """Return the live claim on a room. Like all methods, raises PortalError('store-unavailable')."""
        ...

    async def claim(self, room: str, server: str, host: str, lost: str | None, seconds: float) -> tuple[str, str]:
        """Claim `room` for `server` unless it has a live claim; return the server and host that hold it.

        An existing claim is prolonged; a claim held by `lost` (a lost server) is replaced.
        """
        ...

    async def keep(self, rooms: Mapping[str, Place], seconds: float) -> None:
        """Claim many rooms at once; existing claims are left unchanged."""
        ...

    async def prolong(self, room: str, server: str, seconds: float) -> None:
        """Extend a claim to `seconds` from now if it is on `server`."""
        ...

    async def release(self, room: str) -> bool:
        """Remove a live claim; returns whether there was one."""
        ...

    async def go_home(self, well: Sequence[str], empty: Sequence[str], left: float) -> None:
        """Move rooms back to their first server if it is in `well` and their current one is in `empty`.

        Only claims with less than `left` seconds remaining are moved.
        """
        ...

    async def clean(self) -> int:
        """Remove expired claims; return the number of live ones."""
        ...


def open_store(address: str, authority: str = "") -> Claims:
    """The register at sqlite::memory:, sqlite:PATH or postgresql://..., which `authority` (PEM) verifies."""
    if address == IN_MEMORY:
        return MemoryClaims()
    if address.startswith("sqlite:"):
        return SqliteClaims(address.removeprefix("sqlite:"))
    return PostgresClaims(address, verified(address, authority) if authority else None)


def verified(address: str, authority: str) -> ssl.SSLContext:
    """Return a TLS context that verifies the server against `authority`.

    The host name is checked too, unless `address` has sslmode=verify-ca.
    """
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.load_verify_locations(cadata=authority)
    tls.check_hostname = parse_qs(urlsplit(address).query).get("sslmode") != ["verify-ca"]
    return tls


class SqliteClaims:
    """Register of a single portal in its own SQLite file, accessed from one thread."""

    _FIND = claims_table.find(":now", ":room")
    _CLAIM = claims_table.claim(":now", ":room", ":server", ":host", ":lost", ":seconds")
    _RELEASE = claims_table.release(":now", ":room")
    _AMONG = "IN (SELECT value FROM json_each({}))"
    _GO_HOME = claims_table.go_home(_AMONG.format("?1"), _AMONG.format("?2"), "?3")
    _KEEP = """
    INSERT INTO ensemble_claims (room, server, host, expires)
    SELECT value ->> 0, value ->> 1, value ->> 2, ?2 FROM json_each(?1) WHERE true
    ON CONFLICT (room) DO NOTHING
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, "claims")
        self._database: sqlite3.Connection | None = None

    async def open(self) -> None:
        await self._run(self._connect)

    async def close(self) -> None:
        if self._database is not None:
            await self._run(self._database.close)
        self._thread.shutdown()

    async def find(self, room: str) -> Claim | None:
        values = {"room": room, "now": time.time()}
        row = await self._run(lambda: self._connected().execute(self._FIND, values).fetchone())
        return Claim(*row) if row else None

    async def claim(self, room: str, server: str, host: str, lost: str | None, seconds: float) -> tuple[str, str]:
        values = {
            "room": room,
            "server": server,
            "host": host,
            "lost": lost,
            "now": time.time(),
            "seconds": seconds,
        }
        return await self._run(lambda: self._connected().execute(self._CLAIM, values).fetchall()[0])

    async def keep(self, rooms: Mapping[str, Place], seconds: float) -> None:
        values = (orjson.dumps([(room, *place) for room, place in rooms.items()]).decode(), time.time() + seconds)
        await self._run(lambda: self._connected().execute(self._KEEP, values))

    async def prolong(self, room: str, server: str, seconds: float) -> None:
        change = "UPDATE ensemble_claims SET expires = ? WHERE room = ? AND server = ?"
        await self._run(lambda: self._connected().execute(change, (time.time() + seconds, room, server)))

    async def release(self, room: str) -> bool:
        values = {"room": room, "now": time.time()}
        return bool(await self._run(lambda: self._connected().execute(self._RELEASE, values).fetchall()))

    async def go_home(self, well: Sequence[str], empty: Sequence[str], left: float) -> None:
        values = (orjson.dumps(well).decode(), orjson.dumps(empty).decode(), time.time() + left)
        await self._run(lambda: self._connected().execute(self._GO_HOME, values))

    async def clean(self) -> int:
        return await self._run(self._clean)

    def _clean(self) -> int:
        self._connected().execute("DELETE FROM ensemble_claims WHERE expires <= ?", (time.time(),))
        return self._connected().execute("SELECT count(*) FROM ensemble_claims").fetchone()[0]

    def _connect(self) -> None:
        database = sqlite3.connect(self._path, timeout=LOCKED_FOR, isolation_level=None)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        database.execute(claims_table.TABLE)
        there = {column[1] for column in database.execute("PRAGMA table_info(ensemble_claims)")}
        for column in claims_table.HOME_COLUMNS:
            if column not in there:
                database.execute(f"ALTER TABLE ensemble_claims ADD COLUMN {column} text")
        database.execute(claims_table.HOME_INDEX)
        self._database = database

    def _connected(self) -> sqlite3.Connection:
        if self._database is None:
            self._connect()
        assert self._database is not None
        return self._database

    async def _run(self, work):
        """Run `work` in the register's thread, with a timeout that includes the wait for earlier callers."""
        try:
            async with asyncio.timeout(4 * LOCKED_FOR):
                return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except WRONG as error:
            raise _away(error, self._path) from error


class PostgresClaims:
    """Register shared by several portals in PostgreSQL. The database's clock decides what has expired."""

    _NOW = "extract(epoch from clock_timestamp())"
    _FIND = claims_table.find(_NOW, "$1")
    _CLAIM = claims_table.claim(_NOW, "$1", "$2", "$3", "$4", "$5")
    _RELEASE = claims_table.release(_NOW, "$1")
    _AMONG = "= ANY(${}::text[])"
    _GO_HOME = claims_table.go_home(_AMONG.format(1), _AMONG.format(2), f"{_NOW} + $3")
    _KEEP = f"""
    INSERT INTO ensemble_claims (room, server, host, expires)
    SELECT room, server, host, {_NOW} + $4 FROM unnest($1::text[], $2::text[], $3::text[]) AS made (room, server, host)
    ON CONFLICT (room) DO NOTHING
    """

    def __init__(self, address: str, tls: ssl.SSLContext | None = None) -> None:
        self._address = address
        self._tls = tls
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        """Connect and create the table. If the database is unavailable, the next use tries again."""
        await self._fetch("SELECT 1")

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()

    async def find(self, room: str) -> Claim | None:
        row = await self._fetch(self._FIND, room)
        return Claim(row[0], row[1], float(row[2]), row[3]) if row else None

    async def claim(self, room: str, server: str, host: str, lost: str | None, seconds: float) -> tuple[str, str]:
        row = await self._fetch(self._CLAIM, room, server, host, lost, seconds)
        return row["server"], row["host"]

    async def keep(self, rooms: Mapping[str, Place], seconds: float) -> None:
        servers, hosts = (list(part) for part in zip(*rooms.values(), strict=True))
        await self._fetch(self._KEEP, list(rooms), servers, hosts, seconds)

    async def prolong(self, room: str, server: str, seconds: float) -> None:
        change = f"UPDATE ensemble_claims SET expires = {self._NOW} + $3 WHERE room = $1 AND server = $2"
        await self._fetch(change, room, server, seconds)

    async def release(self, room: str) -> bool:
        return await self._fetch(self._RELEASE, room) is not None

    async def go_home(self, well: Sequence[str], empty: Sequence[str], left: float) -> None:
        await self._fetch(self._GO_HOME, well, empty, left)

    async def clean(self) -> int:
        await self._fetch(f"DELETE FROM ensemble_claims WHERE expires <= {self._NOW}")
        return (await self._fetch("SELECT count(*) FROM ensemble_claims"))[0]

    async def _fetch(self, query: str, *values):
        """Run a query and return its first row.

        A connection that does not answer in time is terminated, because releasing it would wait for it.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                pool = await self._connected()
                connection = await pool.acquire()
            try:
                return await connection.fetchrow(query, *values, timeout=PATIENCE)
            except (OSError, TimeoutError, asyncio.CancelledError):
                connection.terminate()
                raise
            finally:
                await pool.release(connection)
        except WRONG as error:
            raise _away(error, self._address) from error

    async def _connected(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                pool = await asyncpg.create_pool(self._address, min_size=1, max_size=8, timeout=PATIENCE, ssl=self._tls)
                try:
                    async with pool.acquire() as connection:
                        await _make_table(connection)
                except BaseException:
                    pool.terminate()
                    raise
                self._pool = pool
            return self._pool


async def _make_table(connection: Any) -> None:
    """Create the table unless it exists; check first, since a database may be read-only for a while after failover."""
    made = "SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('ensemble_claims') AND attname = $1"
    if await connection.fetchval(made, claims_table.HOME_COLUMNS[-1]):
        return
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK_OF_THE_SCHEMA)
        await connection.execute(claims_table.TABLE)
        for column in claims_table.HOME_COLUMNS:
            await connection.execute(f"ALTER TABLE ensemble_claims ADD COLUMN IF NOT EXISTS {column} text")
        await connection.execute(claims_table.HOME_INDEX)

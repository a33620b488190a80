"""The claims table, and the statements shared by SQLite and PostgreSQL except for clock and parameter syntax."""

from __future__ import annotations

from typing import NamedTuple

TABLE = """
CREATE TABLE IF NOT EXISTS ensemble_claims (
    room text PRIMARY KEY,
    server text NOT NULL,
    host text NOT NULL,
    expires double precision NOT NULL,
    home_server text,
    home_host text
)
"""
HOME_COLUMNS = ("home_server", "home_host")
"""Where a room was before its server was lost. Added to tables of earlier releases."""
HOME_INDEX = """
CREATE INDEX IF NOT EXISTS ensemble_claims_moved ON ensemble_claims (home_server) WHERE home_server IS NOT NULL
"""


Place = tuple[str, str]
"""A server's name and its host."""


class Claim(NamedTuple):
    """The server that holds a room, the seconds left, and whether the room was moved from another server."""

    server: str
    host: str
    left: float
    moved: bool


def find(now: str, room: str) -> str:
    return f"""
    SELECT server, host, expires - {now}, home_server IS NOT NULL FROM ensemble_claims
    WHERE room = {room} AND expires > {now}
    """


def claim(now: str, room: str, server: str, host: str, lost: str, seconds: str) -> str:
    """Insert or prolong a claim: a live one stays unless held by `lost`; a moved one remembers its first server."""
    gone, moves = f"held.expires <= {now}", f"held.server = {lost}"
    first = {column: f"coalesce(held.home_{column}, held.{column})" for column in ("server", "host")}
    home = {
        column: f"CASE WHEN {gone} THEN NULL WHEN {moves} THEN"
        f" CASE WHEN {first['server']} = excluded.server THEN NULL ELSE {first[column]} END"
        f" ELSE held.home_{column} END"
        for column in first
    }
    return f"""
    INSERT INTO ensemble_claims AS held (room, server, host, expires)
    VALUES ({room}, {server}, {host}, {now} + {seconds})
    ON CONFLICT (room) DO UPDATE SET
        server = CASE WHEN {gone} OR {moves} THEN excluded.server ELSE held.server END,
        host = CASE WHEN {gone} OR {moves} THEN excluded.host ELSE held.host END,
        home_server = {home["server"]},
        home_host = {home["host"]},
        expires = excluded.expires
    RETURNING server, host
    """


def go_home(among_well: str, among_empty: str, latest: str) -> str:
    return f"""
    UPDATE ensemble_claims SET server = home_server, host = home_host, home_server = NULL, home_host = NULL
    WHERE home_server {among_well} AND server {among_empty} AND expires < {latest}
    """


def release(now: str, room: str) -> str:
    return f"DELETE FROM ensemble_claims WHERE room = {room} AND expires > {now} RETURNING room"

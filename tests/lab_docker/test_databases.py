# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed databases are real servers: TLS, users, privileges, ACLs, restarts, backups that restore."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from ensemble_portal.claims import open_store
from whole_lab import WholeLab

REGION = "/rdb/v1/regions/fr-par"
ENGINE = "PostgreSQL-15"
PASSWORD = "Open-Sesame-1"


class Database:
    """An instance of the lab and a client of it."""

    def __init__(self, lab: WholeLab, folder: Path) -> None:
        self.lab, self.ca = lab, folder / "ca.pem"
        made = self.ask("POST", "", name="db", engine=ENGINE, node_type="db-dev-s", user_name="me", password=PASSWORD)
        self.path = f"/{made['id']}"
        self.ident = made["id"]
        self.ready(240)
        self.ca.write_bytes(base64.b64decode(self.ask("GET", f"{self.path}/certificate")["content"]))

    def ask(self, method: str, path: str, **body: Any) -> Any:
        return self.lab.ask(method, f"{REGION}/instances{path}", **body)

    def ready(self, seconds: float = 60) -> Any:
        return self.lab.wait(lambda: (one := self.ask("GET", self.path))["status"] == "ready" and one, seconds)

    def connect(self, user: str, database: str, **options: Any) -> psycopg.Connection[Any]:
        place = self.ask("GET", self.path)["endpoint"]
        known = {"host": place["ip"], "port": place["port"], "sslmode": "verify-full", "sslrootcert": str(self.ca)}
        login = {"user": user, "dbname": database, "password": PASSWORD, "connect_timeout": 3}
        return psycopg.connect(**{**known, **login, **options}, autocommit=True)

    async def claimed(self, user: str, database: str, room: str) -> tuple[str, str]:
        """Where a portal that verifies the instance finds or opens a room."""
        place = self.ask("GET", self.path)["endpoint"]
        address = f"postgresql://{user}:{PASSWORD}@{place['ip']}:{place['port']}/{database}?sslmode=verify-full"
        register = open_store(address, self.ca.read_text())
        try:
            return await register.claim(room, "h-1", "h-1.test", None, 60)
        finally:
            await register.close()

    def backed_up(self, database: str) -> str:
        backup = self.lab.ask("POST", f"{REGION}/backups", instance_id=self.ident, database_name=database)["id"]
        self.kept(backup)
        return str(backup)

    def kept(self, backup: str) -> None:
        self.lab.wait(lambda: self.lab.ask("GET", f"{REGION}/backups/{backup}")["status"] == "ready", 60)


def test_an_instance_is_a_postgresql_server(whole_lab: WholeLab, tmp_path: Path) -> None:
    database = Database(whole_lab, tmp_path)
    database.ask("POST", f"{database.path}/databases", name="rooms")
    for user, permission in (("app", "all"), ("reader", "readonly")):
        database.ask("POST", f"{database.path}/users", name=user, password=PASSWORD)
        grant = {"database_name": "rooms", "user_name": user, "permission": permission}
        database.ask("PUT", f"{database.path}/privileges", **grant)
    with database.connect("app", "rooms") as app:
        assert app.execute("SHOW server_version").fetchone()[0].startswith("15.")  # type: ignore[index]
        assert app.execute("SHOW work_mem").fetchone() == ("4MB",)
        app.execute("CREATE SCHEMA app")
        app.execute("CREATE TABLE app.room AS SELECT 'one' AS name")
    assert asyncio.run(database.claimed("app", "rooms", "standup")) == ("h-1", "h-1.test")
    with database.connect("app", "rooms") as app:
        assert app.execute("SELECT room FROM app.ensemble_claims").fetchall() == [("standup",)]
    with database.connect("reader", "rooms") as reader, pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("CREATE TABLE mine (n int)")
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        database.connect("app", "rooms", password="wrong")
    with pytest.raises(psycopg.OperationalError, match="certificate"):
        database.connect("app", "rooms", sslrootcert="/etc/ssl/certs/ca-certificates.crt")

    backup = database.backed_up("rooms")
    with database.connect("app", "rooms") as app:
        app.execute("DROP TABLE app.room")
    whole_lab.ask("POST", f"{REGION}/backups/{backup}/restore", instance_id=database.ident)
    database.kept(backup)
    database.ask("POST", f"{database.path}/restart")
    database.ready()
    with database.connect("app", "rooms") as app:
        assert app.execute("SELECT name FROM app.room").fetchall() == [("one",)]
        app.execute("INSERT INTO app.room VALUES ('two')")

    database.ask("PUT", f"{database.path}/acls", rules=[{"ip": "203.0.113.0/24", "description": ""}])
    database.ready()
    with pytest.raises(psycopg.OperationalError, match="timeout"):
        database.connect("app", "rooms")
    whole_lab.kill()
    whole_lab.start()
    database.ask("PUT", f"{database.path}/acls", rules=[{"ip": "10.88.0.0/16", "description": ""}])
    database.ready()
    database.connect("app", "rooms").close()

    with pytest.raises(requests.HTTPError, match="400"):
        database.ask("POST", "", name="old", engine="PostgreSQL-14", node_type="db-dev-s")
    database.ask("DELETE", database.path)
    whole_lab.wait(lambda: database.ask("GET", "")["total_count"] == 0, 60)

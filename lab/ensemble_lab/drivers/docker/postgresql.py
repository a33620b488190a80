# SPDX-License-Identifier: GPL-3.0-or-later
"""What a PostgreSQL server is told: its configuration, and SQL that brings users, databases and privileges about."""

from __future__ import annotations

from collections.abc import Iterable

from ensemble_lab.catalog.database_engines import version_of
from ensemble_lab.drivers.base import Object

OWNER = "_rdb_superadmin"
HBA = "local all all peer map=lab\nhost all all all scram-sha-256\n"
IDENT = f"lab postgres postgres\nlab postgres {OWNER}\n"
_GRANTS = {
    "readonly": ("CONNECT", "USAGE", "SELECT", "SELECT"),
    "readwrite": ("CONNECT", "USAGE", "SELECT, INSERT, UPDATE, DELETE", "USAGE, SELECT"),
    "all": ("ALL", "ALL", "ALL", "ALL"),
}
"""Permission -> rights on the database, its schema ``public``, and the tables and sequences there."""


def configuration(instance: Object, folder: str) -> str:
    """TLS with the instance's own certificate, and its settings in the units of the catalogue."""
    known = {one["name"]: one for one in (version_of(instance["engine"]) or {})["available_settings"]}
    lines = [
        "listen_addresses = '*'",
        "ssl = on",
        f"ssl_cert_file = '{folder}/server.crt'",
        f"ssl_key_file = '{folder}/server.key'",
    ]
    for setting in instance["settings"]:
        unit = known.get(setting["name"], {}).get("unit") or ""
        lines.append(f"{setting['name']} = {literal(setting['value'] + unit)}")
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def accounts(instance: Object, there: set[str]) -> str:
    """Users as they are expected; `there` are the roles that exist."""
    lines = [] if OWNER in there else [f"CREATE ROLE {OWNER} SUPERUSER LOGIN;"]
    for user in instance["users"]:
        verb = "ALTER" if user["name"] in there else "CREATE"
        rights = "CREATEDB CREATEROLE" if user["is_admin"] else "NOCREATEDB NOCREATEROLE"
        lines.append(f"{verb} ROLE {quoted(user['name'])} LOGIN {rights} PASSWORD {literal(user['verifier'])};")
    return "\n".join(lines)


def database_statements(instance: Object, there: set[str], gone: Iterable[str]) -> list[str]:
    """Statements that cannot be in a transaction."""
    desired = [one["name"] for one in instance["databases"]]
    return [
        *(f"DROP DATABASE IF EXISTS {quoted(one)} WITH (FORCE);" for one in gone),
        *(f"CREATE DATABASE {quoted(one)} OWNER {OWNER};" for one in desired if one not in there),
    ]


def grants(instance: Object, database: str) -> str:
    """What each user may do in a database; to be run in it."""
    lines = [f"REVOKE ALL ON DATABASE {quoted(database)} FROM PUBLIC;"]
    asked = {one["user_name"]: one["permission"] for one in instance["privileges"] if one["database_name"] == database}
    for user in instance["users"]:
        permission = "all" if user["is_admin"] else asked.get(user["name"], "none")
        if permission != "custom":
            lines += _grants(quoted(user["name"]), quoted(database), _GRANTS.get(permission))
    return "\n".join(lines)


def _grants(user: str, database: str, rights: tuple[str, str, str, str] | None) -> Iterable[str]:
    kinds = ("TABLES", "SEQUENCES")
    yield f"REVOKE ALL ON DATABASE {database} FROM {user};"
    yield f"REVOKE ALL ON SCHEMA public FROM {user};"
    for kind in kinds:
        yield f"REVOKE ALL ON ALL {kind} IN SCHEMA public FROM {user};"
        yield f"ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON {kind} FROM {user};"
    if rights:
        yield f"GRANT {rights[0]} ON DATABASE {database} TO {user};"
        yield f"GRANT {rights[1]} ON SCHEMA public TO {user};"
        for kind, some in zip(kinds, rights[2:], strict=True):
            yield f"GRANT {some} ON ALL {kind} IN SCHEMA public TO {user};"
            yield f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {some} ON {kind} TO {user};"

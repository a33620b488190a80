# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation of the modules that use the platform's database has in common."""

from __future__ import annotations


class ModuleDocFragment:
    """Who logs in where."""

    DOCUMENTATION = r"""
options:
  login_host:
    description: Name or address of the PostgreSQL server. Empty, there is none yet.
    type: str
    default: ""
  login_port:
    description: Port of the server itself; a pooler in transaction mode keeps no session, so no lock.
    type: int
    default: 5432
  login_db:
    description: Name of the database.
    type: str
    default: ensemble
  login_user:
    description: The user, which owns the schema C(journal) or may make it.
    type: str
    default: journal
  login_password:
    description: Password of the user.
    type: str
    default: ""
  ssl_mode:
    description: How the server is checked, in libpq's words.
    type: str
    choices: [verify-full, verify-ca, require, disable]
    default: verify-full
  ca_cert:
    description: File with the certificates that the server's is checked against.
    type: path
    default: ""
requirements:
  - python >= 3.11
  - psycopg >= 3.1 (C(psycopg[binary]))
"""

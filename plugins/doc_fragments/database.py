# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation of the modules that use the platform's database has in common."""

from __future__ import annotations


class ModuleDocFragment:
    """Who logs in where."""

    DOCUMENTATION = r"""
options:
  login_host:
    description: Name or address of the PostgreSQL server. An empty text means that there is none yet.
    type: str
    default: ""
  login_port:
    description: Port of the server itself. A pooler in transaction mode keeps no sessions and therefore no lock.
    type: int
    default: 5432
  login_db:
    description: Name of the database.
    type: str
    default: ensemble
  login_user:
    description: Name of the user, which must own the schema C(journal) or be allowed to create it.
    type: str
    default: journal
  login_password:
    description: Password of the user.
    type: str
    default: ""
  ssl_mode:
    description: How the server's certificate is verified, as in libpq.
    type: str
    choices: [verify-full, verify-ca, require, disable]
    default: verify-full
  ca_cert:
    description: File with the CA certificates that verify the server.
    type: path
    default: ""
requirements:
  - python >= 3.11
  - psycopg >= 3.1 (C(psycopg[binary]))
"""

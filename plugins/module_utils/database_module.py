# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments of the modules that use the platform's database."""

from __future__ import annotations

from typing import Any

from .database import Login

SSL_MODES = ("verify-full", "verify-ca", "require", "disable")


def login_spec() -> dict[str, Any]:
    return {
        "login_host": {"type": "str", "default": ""},
        "login_port": {"type": "int", "default": 5432},
        "login_db": {"type": "str", "default": "ensemble"},
        "login_user": {"type": "str", "default": "journal"},
        "login_password": {"type": "str", "no_log": True, "default": ""},
        "ssl_mode": {"type": "str", "choices": list(SSL_MODES), "default": "verify-full"},
        "ca_cert": {"type": "path", "default": ""},
    }


def login_of(arguments: dict[str, Any]) -> Login | None:
    """The login, or None if no server is set."""
    if not arguments["login_host"]:
        return None
    return Login(
        host=arguments["login_host"],
        port=arguments["login_port"],
        database=arguments["login_db"],
        user=arguments["login_user"],
        password=arguments["login_password"],
        ssl_mode=arguments["ssl_mode"],
        ca_cert=arguments["ca_cert"],
    )

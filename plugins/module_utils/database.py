# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions with the platform's PostgreSQL: login, and errors as one sentence."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Any

from .errors import ScalewayError

try:
    import psycopg
except ImportError:
    psycopg = None  # type: ignore[assignment]
    IMPORT_ERROR = traceback.format_exc()

PATIENCE = 5
"""Seconds to wait for the server when connecting."""
LOST_AFTER = 20
"""Seconds after which either side drops an unresponsive peer."""
SETTINGS = {
    "tcp_keepalives_idle": 10,
    "tcp_keepalives_interval": 5,
    "tcp_keepalives_count": 2,
    "tcp_user_timeout": LOST_AFTER * 1000,
    "client_connection_check_interval": 5000,
    "idle_in_transaction_session_timeout": 60000,
    "lock_timeout": 0,
    "statement_timeout": 0,
}
"""Session settings that make the server drop a control node that has disappeared."""


class DatabaseAway(ScalewayError):
    """The database does not answer, or does not let this user in."""


@dataclass(frozen=True)
class Login:
    """Login data, and the CA certificates that verify the server."""

    host: str
    port: int
    database: str
    user: str
    password: str
    ssl_mode: str = "verify-full"
    ca_cert: str = ""

    def __repr__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}/{self.database}"

    def connect(self, application: str) -> Any:
        """A session in which each statement is a transaction of its own, unless told otherwise.

        Raises:
            DatabaseAway: there is no session.
        """
        if psycopg is None:
            raise DatabaseAway(
                "The platform's lock and journal need the Python package psycopg on the control node: "
                "pip install 'psycopg[binary]'."
            )
        try:
            return psycopg.connect(
                host=self.host,
                port=self.port,
                dbname=self.database,
                user=self.user,
                password=self.password,
                sslmode=self.ssl_mode,
                sslrootcert=self.ca_cert or None,
                application_name=application.encode("ascii", "replace").decode()[:63],
                connect_timeout=PATIENCE,
                keepalives_idle=10,
                keepalives_interval=5,
                keepalives_count=2,
                tcp_user_timeout=LOST_AFTER * 1000,
                options=" ".join(f"-c {name}={value}" for name, value in SETTINGS.items()),
                autocommit=True,
                prepare_threshold=None,
            )
        except (psycopg.Error, OSError) as error:
            raise DatabaseAway(f"The platform's database ({self}) refuses connections: {sentence(error)}") from error


def sentence(error: BaseException) -> str:
    """The driver's message on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def is_lost(error: BaseException) -> bool:
    """Whether an error means that the session has ended."""
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)

"""A real PostgreSQL of the tests' own: a fresh cluster on a loopback port, ended by its process id."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

UNPRIVILEGED = "postgres"


def binaries() -> Path:
    """Where Debian keeps initdb and postgres; the newest version found."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.fail("PostgreSQL is not installed (Debian: postgresql)")
    return found[-1].parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Postgres:
    options: tuple[str, ...] = ()

    def __init__(self, folder: Path) -> None:
        self._bin = binaries()
        self._folder = folder
        self._as_user = ["runuser", "-u", UNPRIVILEGED, "--"] if os.geteuid() == 0 else []
        if self._as_user:
            user = pwd.getpwnam(UNPRIVILEGED)
            os.chown(folder, user.pw_uid, user.pw_gid)
        self.port = free_port()
        user_name = UNPRIVILEGED if self._as_user else pwd.getpwuid(os.geteuid()).pw_name
        self.address = f"postgresql://{user_name}@127.0.0.1:{self.port}/postgres"
        self._run("initdb", "-D", str(folder / "data"), "-A", "trust", "-N")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = ["-D", str(self._folder / "data"), "-k", str(self._folder), "-p", str(self.port), "-F", *self.options]
        command = [*self._as_user, str(self._bin / "postgres"), *options, "-c", "listen_addresses=127.0.0.1"]
        with (self._folder.parent / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd="/", stdout=log, stderr=log)
        ready = [str(self._bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        deadline = time.monotonic() + 15
        while subprocess.run(ready, check=False).returncode != 0:
            assert time.monotonic() < deadline, "PostgreSQL does not start"
            time.sleep(0.05)

    def stop(self) -> None:
        """Fast shutdown of the postmaster named in the cluster's own pid file."""
        if self._process is None:
            return
        pid = int((self._folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGINT)
        self._process.wait(20)
        self._process = None

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as_user, str(self._bin / program), *arguments]
        subprocess.run(command, check=True, cwd="/", capture_output=True)


class PlatformPostgres(Postgres):
    """One as a platform has it: TLS, and the user `journal` with a password in the database `ensemble`."""

    password = "journal's own secret"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.ca = folder.parent / f"{folder.name}-ca.pem"
        data = folder / "data"
        self.options = ("-c", "ssl=on", "-c", f"ssl_cert_file={self.ca}", "-c", f"ssl_key_file={data}/server.key")
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        command += ["-keyout", str(data / "server.key"), "-out", str(self.ca), "-days", "2", "-subj", "/CN=database"]
        subprocess.run([*command, "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        if self._as_user:
            user = pwd.getpwnam(UNPRIVILEGED)
            os.chown(data / "server.key", user.pw_uid, user.pw_gid)
        (data / "server.key").chmod(0o600)
        rules = "local all all trust\nhostssl ensemble journal 127.0.0.1/32 scram-sha-256\n"
        (data / "pg_hba.conf").write_text(rules)

    def start(self) -> None:
        super().start()
        if self.sql("SELECT count(*) FROM pg_roles WHERE rolname = 'journal'") == "0":
            password = self.password.replace("'", "''")
            self.sql(f"CREATE ROLE journal LOGIN PASSWORD '{password}'")
            self.sql("CREATE DATABASE ensemble")
            self.sql("CREATE SCHEMA journal AUTHORIZATION journal", "ensemble")

    def sql(self, statement: str, database: str = "postgres") -> str:
        """What the administrator is answered, columns apart by |."""
        user = UNPRIVILEGED if self._as_user else pwd.getpwuid(os.geteuid()).pw_name
        command = [str(self._bin / "psql"), "-h", str(self._folder), "-p", str(self.port), "-U", user, "-d", database]
        done = subprocess.run([*command, "-XAtc", statement], check=True, capture_output=True, text=True, cwd="/")
        return done.stdout.strip()

    @property
    def login(self) -> dict[str, object]:
        """Arguments of the modules."""
        return {
            "login_host": "127.0.0.1",
            "login_port": self.port,
            "login_password": self.password,
            "ca_cert": str(self.ca),
        }

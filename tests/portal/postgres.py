"""A real PostgreSQL of the tests' own: a fresh cluster on a loopback port, ended by its process id."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from portal_support import free_port, wait_until

UNPRIVILEGED = "postgres"


def binaries() -> Path:
    """Where Debian keeps initdb and postgres; the newest version found."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.fail("PostgreSQL is not installed (Debian: postgresql)")
    return found[-1].parent


class Postgres:
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
        options = ["-D", str(self._folder / "data"), "-k", str(self._folder), "-p", str(self.port), "-F"]
        command = [*self._as_user, str(self._bin / "postgres"), *options, "-c", "listen_addresses=127.0.0.1"]
        with (self._folder.parent / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd="/", stdout=log, stderr=log)
        ready = [str(self._bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        wait_until(lambda: subprocess.run(ready).returncode == 0)

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

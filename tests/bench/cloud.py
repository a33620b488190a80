# SPDX-License-Identifier: GPL-3.0-or-later
"""Null labs as clouds of the bench: every answer takes 100 ms, and what the lab itself costs is watched."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.modules.modules_support import PROJECT, SECRET_KEY, Lab, free_port, serve

LATENCY = 0.1
ACCESS_KEY = "SCWLABLABLABLABLABLA"
ACCOUNT = {
    "access_key": ACCESS_KEY,
    "secret_key": SECRET_KEY,
    "project_id": PROJECT,
    "organization_id": PROJECT,
}


class Cloud:
    """A null lab that runs in a process of its own."""

    def __init__(self, lab: Lab, pid: int, folder: Path, tls_port: int) -> None:
        self.lab = lab
        self.account = {"api_url": lab.url, **ACCOUNT}
        self.tls_port = tls_port
        self.authority = folder / "cache" / "ca" / "ca.pem"
        self._pid = pid

    def slow_down(self) -> None:
        """From now on the API thinks for 100 ms about each request."""
        self.lab.fault(kind="latency", seconds=LATENCY)

    def servers(self) -> list[dict[str, Any]]:
        return self.lab.admin("GET", "state").get("instance_server", [])

    def processor(self) -> float:
        """Seconds of processor time that the lab has used."""
        user, system = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def cloud(folder: Path, *arguments: str) -> Iterator[Cloud]:
    """A lab on the state in `folder`, which outlives it; further arguments are those of `ensemble-lab serve`."""
    folder.mkdir(parents=True, exist_ok=True)
    tls_port = free_port()
    process, lab = serve(folder, "--cache", str(folder / "cache"), "--tls-port", str(tls_port), *arguments)
    try:
        yield Cloud(lab, process.pid, folder, tls_port)
    finally:
        process.terminate()
        process.wait(30)

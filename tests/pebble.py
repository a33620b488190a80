# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's pebble: an ACME authority of one test, with a certificate from a lab's CA."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from ensemble_lab.ca import load_or_create


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def pebble(folder: Path, ca_folder: Path, dns_server: str, **environment: str) -> Iterator[tuple[str, Path]]:
    """The directory URL of an authority that asks `dns_server` (address:port), and the file that it logs to."""
    program = shutil.which("pebble")
    if not program:
        pytest.skip("Debian's pebble is not here")
    authority = load_or_create(ca_folder)
    chain, key = authority.issue_files(folder / "pebble-tls", ["127.0.0.1"])
    port = _free_port()
    settings = {
        "listenAddress": f"127.0.0.1:{port}",
        "managementListenAddress": f"127.0.0.1:{_free_port()}",
        "certificate": str(chain),
        "privateKey": str(key),
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
    log_file = folder / "pebble.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [program, "-config", str(folder / "pebble.json"), "-dnsserver", dns_server],
            stdout=log,
            stderr=log,
            env={**os.environ, "PEBBLE_VA_NOSLEEP": "1", **environment},
        )
    directory = f"https://127.0.0.1:{port}/dir"
    deadline = time.monotonic() + 20
    try:
        while True:
            with contextlib.suppress(requests.ConnectionError):
                requests.get(directory, verify=str(ca_folder / "ca.pem"), timeout=5).raise_for_status()
                break
            assert time.monotonic() < deadline, log_file.read_text()
            time.sleep(0.1)
        yield directory, log_file
    finally:
        process.terminate()
        process.wait(10)

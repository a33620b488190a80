"""Parts that the portal's tests share: settings, waiting, and a portal as a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from ensemble_portal.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PORTAL = ROOT / "portal"
UNLIMITED = {"rooms_per_minute": "0", "joins_per_minute": "0", "lookups_per_minute": "0"}


def settings(**changes: str) -> Settings:
    """Settings as the environment would give them; names in lower case without the prefix."""
    environ = {"prometheus_url": "http://127.0.0.1:9", **changes}
    return Settings.from_environ({f"ENSEMBLE_{name.upper()}": value for name, value in environ.items()})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition: Callable[[], object], seconds: float = 15.0) -> None:
    """Wait until `condition` holds; fail after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    pytest.fail(f"nothing after {seconds} s")


class PortalProcess:
    """A portal in a process of its own; `client` talks to it without following redirects."""

    def __init__(self, prometheus_url: str, log: Path, **changes: str) -> None:
        changes.setdefault("listen", f"127.0.0.1:{free_port()}")
        self.port = int(changes["listen"].rpartition(":")[2])
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        values = {"poll_interval": "0.3", "prometheus_url": prometheus_url, **UNLIMITED, **changes}
        environ = {f"ENSEMBLE_{name.upper()}": value for name, value in values.items()}
        environ |= {"PYTHONPATH": str(PORTAL), "PATH": os.environ["PATH"]}
        with log.open("wb") as out:
            command = [sys.executable, "-m", "ensemble_portal"]
            self.process = subprocess.Popen(command, env=environ, stdout=out, stderr=subprocess.STDOUT)
        self.client = httpx.Client(base_url=self.url, timeout=10, trust_env=False)
        wait_until(self._answers)

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            pytest.fail(f"the portal ended at once:\n{self.log.read_text()}")
        try:
            return self.client.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def close(self) -> None:
        self.client.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


StartPortal = Callable[..., PortalProcess]

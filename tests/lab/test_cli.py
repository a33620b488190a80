# SPDX-License-Identifier: GPL-3.0-or-later
"""The command: a lab in the background, and faults from the command line."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from .conftest import PROJECT, ROOT, TOKEN, free_port

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """``ensemble-lab WORDS --state ...``; whatever is still up in the end is taken down."""

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "ensemble_lab", words[0], "--state", str(tmp_path / "lab"), *words[1:]]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "lab")}
        return subprocess.run(line, capture_output=True, text=True, env=environment, timeout=60, cwd=tmp_path)

    yield command
    command("down")


@pytest.fixture
def up(run: Run, tmp_path: Path) -> tuple[Run, str]:
    """A running lab: the command, and the address of the API."""
    port = free_port()
    started = run("up", "--driver", "null", "--speed", "0", "--port", str(port), "--cache", str(tmp_path / "cache"))
    assert started.returncode == 0, started.stderr
    return run, f"http://127.0.0.1:{port}"


def test_up_status_down_are_idempotent(up: tuple[Run, str], tmp_path: Path) -> None:
    run, url = up
    pid = int((tmp_path / "lab" / "lab.pid").read_text())
    assert "was already running" in run("up", "--driver", "null").stdout
    assert int((tmp_path / "lab" / "lab.pid").read_text()) == pid
    status = run("status")
    assert status.returncode == 0
    assert url in status.stdout
    assert "the lab answers" in run("logs").stdout
    assert "is removed" in run("down").stdout
    assert "no lab" in run("down").stdout
    assert run("status").returncode == 3
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)


def test_a_killed_lab_can_be_started_again_with_its_state(up: tuple[Run, str], tmp_path: Path) -> None:
    run, url = up
    headers = {"X-Auth-Token": TOKEN}
    body = {"name": "kept", "commercial_type": "DEV1-S", "image": "debian_trixie"}
    requests.post(
        f"{url}/instance/v1/zones/fr-par-1/servers", json=body, headers=headers, timeout=10
    ).raise_for_status()
    os.kill(int((tmp_path / "lab" / "lab.pid").read_text()), signal.SIGKILL)
    port = url.rsplit(":", 1)[1]
    started = run("up", "--driver", "null", "--speed", "0", "--port", port)
    assert started.returncode == 0, started.stderr
    assert "kept" in run("status").stdout


def test_a_lab_that_cannot_start_says_why(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        answer = run("up", "--driver", "null", "--port", str(taken.getsockname()[1]))
    assert answer.returncode == 1
    assert "Address already in use" in answer.stderr


def test_faults_from_the_command_line(up: tuple[Run, str]) -> None:
    run, url = up
    assert run("fault", "add", "status", "--status", "429", "--path", "/ips$", "--count", "1").returncode == 0
    headers = {"X-Auth-Token": TOKEN}
    path = f"{url}/instance/v1/zones/fr-par-1/ips"
    assert [requests.get(path, headers=headers, timeout=10).status_code for _ in range(2)] == [429, 200]
    assert "hit 1 times" in run("fault", "list").stdout
    assert "1 removed" in run("fault", "clear").stdout
    assert "PLAY2-PICO" in run("fault", "stock", "PLAY2-PICO").stdout
    assert run("fault", "quota", "instance_ip", "0").returncode == 0
    assert requests.post(path, json={}, headers=headers, timeout=10).status_code == 403


def test_what_needs_a_lab_says_that_there_is_none(run: Run) -> None:
    for words in (("fault", "list"), ("shell", "h-1")):
        answer = run(*words)
        assert answer.returncode == 1
        assert "no lab" in answer.stderr


def test_servers_of_a_null_lab_have_no_shell(up: tuple[Run, str]) -> None:
    assert "no server h-9" in up[0]("shell", "h-9").stderr


def test_serve_prints_the_ids_at_start(make_lab: Callable[..., object]) -> None:
    assert PROJECT in make_lab("--speed", "0").log()  # type: ignore[attr-defined]


def test_the_page_shows_the_cloud(up: tuple[Run, str]) -> None:
    url = up[1]
    body = {"name": "h-1", "commercial_type": "DEV1-S", "image": "debian_trixie", "tags": ["<b>"]}
    headers = {"X-Auth-Token": TOKEN}
    requests.post(
        f"{url}/instance/v1/zones/fr-par-1/servers", json=body, headers=headers, timeout=10
    ).raise_for_status()
    page = requests.get(url, timeout=10).text
    assert "h-1" in page
    assert "stopped" in page
    assert "&lt;b&gt;" in page
    assert "<b>&lt;" not in page


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--port", "99999"], "'99999' is not a port"),
        (["--subnet", "10.0.0.0/8"], "10.0.0.0/8 is not a private /16"),
        (["--speed", "-1"], "'-1' is not a speed"),
        (["--project", "default"], "'default' is not a UUID"),
        (["--access-key", "SCW1"], "'SCW1' is not an access key"),
        (["--dns-domain", "_.test"], "'_.test' is not a domain name"),
        (["--listen", "localhost"], "'localhost' is not an IP address"),
    ],
)
def test_wrong_settings_are_refused_in_one_line(run: Run, tmp_path: Path, words: list[str], message: str) -> None:
    refused = run("serve", *words)
    assert refused.returncode == 2
    assert message in refused.stderr.splitlines()[-1]
    assert not (tmp_path / "lab").exists()


@pytest.mark.parametrize("option", ["--port", "--tls-port", "--dns-port"])
def test_a_port_that_is_taken_is_named(run: Run, tmp_path: Path, option: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ports = {"--port": free_port(), option: port}
        words = [word for name, number in ports.items() for word in (name, str(number))]
        refused = run("serve", "--speed", "0", "--cache", str(tmp_path / "cache"), *words)
    assert refused.returncode == 1
    assert f"127.0.0.1:{port} cannot be used: Address already in use" in refused.stderr.splitlines()[-1]

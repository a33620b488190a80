"""The container image: what goes in decides its hash, and it runs as nobody on a read-only root file system."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from fake_prometheus import FakePrometheus, FakeServer
from portal_support import PORTAL, free_port, wait_until

BASES = ["ensemble-lab/python:3.13-trixie", "python:3.13-slim-trixie"]


def package(portal: Path, *arguments: str) -> str:
    command = [sys.executable, str(portal / "package.py"), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return shutil.copytree(PORTAL, tmp_path / "portal", ignore=shutil.ignore_patterns("__pycache__", "build"))


def test_the_same_source_has_the_same_hash_wherever_it_lies(copy: Path) -> None:
    assert package(copy, "hash") == package(PORTAL, "hash")


def test_leftovers_do_not_change_the_hash(copy: Path) -> None:
    before = package(copy, "hash")
    (copy / "ensemble_portal" / "__pycache__").mkdir()
    (copy / "ensemble_portal" / "__pycache__" / "x.cpython-313.pyc").write_bytes(b"x")
    (copy / "README.md").write_text("other words")
    assert package(copy, "hash") == before


@pytest.mark.parametrize("name", ["ensemble_portal/rooms.py", "ensemble_portal/static/portal.css", "requirements.lock"])
def test_another_source_has_another_hash(copy: Path, name: str) -> None:
    before = package(copy, "hash")
    with (copy / name).open("a") as file:
        file.write("\n")
    assert package(copy, "hash") != before


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("image") / "context"
    package(PORTAL, "context", str(folder))
    return folder


def test_the_context_needs_no_network(context: Path) -> None:
    assert (context / "Dockerfile").read_text() == (PORTAL / "Dockerfile").read_text()
    assert (context / "lib" / "ensemble_portal" / "templates" / "home.html").exists()
    assert list((context / "lib" / "uvloop").glob("*.cpython-313-x86_64-linux-gnu.so"))
    assert not list(context.rglob("*.pyc"))
    stamp = (context / "lib").stat().st_mtime_ns
    package(PORTAL, "context", str(context))
    assert (context / "lib").stat().st_mtime_ns == stamp, "an unchanged source is not packed again"


def docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True)


@pytest.mark.docker
def test_the_container_runs_as_nobody_on_a_read_only_root(context: Path) -> None:
    base = next((base for base in BASES if docker("image", "inspect", base).returncode == 0), None)
    if base is None:
        pytest.skip(f"no base image here: {' or '.join(BASES)}")
    tag = f"ensemble-portal-test:{package(PORTAL, 'hash')}"
    built = docker("build", "-q", "--build-arg", f"BASE_IMAGE={base}", "-t", tag, str(context))
    assert built.returncode == 0, built.stderr
    fake, port = FakePrometheus([FakeServer("h-1")]), free_port()
    settings = {"ENSEMBLE_PROMETHEUS_URL": fake.url, "ENSEMBLE_LISTEN": f"127.0.0.1:{port}"}
    environ = [part for name, value in settings.items() for part in ("-e", f"{name}={value}")]
    run = ["run", "-d", "--network", "host", "--read-only", "--cap-drop", "ALL", *environ, tag]
    container = docker(*run).stdout.strip()
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    try:
        wait_until(answers, 30)
        assert httpx.post(f"{url}/api/v1/rooms", trust_env=False).json()["server"] == "h-1"
        assert docker("exec", container, "id", "-u").stdout.strip() == "10001"
        assert docker("exec", container, "python3", "-m", "ensemble_portal.probe").returncode == 0
        assert docker("stop", "-t", "10", container).returncode == 0
        assert docker("inspect", "-f", "{{.State.ExitCode}}", container).stdout.strip() == "0"
    finally:
        docker("rm", "-f", container)
        docker("rmi", tag)
        fake.close()

"""Fixtures of the portal's tests."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "portal")]

from fake_prometheus import FakePrometheus, FakeServer  # noqa: E402
from portal_support import PortalProcess, StartPortal  # noqa: E402

from tests.postgres import Postgres  # noqa: E402


@contextmanager
def portals(folder: Path) -> Iterator[StartPortal]:
    with ExitStack() as stack:
        count = 0

        def start(prometheus_url: str, **changes: str) -> PortalProcess:
            nonlocal count
            count += 1
            portal = PortalProcess(prometheus_url, folder / f"portal-{count}.log", **changes)
            stack.callback(portal.close)
            return portal

        yield start


@pytest.fixture
def start_portal(tmp_path: Path) -> Iterator[StartPortal]:
    with portals(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def start_portal_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartPortal]:
    with portals(tmp_path_factory.mktemp("portal")) as start:
        yield start


@pytest.fixture
def prometheus() -> Iterator[FakePrometheus]:
    fake = FakePrometheus([FakeServer("h-1", cpu=0.1), FakeServer("h-2", cpu=0.9)])
    yield fake
    fake.close()


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of the test file's own."""
    server = Postgres(Path(tempfile.mkdtemp(prefix="ensemble-pg-")))
    server.start()
    yield server
    server.close()

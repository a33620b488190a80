"""Named rooms: one name, one server, whoever asks and wherever; in SQLite and in a real PostgreSQL."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote

import asyncpg
import httpx
import pytest
from ensemble_portal import notices
from ensemble_portal.claims import Claims, open_store
from ensemble_portal.errors import PortalError
from fake_prometheus import FakePrometheus, FakeServer
from portal_support import StartPortal, wait_until

from tests.postgres import PlatformPostgres, Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:{tmp_path / 'claims.db'}"
    return request.getfixturevalue("postgres").address


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def claims(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Claims]:
    kinds = {"memory": "sqlite::memory:", "sqlite": f"sqlite:{tmp_path / 'claims.db'}", "postgresql": ""}
    register = open_store(kinds[request.param] or request.getfixturevalue("postgres").address)
    await register.open()
    yield register
    await register.close()


def unique(name: str) -> str:
    return f"{name}-{time.monotonic_ns()}"


async def place(claims: Claims, room: str) -> tuple[str, str] | None:
    found = await claims.find(room)
    return (found.server, found.host) if found else None


async def test_many_rooms_are_kept_at_once_and_none_is_taken_from_anybody(claims: Claims) -> None:
    taken, made = unique("taken"), {unique(f"made {number}"): ("h-2", "h-2.test") for number in range(500)}
    await claims.claim(taken, "h-1", "h-1.test", None, 60)
    await claims.keep({**made, taken: ("h-2", "h-2.test")}, 60)
    assert await place(claims, taken) == ("h-1", "h-1.test")
    found = await claims.find(list(made)[-1])
    assert found
    assert found[:2] == ("h-2", "h-2.test")
    assert 55 < found.left <= 60


async def test_a_claim_holds_until_it_expires(claims: Claims) -> None:
    room = unique("standup")
    assert await claims.find(room) is None
    assert await claims.claim(room, "h-1", "h-1.test", None, 1.5) == ("h-1", "h-1.test")
    assert await claims.claim(room, "h-2", "h-2.test", None, 1.5) == ("h-1", "h-1.test")
    assert await place(claims, room) == ("h-1", "h-1.test")
    await asyncio.sleep(1.8)
    assert await claims.find(room) is None
    assert await claims.claim(room, "h-2", "h-2.test", None, 60) == ("h-2", "h-2.test")


async def test_use_prolongs_a_claim(claims: Claims) -> None:
    room = unique("prolonged")
    for _ in range(4):
        assert await claims.claim(room, "h-1", "h-1.test", None, 4) == ("h-1", "h-1.test")
        await asyncio.sleep(1.5)
    await claims.prolong(room, "h-1", 7)
    await asyncio.sleep(4)
    await claims.prolong(room, "h-2", 60)
    assert await place(claims, room) == ("h-1", "h-1.test")
    for _ in range(60):
        if await claims.find(room) is None:
            break
        await asyncio.sleep(0.25)
    else:
        pytest.fail("prolonged by a server where it does not live")


async def test_a_lost_server_is_replaced_once(claims: Claims) -> None:
    room = unique("moved")
    await claims.claim(room, "h-1", "h-1.test", None, 60)
    assert await claims.claim(room, "h-2", "h-2.test", "h-1", 60) == ("h-2", "h-2.test")
    assert await claims.claim(room, "h-3", "h-3.test", "h-1", 60) == ("h-2", "h-2.test")


async def test_a_room_goes_home_from_an_empty_server_when_it_was_not_used_for_a_while(claims: Claims) -> None:
    room, stays = unique("moved"), unique("stays")
    for lost, server in ((None, "h-1"), ("h-1", "h-2"), ("h-2", "h-3")):
        await claims.claim(room, server, f"{server}.test", lost, 60)
    await claims.claim(stays, "h-3", "h-3.test", None, 60)
    moved = await claims.find(room)
    assert moved
    assert moved.moved
    for well, empty, left in ((["h-2"], ["h-3"], 61), (["h-1"], ["h-4"], 61), (["h-1"], ["h-3"], 50), ([], [], 61)):
        await claims.go_home(well, empty, left)
        assert await place(claims, room) == ("h-3", "h-3.test")
    await claims.go_home(["h-1"], ["h-3"], 61)
    found = await claims.find(room)
    assert found
    assert (found.server, found.host, found.moved) == ("h-1", "h-1.test", False)
    assert await place(claims, stays) == ("h-3", "h-3.test")


async def test_the_table_of_an_earlier_release_is_used_on(store: str) -> None:
    old = "CREATE TABLE ensemble_claims (room text PRIMARY KEY, server text, host text, expires double precision)"
    row = "INSERT INTO ensemble_claims VALUES ('old-room', 'h-1', 'h-1.test', 1e11)"
    if store.startswith("sqlite"):
        with sqlite3.connect(store.removeprefix("sqlite:")) as database:
            database.execute(old)
            database.execute(row)
    else:
        connection = await asyncpg.connect(store)
        await connection.execute(f"DROP TABLE IF EXISTS ensemble_claims; {old}; {row}")
        await connection.close()
    register = open_store(store)
    await register.open()
    assert await register.claim("old-room", "h-2", "h-2.test", "h-1", 60) == ("h-2", "h-2.test")
    await register.go_home(["h-1"], ["h-2"], 61)
    assert await place(register, "old-room") == ("h-1", "h-1.test")
    await register.close()


async def test_cleaning_leaves_what_lives(claims: Claims) -> None:
    short, long = unique("short"), unique("long")
    await claims.claim(short, "h-1", "h-1.test", None, 0.1)
    await claims.claim(long, "h-1", "h-1.test", None, 60)
    await asyncio.sleep(0.2)
    assert await claims.clean() >= 1
    assert await place(claims, long) == ("h-1", "h-1.test")
    assert await claims.find(short) is None


async def test_a_register_that_is_away_says_so() -> None:
    register = open_store("postgresql://nobody@127.0.0.1:9/none")
    with pytest.raises(PortalError, match="store-unavailable"):
        await register.find("room")


async def ask(client: httpx.AsyncClient, url: str, name: str) -> str:
    answer = await client.post(f"{url}/api/v1/rooms", json={"name": name})
    assert answer.status_code == 201, answer.text
    return answer.json()["url"]


async def test_two_portals_and_one_name_meet_on_one_server_1000_times(store: str, start_portal: StartPortal) -> None:
    fake = FakePrometheus([FakeServer(f"h-{number}") for number in range(1, 31)])
    portals = [start_portal(fake.url, store=store) for _ in range(2)]
    limits = httpx.Limits(max_connections=16)
    async with httpx.AsyncClient(trust_env=False, timeout=30, limits=limits) as client:
        seen = Counter()
        for start in range(0, 1000, 20):
            names = [unique(f"room {number}") for number in range(start, start + 20)]
            spellings = [(name, name.upper()) for name in names]
            urls = await asyncio.gather(
                *(
                    ask(client, portal.url, name)
                    for pair in spellings
                    for portal, name in zip(portals, pair, strict=True)
                )
            )
            for one, other in zip(urls[::2], urls[1::2], strict=True):
                assert one == other
                seen[one.partition("/room")[0]] += 1
    assert sum(seen.values()) == 1000
    assert len(seen) > 10, "one server for all would prove nothing"
    fake.close()


def test_a_room_moves_when_its_server_is_gone(store: str, start_portal: StartPortal) -> None:
    fake = FakePrometheus([FakeServer("h-1", cpu=0.1), FakeServer("h-2", cpu=0.5), FakeServer("h-3", cpu=0.9)])
    portal = start_portal(fake.url, store=store, lost_after="1")
    name = unique("moving")

    def server() -> str:
        return portal.client.post("/api/v1/rooms", json={"name": name}).json()["server"]

    assert server() == "h-1"
    fake.servers[0].fleet_state = "draining"
    wait_until(lambda: "draining" in portal.client.get("/api/v1/servers").text)
    assert server() == "h-1", "a draining server keeps its rooms"
    del fake.servers[0]
    wait_until(lambda: portal.client.get(f"/api/v1/rooms/{name}").status_code == 404)
    assert server() == "h-2"
    assert portal.client.get(f"/api/v1/rooms/{name}").json()["server"] == "h-2"
    assert portal.client.get(f"/{name}").headers["location"] == f"https://h-2.ensemble.test/{name}"
    fake.close()


def test_who_joins_a_living_room_needs_no_news_of_the_fleet(start_portal: StartPortal) -> None:
    fake = FakePrometheus([FakeServer("h-1")])
    portal = start_portal(fake.url, stale_after="1")
    assert portal.client.post("/api/v1/rooms", json={"name": "standup"}).status_code == 201
    fake.fails = True
    wait_until(lambda: portal.client.post("/api/v1/rooms", json={"name": unique("other")}).status_code == 503)
    assert portal.client.post("/api/v1/rooms", json={"name": "standup"}).json()["server"] == "h-1"
    assert "ensemble_portal_rooms_joined_total 1.0" in portal.client.get("/metrics").text
    fake.close()


def test_rooms_without_a_name_need_no_register(postgres: Postgres, start_portal: StartPortal) -> None:
    fake = FakePrometheus([FakeServer("h-1")])
    portal = start_portal(fake.url, store=postgres.address)
    name = unique("steady")
    assert portal.client.post("/api/v1/rooms", json={"name": name}).status_code == 201
    postgres.stop()
    try:
        refusal = portal.client.post("/api/v1/rooms", json={"name": name})
        assert (refusal.status_code, refusal.json()["type"]) == (503, "urn:ensemble:problem:store-unavailable")
        assert portal.client.post("/api/v1/rooms").status_code == 201
        assert "register of room names" in portal.client.post("/start", data={"name": name}).text
    finally:
        postgres.start()
    wait_until(lambda: portal.client.post("/api/v1/rooms", json={"name": name}).status_code == 201)
    fake.close()


@pytest.fixture(scope="module")
def verifiable() -> Iterator[PlatformPostgres]:
    """One with TLS, and a certificate for 127.0.0.1."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        (Path(name) / "postgres").mkdir()
        server = PlatformPostgres(Path(name) / "postgres")
        server.start()
        yield server
        server.close()


@pytest.mark.parametrize(
    ("host", "mode", "known", "accepted"),
    [
        ("127.0.0.1", "verify-full", True, True),
        ("127.0.0.1", "require", False, False),
        ("localhost", "verify-full", True, False),
        ("localhost", "verify-ca", True, True),
        ("localhost", "verify-ca", False, False),
    ],
)
async def test_a_postgresql_is_verified_by_its_certificate(
    verifiable: PlatformPostgres, host: str, mode: str, known: bool, accepted: bool
) -> None:
    authority = verifiable.ca.read_text() if known else certificate_of_a_stranger()
    login = f"journal:{quote(verifiable.password)}@{host}:{verifiable.port}"
    address = f"postgresql://{login}/ensemble?sslmode={mode}"
    register = open_store(address, authority)
    try:
        if accepted:
            assert await register.claim("standup", "h-1", "h-1.test", None, 60) == ("h-1", "h-1.test")
            assert await notices.exchange(address, authority=authority) == []
        else:
            with pytest.raises(OSError, match="certificate verify failed"):
                await notices.exchange(address, authority=authority)
            with pytest.raises(PortalError) as refused:
                await register.open()
            assert "certificate verify failed" in refused.value.values["reason"]
    finally:
        await register.close()


def certificate_of_a_stranger() -> str:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", "/dev/null", "-days", "2", "-subj", "/CN=database", "-addext", "subjectAltName=IP:127.0.0.1"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout

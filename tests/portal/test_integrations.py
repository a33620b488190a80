"""What other programs build on: keys with scopes, requests that may be repeated, limits that are told."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from ensemble_portal.clients import Limiter
from ensemble_portal.settings import SettingsError
from fake_prometheus import FakePrometheus, FakeServer
from portal_support import PortalProcess, StartPortal, settings, wait_until

from tests.postgres import Postgres

KEYS = {"all": "rooms:create rooms:read rooms:delete fleet:read", "reader": "rooms:read", "slow": "rooms:create 2/min"}


def key_of(name: str) -> str:
    return f"secret-key-of-{name}"


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key_of(name)}"}


API_KEYS = ", ".join(
    f"{name}={hashlib.sha256(key_of(name).encode()).hexdigest()} {scopes}" for name, scopes in KEYS.items()
)


@pytest.fixture(scope="module")
def prometheus() -> Iterator[FakePrometheus]:
    fake = FakePrometheus([FakeServer(f"h-{number}", cpu=number / 10) for number in range(1, 4)])
    yield fake
    fake.close()


@pytest.fixture(scope="module")
def portals(
    prometheus: FakePrometheus, start_portal_once: StartPortal, postgres: Postgres
) -> tuple[PortalProcess, PortalProcess]:
    """Two portals with one register."""
    changes = {"store": postgres.address, "api_keys": API_KEYS, "status_page": "private", "log_requests": "yes"}
    both = [start_portal_once(prometheus.url, rooms_per_minute="60", **changes) for _ in range(2)]
    for portal in both:
        wait_until(lambda portal=portal: portal.client.get("/readyz").status_code == 200)
    return both[0], both[1]


def kind(response: httpx.Response) -> str:
    return response.json()["type"].rpartition(":")[2]


def test_what_a_key_may_do(portals: tuple[PortalProcess, PortalProcess]) -> None:
    portal, other = portals
    public = {"X-Forwarded-For": "198.51.100.1"}
    assert portal.client.get("/api/v1/servers", headers=public).status_code == 404
    assert portal.client.get("/api/v1/servers", headers=public | bearer("all")).json()["servers"]
    given = portal.client.post("/api/v1/rooms", json={"name": "Key Holder"}, headers=bearer("all"))
    assert given.status_code == 201, given.text
    room = given.json()
    address = "/api/v1/rooms/key%20holder"
    assert other.client.get(address, headers=bearer("reader")).json()["url"] == room["url"]
    refusals = [
        (portal.client.delete(address), 401, "key-needed", "Bearer"),
        (portal.client.delete(address, headers=bearer("nobody")), 401, "key-unknown", 'Bearer error="invalid_token"'),
        (
            portal.client.delete(address, headers=bearer("reader")),
            *(403, "key-scope", 'Bearer error="insufficient_scope", scope="rooms:delete"'),
        ),
    ]
    for response, status, error, challenge in refusals:
        assert (response.status_code, kind(response)) == (status, error)
        assert response.headers["www-authenticate"] == challenge
    for path in ("/api/v1/servers", "/api/v1/events", address):
        assert portal.client.get(path, headers=bearer("nobody")).status_code == 401, "as if it had not been sent"
    assert portal.client.post("/api/v1/rooms", headers=bearer("reader")).status_code == 403
    gone = other.client.delete(address, headers=bearer("all"))
    assert (gone.status_code, gone.content) == (204, b"")
    assert portal.client.get(address).status_code == 404
    assert portal.client.delete(address, headers=bearer("all")).status_code == 404
    made = portal.client.post("/api/v1/rooms", headers=bearer("all")).json()["room"]
    assert portal.client.delete(f"/api/v1/rooms/{made}", headers=bearer("all")).status_code == 204, "written or not"
    logged = portal.log.read_text()
    assert '"path": "/api/v1/servers"' in logged
    assert not any(key_of(name) in logged for name in (*KEYS, "nobody"))


def test_a_key_has_a_limit_of_its_own(portals: tuple[PortalProcess, PortalProcess]) -> None:
    portal, _ = portals

    def ask(headers: dict[str, str]) -> httpx.Response:
        return portal.client.post("/api/v1/rooms", headers=headers | {"X-Forwarded-For": "198.51.100.2"})

    answers = [ask(bearer("slow")) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert kind(answers[-1]) == "too-many-requests"
    assert [answer.headers["ratelimit-policy"] for answer in answers] == ['"key";q=2;w=60'] * 3
    assert [answer.headers["ratelimit"].partition(";t")[0] for answer in answers] == [
        f'"key";r={left}' for left in (1, 0, 0)
    ]
    assert re.match('"rooms";r=(59|60);', ask({}).headers["ratelimit"]), "an address has lost nothing by it"


def test_what_is_left_is_told(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    portal = start_portal(prometheus.url, rooms_per_minute="3", lookups_per_minute="9")
    answers = [portal.client.post("/api/v1/rooms") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"rooms";q=3;w=60'}
    told = [re.fullmatch(r'"rooms";r=(\d);t=(\d+)', answer.headers["ratelimit"]) for answer in answers]
    assert [match and int(match[1]) for match in told] == [2, 1, 0, 0]
    assert [match and int(match[2]) for match in told] == [20, 40, 60, 60]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 21
    assert portal.client.get("/api/v1/rooms/unknown").headers.get("ratelimit") is None
    found = portal.client.get(f"/api/v1/rooms/{answers[0].json()['room']}")
    assert re.match('"lookups";r=[78];', found.headers["ratelimit"])


def test_a_share_is_told_as_a_share() -> None:
    limiter = Limiter(60, name="rooms")
    limiter.divide(4)
    limiter.wait("a", 0.0)
    quota = limiter.quota("a", 0.0)
    assert quota
    assert dict(quota.headers) == {"ratelimit-policy": '"rooms";q=15;w=60', "ratelimit": '"rooms";r=14;t=4'}
    assert Limiter(0).quota("a", 0.0) is None


@pytest.mark.parametrize("body", [{}, {"name": "Repeated Once"}])
def test_a_request_may_be_repeated_at_any_portal(body: dict, portals: tuple[PortalProcess, PortalProcess]) -> None:
    asked = {"Idempotency-Key": f"order {len(body)}", "X-Forwarded-For": "198.51.100.3", "Host": "portal.test"}

    def ask(portal: PortalProcess, body: dict = body, **headers: str) -> httpx.Response:
        with httpx.Client(trust_env=False, timeout=10) as client:
            return client.post(f"{portal.url}/api/v1/rooms", json=body, headers=asked | headers)

    with ThreadPoolExecutor(8) as together:
        answers = list(together.map(ask, portals * 4))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["location"] for answer in answers}) == 1
    again = ask(portals[1])
    assert again.headers["idempotency-replayed"] == "true"
    assert again.content == answers[0].content
    other = ask(portals[0], {"name": "Another"})
    assert (other.status_code, kind(other)) == (422, "idempotency-reused")
    if not body:
        for stranger in ({"X-Forwarded-For": "198.51.100.4"}, bearer("all")):
            assert ask(portals[0], **stranger).content != again.content, "another client's key"


def test_an_error_is_not_repeated(start_portal: StartPortal) -> None:
    fake = FakePrometheus([FakeServer("h-1", fleet_state="cordoned")])
    portal = start_portal(fake.url)
    key = {"Idempotency-Key": '"once"'}
    assert portal.client.post("/api/v1/rooms", headers=key).status_code == 503
    fake.servers[0].fleet_state = ""
    wait_until(lambda: portal.client.post("/api/v1/rooms", headers=key).status_code == 201)
    fake.close()
    for wrong in ("", "x" * 256, "a\tb", "\N{BULLET}".encode()):
        refused = portal.client.post("/api/v1/rooms", headers={"Idempotency-Key": wrong})
        assert (refused.status_code, kind(refused)) == (400, "bad-request"), wrong


HASH = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "text",
    [
        HASH,
        f"crm={HASH}",
        f"crm={HASH[1:]} rooms:create",
        f"crm={HASH} rooms:paint",
        f"crm={HASH} rooms:create 5/s",
        f"crm={HASH} rooms:create, crm={HASH.replace('0', '1')} rooms:create",
        f"crm={HASH} rooms:create, erp={HASH} rooms:create",
    ],
)
def test_keys_that_are_wrong_are_refused_without_being_told(text: str) -> None:
    with pytest.raises(SettingsError, match="ENSEMBLE_API_KEYS") as refusal:
        settings(api_keys=text)
    assert HASH[1:] not in str(refusal.value)
    assert HASH not in repr(settings(api_keys=f"crm={HASH} rooms:create"))

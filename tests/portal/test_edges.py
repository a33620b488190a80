"""At the edges: rate limit, CORS, headers, methods, sizes, old clients."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from fake_prometheus import FakePrometheus, FakeServer
from portal_support import PortalProcess, StartPortal, wait_until


@pytest.fixture(scope="module")
def prometheus() -> Iterator[FakePrometheus]:
    fake = FakePrometheus([FakeServer(f"h-{number}", cpu=number / 10) for number in range(1, 4)])
    yield fake
    fake.close()


@pytest.fixture(scope="module")
def portal(prometheus: FakePrometheus, start_portal_once: StartPortal) -> PortalProcess:
    return start_portal_once(prometheus.url, poll_interval="5", cors_origins="https://school.example")


def raw(portal: PortalProcess, request: bytes) -> bytes:
    """Everything that the portal sends back until it closes."""
    with socket.create_connection(("127.0.0.1", portal.port), timeout=10) as connection:
        connection.sendall(request)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


def test_the_limit_is_per_client_behind_the_balancer(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    portal = start_portal(prometheus.url, rooms_per_minute="3")

    def ask(forwarded: str, **more: object) -> int:
        return portal.client.post("/api/v1/rooms", headers={"x-forwarded-for": forwarded}, **more).status_code

    assert [ask("198.51.100.1") for _ in range(4)] == [201, 201, 201, 429]
    assert ask("198.51.100.1", json={"name": "standup"}) == 429
    assert ask("198.51.100.2", json={"name": "standup"}) == 201
    assert {ask("198.51.100.1", json={"name": "standup"}) for _ in range(150)} == {201}, "a school joins one room"
    assert ask("6.6.6.6, 198.51.100.1") == 429, "what the client writes itself does not help"
    assert ask("198.51.100.2") == 201
    refusal = portal.client.post("/api/v1/rooms", headers={"x-forwarded-for": "198.51.100.1"})
    assert int(refusal.headers["retry-after"]) > 0
    assert refusal.json()["type"] == "urn:ensemble:problem:too-many-rooms"
    page = portal.client.post("/start", headers={"x-forwarded-for": "198.51.100.1"})
    assert page.status_code == 429
    assert "Too many new rooms" in page.text


def test_who_guesses_names_learns_little(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    portal = start_portal(prometheus.url, lookups_per_minute="10")
    portal.client.post("/alive")

    def ask(method: str, path: str, client: str, **more: object) -> int:
        return portal.client.request(method, path, headers={"x-forwarded-for": client}, **more).status_code

    assert [ask("GET", f"/api/v1/rooms/guess-{number}", "2001:db8::1") for number in range(10)] == [404] * 10
    for method, path in (("GET", "/api/v1/rooms/{}"), ("GET", "/{}"), ("POST", "/{}"), ("GET", "/room/{}")):
        told = {ask(method, path.format(name), "2001:db8::ffff") for name in ("alive", "guess")}
        assert told == {429}, "names that live cannot be told from others"
    assert ask("GET", "/api/v1/rooms/alive", "2001:db8:0:1::1") == 200
    assert {ask("GET", "/alive", "198.51.100.7") for _ in range(40)} == {302}, "who joins guesses nothing"


def test_joins_have_a_limit_of_their_own(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    portal = start_portal(prometheus.url, joins_per_minute="5")
    portal.client.post("/alive")
    answers = [portal.client.get("/alive") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [302] * 5 + [429]
    assert "Too many visits" in answers[-1].text
    assert portal.client.post("/start").status_code == 303


def test_one_client_cannot_take_all_live_views(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    portal = start_portal(prometheus.url, streams_per_client="3")

    def watch(stack: ExitStack, client: str) -> int:
        headers = {"x-forwarded-for": client}
        return stack.enter_context(portal.client.stream("GET", "/api/v1/events", headers=headers)).status_code

    with ExitStack() as stack:
        assert [watch(stack, f"2001:db8::{number}") for number in range(4)] == [200, 200, 200, 429]
        assert watch(stack, "198.51.100.1") == 200
    wait_until(lambda: "event_listeners 0.0" in portal.client.get("/metrics").text)
    with ExitStack() as stack:
        assert watch(stack, "2001:db8::1") == 200


def test_an_untrusted_peer_cannot_choose_its_address(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    portal = start_portal(prometheus.url, rooms_per_minute="2", trusted_proxies="192.0.2.0/24")
    answers = [
        portal.client.post("/api/v1/rooms", headers={"x-forwarded-for": f"198.51.100.{number}"}) for number in range(3)
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 429]


def test_a_path_of_two_slashes_yields_no_link_away(portal: PortalProcess) -> None:
    for path in ("//evil.example/", "//evil.example/x/y", "/%2Fevil.example/x/y", "/%5C%5Cevil.example/x/y"):
        answer = raw(portal, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()).decode()
        links = re.findall(r'(?:href|action|location)(?:="|: )([^"\r]*)', answer)
        assert len(links) > 4
        assert [link for link in links if not re.match(r"/(?![/\\])|#", link)] == []


def test_forms_lead_on_when_no_server_was_known_as_the_page_was_made(start_portal: StartPortal) -> None:
    policy = start_portal("http://127.0.0.1:9").client.get("/").headers["content-security-policy"]
    assert "form-action 'self' https:;" in policy


def test_cors_for_the_origins_that_are_set(portal: PortalProcess) -> None:
    for method, path in (("GET", "/api/v1/servers"), ("POST", "/api/v1/rooms")):
        friend = portal.client.request(method, path, headers={"origin": "https://school.example"})
        assert friend.headers["access-control-allow-origin"] == "https://school.example"
        stranger = portal.client.request(method, path, headers={"origin": "https://other.example"})
        assert "access-control-allow-origin" not in stranger.headers
    for method, path, header in (
        ("POST", "/api/v1/rooms", "content-type"),
        ("GET", "/api/v1/servers", "if-none-match"),
    ):
        asked = {"access-control-request-method": method, "access-control-request-headers": header}
        answer = portal.client.options(path, headers={"origin": "https://school.example", **asked})
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", ["/", "/status", "/room/abc", "/no/where", "/static/portal.css"])
def test_safe_headers(portal: PortalProcess, path: str) -> None:
    headers = portal.client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in headers


def test_the_content_policy_is_strict(portal: PortalProcess) -> None:
    policy = portal.client.get("/").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "form-action 'self' https://*.ensemble.test" in policy
    assert "frame-ancestors 'none'" in policy
    html = portal.client.get("/").text
    assert "style=" not in html
    assert "<style" not in html
    assert " on" not in html.partition("<main")[2].replace(" one", "").replace(" only", "").replace(" on ", "")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/rooms", 405),
        ("DELETE", "/api/v1/servers", 405),
        ("GET", "/start", 303),
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/room/h-99/abc/more", 404),
        ("GET", "/room/static", 422),
        ("GET", "/static/%2e%2e%2fsettings.py", 404),
        ("GET", "/go/static", 422),
        ("HEAD", "/", 200),
        ("HEAD", "/api/v1/servers", 200),
    ],
)
def test_wrong_ways(portal: PortalProcess, method: str, path: str, status: int) -> None:
    answer = portal.client.request(method, path)
    assert answer.status_code == status
    if status >= 400:
        kind = "application/problem+json" if path.startswith("/api/") else "text/html; charset=utf-8"
        assert answer.headers["content-type"] == kind
    if status == 405:
        assert answer.headers["allow"]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{}", "application/json", 201),
        (b"", "application/json", 201),
        (b"[]", "application/json", 400),
        (b"xx", "application/json", 400),
        (b'{"name": 1}', "application/json", 400),
        (b'{"nom": "x"}', "application/json", 400),
        (b'{"language": "nl"}', "application/json", 400),
        (b'{"name": "x"}', "text/plain", 415),
        (b'{"name": "' + b"x" * 5000 + b'"}', "application/json", 413),
        (b'{"name": "' + b"x" * 200 + b'"}', "application/json; charset=utf-8", 422),
    ],
)
def test_bodies(portal: PortalProcess, body: bytes, content_type: str, status: int) -> None:
    answer = portal.client.post("/api/v1/rooms", content=body, headers={"content-type": content_type})
    assert answer.status_code == status, answer.text


def test_metrics_are_not_for_the_public_behind_the_balancer(portal: PortalProcess) -> None:
    assert portal.client.get("/metrics").status_code == 200
    assert portal.client.get("/metrics", headers={"x-forwarded-for": "198.51.100.1"}).status_code == 404


def test_names_in_french_when_asked(portal: PortalProcess) -> None:
    from ensemble_portal.names import words

    for more in ({"json": {"language": "fr"}}, {"headers": {"accept-language": "fr"}}):
        room = portal.client.post("/api/v1/rooms", **more).json()["room"]
        assert set(room.split("-")[:5]) <= set(words("fr"))


def test_compressed_when_desired(portal: PortalProcess) -> None:
    for path in ("/api/v1/servers", "/api/v1/servers?"):
        answer = portal.client.get(path, headers={"accept-encoding": "gzip"})
        assert answer.headers["content-encoding"] == "gzip"
        assert len(answer.json()["servers"]) == 3


def test_a_body_that_comes_in_pieces(portal: PortalProcess) -> None:
    with socket.create_connection(("127.0.0.1", portal.port), timeout=10) as connection:
        for piece in (
            b"POST /api/v1/rooms HTTP/1.1\r\nHost: x\r\nConnec",
            b"tion: close\r\nContent-Length: 2\r\n\r\n{",
            b"}",
        ):
            connection.sendall(piece)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    assert received.startswith(b"HTTP/1.1 201")


def test_old_and_closing_clients(portal: PortalProcess) -> None:
    assert raw(portal, b"GET /api/v1/servers HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200")
    closing = raw(portal, b"GET /api/v1/servers HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert closing.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in closing


def test_static_files_last_as_long_as_their_content(portal: PortalProcess) -> None:
    html = portal.client.get("/").text
    address = html.partition('rel="stylesheet" href="')[2].partition('"')[0]
    assert "immutable" in portal.client.get(address).headers["cache-control"]
    assert "immutable" not in portal.client.get("/static/portal.css?v=old").headers["cache-control"]


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/api/v1/servers"), ("POST", "/api/v1/rooms")])
def test_only_visitors_by_https_are_told_to_stay_there(
    prometheus: FakePrometheus, portal: PortalProcess, start_portal: StartPortal, method: str, path: str
) -> None:
    def told(where: PortalProcess, **headers: str) -> str | None:
        return where.client.request(method, path, headers=headers).headers.get("strict-transport-security")

    https = {"x-forwarded-for": "198.51.100.9", "x-forwarded-proto": "https"}
    assert told(portal, **https) == "max-age=31536000"
    assert told(portal, **{**https, "x-forwarded-proto": "http"}) is None
    assert told(portal) is None
    assert told(start_portal(prometheus.url, trusted_proxies="192.0.2.0/24"), **https) is None, "a stranger's word"
    assert told(start_portal(prometheus.url, hsts="0"), **https) is None


def test_a_balancer_connects_anew_for_every_request(portal: PortalProcess) -> None:
    for method, path in [("GET", "/"), ("GET", "/api/v1/servers"), ("POST", "/api/v1/rooms")]:
        assert "connection" not in portal.client.request(method, path).headers
        answer = portal.client.request(method, path, headers={"x-forwarded-for": "198.51.100.9"})
        assert answer.headers["connection"] == "close"

"""Webhooks: signed, sent once, repeated while nobody takes them, and to the named addresses alone."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import pytest
from ensemble_portal.claims import open_store
from ensemble_portal.integrations.sender import Sender
from ensemble_portal.integrations.webhooks import Webhook, read_webhooks, signed
from ensemble_portal.portal import Portal
from ensemble_portal.rooms import Room
from ensemble_portal.settings import SettingsError
from fake_prometheus import FakePrometheus, FakeServer
from portal_support import PortalProcess, StartPortal, settings, wait_until

from tests.postgres import Postgres

SECRET = "whsec_" + base64.b64encode(b"the secret of the receiver's own").decode()


class Received(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict:
        return json.loads(self.body)


class Receiver:
    """Takes events as somebody else's program does; `statuses` are answered one after the other, the last for good."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.statuses = [204]
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append(Received(self.path, headers, body))
                statuses = receiver.statuses
                self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
                self.send_header("location", "/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None: ...

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/hook?token=hidden"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def events(self, kind: str) -> list[dict]:
        return [one.event["data"] for one in self.received if one.event["type"] == kind]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def is_genuine(received: Received) -> bool:
    """What the receiver's program makes of the headers, written from the standard."""
    headers = received.headers
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + received.body
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return f"v1,{signature}" in headers["webhook-signature"].split()


def test_the_signature_is_the_standards() -> None:
    """The example of the Standard Webhooks libraries."""
    (webhook,) = read_webhooks("https://crm.example/hook whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed(webhook, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def state_of(portal: PortalProcess, name: str) -> str:
    servers = portal.client.get("/api/v1/servers").json()["servers"]
    return next(one["state"] for one in servers if one["server"] == name)


def test_two_portals_tell_each_thing_once(receiver: Receiver, start_portal: StartPortal, postgres: Postgres) -> None:
    fake = FakePrometheus([FakeServer(f"h-{number}", cpu=number / 10) for number in range(1, 6)])
    portals = [
        start_portal(fake.url, store=postgres.address, lost_after="1", webhooks=f"{receiver.url} {SECRET}")
        for _ in range(2)
    ]
    wait_until(lambda: all(portal.client.get("/readyz").status_code == 200 for portal in portals))
    made = portals[0].client.post("/api/v1/rooms").json()
    named = [portal.client.post("/api/v1/rooms", json={"name": "Told Once"}).json() for portal in portals]
    wait_until(lambda: len(receiver.events("room.created")) == 2)
    told = {event["room"]: event for event in receiver.events("room.created")}
    for room in (made, named[0]):
        expected = {part: room[part] for part in ("room", "server", "host", "url")}
        assert told[room["room"]] == expected | {"moved_from": None}
    for _ in range(2):
        told_before = len(receiver.events("server.lost"))
        fake.servers[4].up = dict.fromkeys(fake.servers[4].up, 0)
        wait_until(lambda before=told_before: len(receiver.events("server.lost")) > before)
        queries = fake.queries
        wait_until(lambda queries=queries: fake.queries >= queries + 6)
        assert receiver.events("server.lost")[told_before:] == [{"server": "h-5"}], "by one of the portals"
        fake.servers[4].up = dict.fromkeys(fake.servers[4].up, 1)
        wait_until(lambda: all(state_of(portal, "h-5") != "unhealthy" for portal in portals))
        queries = fake.queries
        wait_until(lambda queries=queries: fake.queries >= queries + 6)
    assert all(is_genuine(one) for one in receiver.received)
    assert len({one.headers["webhook-id"] for one in receiver.received}) == len(receiver.received) == 4
    assert {one.path for one in receiver.received} == {"/hook?token=hidden"}
    metrics = [portal.client.get("/metrics").text for portal in portals]
    delivered = [page.count('webhooks_total{result="delivered"}') for page in metrics]
    assert any(delivered)
    logs = "".join(portal.log.read_text() for portal in portals)
    assert "hidden" not in logs
    assert SECRET not in logs
    fake.close()


def sender_to(receiver: Receiver, portal: Portal, pauses: tuple[float, ...] = (0.0, 0.0, 0.0)) -> Sender:
    return Sender(read_webhooks(f"{receiver.url} {SECRET}"), portal.register, portal.metrics, pauses)


def counted(portal: Portal, result: str) -> float:
    value = portal.metrics.registry.get_sample_value("ensemble_portal_webhooks_total", {"result": result})
    return value or 0.0


ROOM = Room("a", "a", "h-1", "h-1.test")


async def until(condition, seconds: float = 15.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def test_an_event_is_repeated_until_it_is_taken_or_given_up(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    portal = Portal(settings())
    sender = sender_to(receiver, portal)
    receiver.statuses = [500, 307, 200]
    sender.room_created(ROOM, True, None)
    await until(lambda: counted(portal, "delivered") == 1)
    assert len(receiver.received) == 3
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 1
    assert {one.path for one in receiver.received} == {"/hook?token=hidden"}, "a redirect is not followed"
    receiver.statuses = [503]
    sender.room_created(ROOM, True, "h-2")
    await until(lambda: counted(portal, "failed") == 1)
    assert len(receiver.received) == 6
    assert caplog.records[-1].reason == "status 503"
    assert "hidden" not in str(vars(caplog.records[-1]))
    await sender.close()


async def test_a_register_that_is_away_stops_no_event(receiver: Receiver) -> None:
    portal = Portal(settings(store="postgresql://nobody@127.0.0.1:1/none"))
    sender = sender_to(receiver, portal)
    sender.see({"h-1"}, set())
    await until(lambda: receiver.events("server.lost") == [{"server": "h-1"}])
    sender.see({"h-1"}, set())
    await asyncio.sleep(0.1)
    assert len(receiver.received) == 1
    await sender.close()


async def test_what_nobody_takes_does_not_pile_up(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensemble_portal.integrations.sender.MOST_WAITING", 5)
    monkeypatch.setattr("ensemble_portal.integrations.sender.LAST_WORDS", 0.01)
    portal = Portal(settings())
    sender = sender_to(receiver, portal, (60.0,))
    for _ in range(20):
        sender.room_created(ROOM, True, None)
        await asyncio.sleep(0)
    assert counted(portal, "dropped") >= 14
    await sender.close()
    assert receiver.received == []


@pytest.mark.parametrize(
    "text",
    [
        "https://crm.example/hook",
        "https://crm.example/hook secret",
        "https://crm.example/hook whsec_c2hvcnQ=",
        "https://crm.example/hook whsec_***",
        f"https://crm.example/hook {SECRET} room.painted",
        f"http://crm.example/hook {SECRET}",
        f"http://192.0.2.300/hook {SECRET}",
        f"https://me:hidden@crm.example/hook {SECRET}",
        f"file:///etc/passwd {SECRET}",
        f"https://crm.example:99999/hook {SECRET}",
    ],
)
def test_webhooks_that_are_wrong_are_refused_without_telling_the_secret(text: str) -> None:
    with pytest.raises(SettingsError, match="ENSEMBLE_WEBHOOKS") as refusal:
        settings(webhooks=text)
    assert SECRET not in str(refusal.value)
    assert "hidden" not in str(refusal.value)


def test_webhooks_that_are_right() -> None:
    read = settings(webhooks=f"https://crm.example/a?b {SECRET} server.lost, http://10.0.0.9:8080/ {SECRET}")
    assert [(one.host, sorted(one.events)) for one in read.webhooks] == [
        ("crm.example", ["server.lost"]),
        ("10.0.0.9:8080", ["room.created", "server.lost"]),
    ]
    assert SECRET not in repr(read)
    assert isinstance(read.webhooks[0], Webhook)
    assert open_store(read.store)

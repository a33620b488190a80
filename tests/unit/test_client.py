# SPDX-License-Identifier: GPL-3.0-or-later
"""The client on bad lines: what it repeats, what it must not, and what it says."""

from __future__ import annotations

import ipaddress
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import certifi
import pytest
from ansible_collections.ensemble.jitsi.plugins.module_utils.client import Client
from ansible_collections.ensemble.jitsi.plugins.module_utils.errors import ApiError, Invalid, LostAnswer, ScalewayError
from ansible_collections.ensemble.jitsi.plugins.module_utils.settings import Settings
from ansible_collections.ensemble.jitsi.plugins.module_utils.transport import IN_FLIGHT
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

KEY = "22222222-2222-4222-8222-222222222222"
RESET = "reset"


class Api:
    """Answers in the order of `script`, then 200 {}; an entry is (status, body) or RESET. Remembers what came."""

    def __init__(self) -> None:
        self.script: list[Any] = []
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.connections = 0
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                api.connections += 1
                super().setup()

            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                api.seen.append((self.command, self.path, dict(self.headers)))
                step = api.script.pop(0) if api.script else (200, b"{}")
                if step == RESET:
                    self.close_connection = True
                    return
                status, body = step
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *_arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


def speak_tls(api: Api, folder: Path) -> Path:
    """From now on the API has a certificate for its address; returns the file to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "an authority")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), today, today + timedelta(1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    api.server.socket = context.wrap_socket(api.server.socket, server_side=True)
    return folder / "certificate.pem"


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    thread = threading.Thread(target=api.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield api
    api.server.shutdown()
    thread.join()
    api.server.server_close()


@pytest.fixture
def client(api: Api) -> Client:
    return Client(Settings(secret_key=KEY, api_url=api.url, api_timeout=2.0), sleep=lambda _seconds: None)


@pytest.mark.parametrize("failure", [(429, b""), (500, b"<html>"), (503, b""), (504, b'{"message":"x"}'), RESET])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_repeats_what_may_be_repeated(method: str, failure: Any, api: Api, client: Client) -> None:
    api.script = [failure, failure, (200, b'{"a":1}')]
    assert client.send(method, "/x") == {"a": 1}
    assert len(api.seen) == 3


@pytest.mark.parametrize("failure", [(502, b""), RESET])
def test_a_post_whose_answer_got_lost_is_looked_for_first(failure: Any, api: Api, client: Client) -> None:
    api.script = [failure]
    assert client.post("/x", {}, recover=lambda: {"id": "made"}) == {"id": "made"}
    assert len(api.seen) == 1
    api.script = [failure, failure, (201, b'{"id":"third"}')]
    assert client.post("/x", {}, recover=lambda: None) == {"id": "third"}
    api.script = [failure]
    with pytest.raises(LostAnswer):
        client.post("/x", {})


def test_a_refused_post_is_repeated_without_looking(api: Api, client: Client) -> None:
    def never() -> None:
        raise AssertionError("nothing was lost")

    api.script = [(429, b""), (409, b'{"type":"transient_state"}'), (201, b'{"id":"x"}')]
    assert client.post("/x", {}, recover=never) == {"id": "x"}


def test_refusals_are_told_whole(api: Api, client: Client) -> None:
    details = b'[{"argument_name":"placement_group","reason":"constraint","help_message":"not a valid value"}]'
    api.script = [(400, b'{"type":"invalid_arguments","message":"invalid argument(s)","details":' + details + b"}")]
    with pytest.raises(ApiError, match="placement_group: not a valid value") as caught:
        client.post("/servers", {})
    assert caught.value.details()["status"] == 400
    for body, said in (
        (b'{"message":"lbs not Found"}', "lbs not Found"),
        (b"", "no explanation"),
        (b"<html>", "no explanation"),
        (b'{"type":"out_of_stock","resource":"DEV1-L"}', "another commercial_type"),
    ):
        api.script = [(404, body)]
        with pytest.raises(ApiError, match=said):
            client.get("/x")


def test_out_of_stock_is_not_waited_for(api: Api, client: Client) -> None:
    api.script = [(503, b'{"type":"out_of_stock","resource":"DEV1-L"}')]
    with pytest.raises(ApiError, match="out_of_stock"):
        client.post("/servers", {})
    assert len(api.seen) == 1


def test_gives_up_after_its_time(api: Api) -> None:
    client = Client(Settings(secret_key=KEY, api_url=api.url, api_retry_time=0.05), sleep=lambda _seconds: None)
    api.script = [(500, b"")] * 100000
    with pytest.raises(LostAnswer, match="500"):
        client.get("/x")


def test_404_is_none_or_done(api: Api, client: Client) -> None:
    api.script = [(404, b"{}"), (404, b"{}"), (404, b"")]
    assert client.find("/x") is None
    client.delete("/x")
    assert client.text("/x") is None


def test_pages_and_one_connection(api: Api, client: Client) -> None:
    api.script = [
        (200, b'{"ips":[{"id":1},{"id":2}],"total_count":3}'),
        (200, b'{"ips":[{"id":2},{"id":3}],"total_count":3}'),
    ]
    assert client.list("/ipam/v1/ips", "ips") == [{"id": 1}, {"id": 2}, {"id": 3}]
    assert "page_size=100" in api.seen[0][1]
    assert api.connections == 1


def test_what_is_sent_about_us(api: Api, client: Client) -> None:
    client.get("/x")
    headers = api.seen[0][2]
    assert headers["X-Auth-Token"] == KEY
    assert headers["User-Agent"].startswith("ensemble.jitsi/")
    assert "Cookie" not in headers


def test_the_key_is_shown_nowhere(api: Api, client: Client) -> None:
    api.script = [(401, b'{"type":"denied_authentication"}')]
    with pytest.raises(ApiError) as caught:
        client.get("/x")
    for text in (str(caught.value), repr(client.settings), repr(caught.value.details()), str(vars(client))):
        assert KEY not in text


def test_something_that_is_not_this_api(api: Api, client: Client) -> None:
    api.script = [(200, b"<html>hello</html>")]
    with pytest.raises(ScalewayError, match="does not answer in JSON"):
        client.get("/x")
    api.script = [(302, b"")]
    with pytest.raises(ApiError, match="302"):
        client.get("/x")


def test_an_address_where_nobody_listens(api: Api) -> None:
    api.server.socket.close()
    client = Client(Settings(secret_key=KEY, api_url="http://127.0.0.1:1"))
    with pytest.raises(ScalewayError, match="cannot be reached: the connection was refused"):
        client.get("/x")


def test_settings_win_over_the_environment(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy that a task names, not the shell's."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    client = Client(Settings(secret_key=KEY, api_url="http://api.invalid", api_proxy=api.url))
    client.get("/x")
    assert api.seen[0][1] == "http://api.invalid/x"


def test_a_certificate_authority_of_ones_own(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = speak_tls(api, tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    settings = Settings(secret_key=KEY, api_url=api.url.replace("http:", "https:"), api_ca_path=str(authority))
    assert Client(settings).get("/x") == {}
    with pytest.raises(Invalid, match="not trusted"):
        Client(replace(settings, api_ca_path="")).get("/x")


def test_tls_where_there_is_none(api: Api) -> None:
    client = Client(Settings(secret_key=KEY, api_url=api.url.replace("http:", "https:")))
    with pytest.raises(Invalid, match="does not use TLS"):
        client.get("/x")


def test_concurrency_keeps_order_and_failures(client: Client) -> None:
    def work(number: int) -> int:
        if number == 3:
            raise Invalid("three")
        return number * 2

    results = client.outcomes(work, range(6))
    assert [str(each) for each in results] == ["0", "2", "4", "three", "8", "10"]
    with pytest.raises(Invalid):
        client.each(work, range(6))


def test_requests_in_flight_are_bounded_however_deep_the_calls(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    send, lock, full = client._session.request, threading.Lock(), threading.Event()
    inside: list[int] = []
    most = 0

    def counted(*arguments: Any, **options: Any) -> Any:
        nonlocal most
        with lock:
            inside.append(1)
            most = max(most, len(inside))
            if len(inside) >= IN_FLIGHT:
                full.set()
        full.wait(10)
        try:
            return send(*arguments, **options)
        finally:
            with lock:
                inside.pop()

    monkeypatch.setattr(client._session, "request", counted)
    client.each(lambda _zone: client.each(lambda _page: client.get("/x"), range(6)), range(8))
    assert most == IN_FLIGHT


def test_a_lookup_that_many_need_is_made_once(client: Client) -> None:
    calls: list[int] = []
    client.each(lambda _number: client.once("key", lambda: calls.append(1) or "x"), range(50))
    assert calls == [1]

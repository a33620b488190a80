# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the API's objects say, HAProxy itself finds the configuration valid."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from ensemble_lab.ca import Authority, load_or_create
from ensemble_lab.drivers.docker.balancer import render
from ensemble_lab.drivers.docker.haproxy import Haproxy
from ensemble_lab.drivers.docker.processes import Processes

pytestmark = pytest.mark.skipif(not shutil.which("haproxy"), reason="needs haproxy")

CHECK = {
    "port": 8080,
    "check_delay": 60000,
    "check_timeout": 30000,
    "check_max_retries": 2,
    "check_send_proxy": False,
    "transient_check_delay": "0.500s",
}
HTTP_CHECK = CHECK | {"http_config": {"uri": "/healthz?a=b c", "method": "GET", "code": 200, "host_header": "a.test"}}
HTTPS_CHECK = CHECK | {
    "https_config": {"uri": "/", "method": "HEAD", "code": 204, "host_header": "", "sni": "a.test"},
    "check_send_proxy": True,
}
BACKEND = {
    "id": "b",
    "forward_protocol": "http",
    "forward_port": 8080,
    "forward_port_algorithm": "roundrobin",
    "sticky_sessions": "none",
    "sticky_sessions_cookie_name": "",
    "timeout_connect": 5000,
    "timeout_server": 300000,
    "timeout_tunnel": 900000,
    "timeout_queue": "0s",
    "max_retries": None,
    "max_connections": None,
    "pool": ["10.87.1.1", "10.87.1.2"],
    "proxy_protocol": "proxy_protocol_none",
    "ssl_bridging": False,
    "ignore_ssl_server_verify": None,
    "on_marked_down_action": "on_marked_down_action_none",
    "health_check": CHECK | {"tcp_config": {}},
}
FRONTEND = {"id": "f", "inbound_port": 443, "backend_id": "b", "certificate_ids": [], "timeout_client": 300000}


def acl(index: int, action: dict, **match: object) -> dict:
    return {"id": str(index), "frontend_id": "f", "index": index, "action": action, "match": match}


def check(folder: Path, text: str) -> None:
    config = folder / "haproxy.cfg"
    config.write_text(text.replace("{folder}", str(folder)))
    result = subprocess.run(["haproxy", "-c", "-f", str(config)], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"forward_protocol": "tcp"},
        {"health_check": HTTP_CHECK, "forward_port_algorithm": "leastconn"},
        {"health_check": HTTPS_CHECK, "ssl_bridging": True, "ignore_ssl_server_verify": True},
        {"ssl_bridging": True, "ignore_ssl_server_verify": False},
        {"sticky_sessions": "cookie", "sticky_sessions_cookie_name": "node"},
        {"sticky_sessions": "table", "forward_port_algorithm": "first"},
        {"proxy_protocol": "proxy_protocol_v2", "on_marked_down_action": "shutdown_sessions"},
        {"redispatch_attempt_count": 1, "timeout_connect": 1000},
        {"max_connections": 100, "timeout_queue": "2.5s", "max_retries": 0, "pool": []},
    ],
)
def test_backends(tmp_path, changes):
    check(tmp_path, render(["127.0.0.1"], [FRONTEND], [BACKEND | changes], set(), [], []))


def test_acls_routes_and_limits(tmp_path):
    acls = [
        acl(1, {"type": "deny"}, ip_subnet=["10.0.0.0/8", "192.0.2.1"], http_filter="acl_http_filter_none"),
        acl(2, {"type": "allow"}, http_filter="path_begin", http_filter_value=["/a b", "/c"]),
        acl(
            3,
            {"type": "redirect", "redirect": {"type": "scheme", "target": "https", "code": 307}},
            http_filter="http_header_match",
            http_filter_option="host",
            http_filter_value=["a.test"],
            invert=True,
            ip_subnet=["10.0.0.0/8"],
        ),
        acl(4, {"type": "deny"}, http_filter="regex", http_filter_value=["^/x.*$"]),
    ]
    routes = [
        {"frontend_id": "f", "backend_id": "b", "match": {"host_header": "a.test", "match_subdomains": True}},
        {"frontend_id": "f", "backend_id": "b", "match": {"path_begin": "/p"}},
    ]
    limited = FRONTEND | {"connection_rate_limit": 10}
    check(tmp_path, render(["127.0.0.1"], [limited], [BACKEND], set(), acls, routes))
    by_name = [{"frontend_id": "f", "backend_id": "b", "match": {"sni": "a.test"}}]
    check(tmp_path, render(["127.0.0.1"], [FRONTEND], [BACKEND | {"forward_protocol": "tcp"}], set(), acls, by_name))


def test_tls_only_with_a_certificate_that_is_ready(tmp_path):
    (tmp_path / "c.pem").write_text(load_or_create(tmp_path / "ca").issue(["a.test"]).bundle)
    secure = FRONTEND | {"certificate_ids": ["c", "pending"]}
    text = render(["127.0.0.1"], [secure], [BACKEND], {"c"}, [], [])
    assert "bind 127.0.0.1:443 ssl crt" in text
    check(tmp_path, text)
    text = render(["127.0.0.1"], [secure], [BACKEND], set(), [], [])
    assert ":443" not in text, "no plain text where TLS was asked for"
    check(tmp_path, text)


@pytest.mark.parametrize("oldest", ["TLSv1.0", "TLSv1.2", "TLSv1.3"])
def test_versions_of_tls(tmp_path, oldest):
    (tmp_path / "c.pem").write_text(load_or_create(tmp_path / "ca").issue(["a.test"]).bundle)
    text = render(["127.0.0.1"], [FRONTEND | {"certificate_ids": ["c"]}], [BACKEND], {"c"}, [], [], tls=oldest)
    assert f"ssl-min-ver {oldest}" in text
    check(tmp_path, text)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Door:
    """A balancer with a frontend that redirects and one that serves by TLS, before a slow server of the test."""

    def __init__(self, folder: Path, authority: Authority, behind: int) -> None:
        self.authority = authority
        (folder / "processes").mkdir()
        self.haproxy = Haproxy(Processes(folder / "processes"), "door", folder / "haproxy")
        self.plain, self.secure = free_port(), free_port()
        self.backend = BACKEND | {"forward_port": behind, "pool": ["127.0.0.1"]}
        self.backend["health_check"] = CHECK | {"port": behind, "tcp_config": {}}

    async def serve(self, certificate: str, names: list[str], oldest: str = "TLSv1.2") -> None:
        frontends = [
            FRONTEND | {"id": "plain", "inbound_port": self.plain},
            FRONTEND | {"id": "secure", "inbound_port": self.secure, "certificate_ids": [certificate]},
        ]
        redirect = {"type": "redirect", "redirect": {"type": "scheme", "target": "https", "code": 301}}
        everybody = acl(1, redirect, ip_subnet=["0.0.0.0/0", "::/0"]) | {"frontend_id": "plain"}
        bundles = {f"{certificate}.pem": self.authority.issue(names).bundle}
        text = render(["127.0.0.1"], frontends, [self.backend], {certificate}, [everybody], [], tls=oldest)
        await self.haproxy.configure(text, bundles)

    def trust(self, **bounds: ssl.TLSVersion) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.authority.file))
        for name, version in bounds.items():
            setattr(context, name, version)
        return context

    async def served(self) -> str:
        """The common name of the certificate that a new visitor is shown."""
        _, writer = await asyncio.open_connection(
            "127.0.0.1", self.secure, ssl=self.trust(), server_hostname="meet.test"
        )
        certificate = writer.get_extra_info("peercert")
        writer.close()
        return next(value for part in certificate["subject"] for name, value in part if name == "commonName")


@pytest_asyncio.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(float(request.query.get("seconds", 0)))
        return web.json_response(dict(request.headers))

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    behind = free_port()
    await web.TCPSite(runner, "127.0.0.1", behind).start()
    door = Door(tmp_path, load_or_create(tmp_path / "ca"), behind)
    yield door
    await door.haproxy.remove()
    await runner.cleanup()


async def test_plain_http_leads_to_the_same_page_by_https(door: Door) -> None:
    await door.serve("one", ["meet.test"])
    async with aiohttp.ClientSession() as visitor:
        asked = f"http://127.0.0.1:{door.plain}/room/h-1/a?b=c"
        answer = await visitor.get(asked, headers={"host": "meet.test"}, allow_redirects=False)
        assert (answer.status, answer.headers["location"]) == (301, "https://meet.test/room/h-1/a?b=c")
        secure = await visitor.get(
            f"https://127.0.0.1:{door.secure}/", ssl=door.trust(), server_hostname="meet.test",
            headers={"x-forwarded-proto": "http"},
        )  # fmt: skip
        assert (await secure.json())["X-Forwarded-Proto"] == "https", "a visitor's own word does not count"


async def test_another_certificate_cuts_nobody(door: Door) -> None:
    """New visitors are shown the new one at once; a request on its way comes to its end; the old file goes."""
    await door.serve("one", ["one.test", "meet.test"])
    assert await door.served() == "one.test"
    over, outcomes = asyncio.Event(), []

    async def ask(visitor: aiohttp.ClientSession, seconds: float) -> None:
        url = f"https://127.0.0.1:{door.secure}/?seconds={seconds}"
        outcomes.append((await visitor.get(url, ssl=door.trust(), server_hostname="meet.test")).status)

    async def come() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as visitor:
            while not over.is_set():
                await ask(visitor, 0)

    async with asyncio.TaskGroup() as visitors, aiohttp.ClientSession() as patient:
        visitors.create_task(come())
        slow = visitors.create_task(ask(patient, 2))
        await asyncio.sleep(0.3)
        for name in ("two", "three"):
            await door.serve(name, [f"{name}.test", "meet.test"])
            assert await door.served() == f"{name}.test"
        assert not slow.done(), "the slow request crossed the changes"
        await slow
        over.set()
    assert set(outcomes) == {200}
    assert [path.name for path in door.haproxy._folder.glob("*.pem")] == ["three.pem"]


async def test_what_is_older_than_the_level_is_refused(door: Door) -> None:
    old = door.trust(maximum_version=ssl.TLSVersion.TLSv1_2)
    await door.serve("one", ["meet.test"])
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as visitor:
        url = f"https://127.0.0.1:{door.secure}/"
        assert (await visitor.get(url, ssl=old, server_hostname="meet.test")).status == 200
        await door.serve("one", ["meet.test"], "TLSv1.3")
        with pytest.raises(aiohttp.ClientConnectorSSLError):
            await visitor.get(url, ssl=old, server_hostname="meet.test")

# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the API's objects say, HAProxy itself finds the configuration valid."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from ensemble_lab.ca import load_or_create
from ensemble_lab.drivers.docker.balancer import render

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

# SPDX-License-Identifier: GPL-3.0-or-later
"""Load balancers: the API's objects, written as a HAProxy configuration on addresses of the bridge."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ensemble_lab.drivers.base import DriverError, Object
from ensemble_lab.drivers.docker.haproxy import Haproxy
from ensemble_lab.drivers.docker.network import Network
from ensemble_lab.drivers.docker.private_networks import PrivateNetworks, Way
from ensemble_lab.drivers.docker.processes import Processes
from ensemble_lab.drivers.docker.records import Records

log = logging.getLogger(__name__)

_DEFAULTS = """\
defaults
    mode http
    option httplog
    option dontlognull
    timeout connect 5s
    timeout client 300s
    timeout server 300s

"""
_KEPT = ("id", "ip", "private_networks", "ssl_compatibility_level")
_TLS_1_2 = "TLSv1.2"
_TLS = {"ssl_compatibility_level_modern": "TLSv1.3", "ssl_compatibility_level_old": "TLSv1.0"}
_CHECK_STATUS = {
    "L4OK": "passed",
    "L6OK": "passed",
    "L7OK": "passed",
    "L7OKC": "condpass",
    "INI": "neutral",
    "": "unknown",
}


class Balancers:
    def __init__(
        self,
        network: Network,
        private_networks: PrivateNetworks,
        processes: Processes,
        kept: Records,
        folder: Path,
    ):
        self._network, self._private_networks = network, private_networks
        self._processes, self._kept, self._folder = processes, kept, folder

    async def start(self) -> None:
        """Load balancers of an earlier run work on; those that ended with the machine are started again."""
        for ident, record in self._kept.entries():
            try:
                await self.apply(**record)
            except DriverError as problem:
                log.error("load balancer %s cannot be started: %s", ident, problem)

    async def apply(
        self,
        lb: Object,
        frontends: list[Object],
        backends: list[Object],
        certificates: list[Object],
        acls: list[Object],
        routes: list[Object],
    ) -> None:
        before = self._kept.get(lb["id"])
        addresses = _addresses(lb)
        for address in addresses:
            await self._network.add_own_address(address)
        for address in set(_addresses(before["lb"]) if before else []) - set(addresses):
            await self._network.remove_own_address(address)
        ready = {certificate["id"]: certificate["pem"] for certificate in certificates if certificate.get("pem")}
        files = {f"{ident}.pem": pem for ident, pem in ready.items()}
        tls = _TLS.get(lb.get("ssl_compatibility_level", ""), _TLS_1_2)
        ways = await self._private_networks.ways(lb)
        config = render(addresses, frontends, backends, set(ready), acls, routes, ways, tls)
        await self._haproxy(lb["id"]).configure(config, files)
        self._kept.put(
            lb["id"],
            {
                "lb": {key: lb[key] for key in _KEPT if key in lb},
                "frontends": frontends,
                "backends": backends,
                "certificates": certificates,
                "acls": acls,
                "routes": routes,
            },
        )

    async def delete(self, ident: str) -> None:
        record = self._kept.get(ident)
        await self._haproxy(ident).remove()
        for address in _addresses(record["lb"]) if record else []:
            await self._network.remove_own_address(address)
        self._kept.drop(ident)

    async def destroy(self) -> None:
        for ident, _ in self._kept.entries():
            await self.delete(ident)

    async def stats(self, ident: str) -> list[Object]:
        """Health of each backend server, as ``backend-stats`` shows it."""
        now = datetime.now(UTC)
        return [
            {
                "instance_id": "",
                "backend_id": row["pxname"].removeprefix("backend-"),
                "ip": row["addr"].rpartition(":")[0],
                "server_state": _server_state(row["status"]),
                "server_state_changed_at": _moment(now - timedelta(seconds=int(row["lastchg"] or 0))),
                "last_health_check_status": _CHECK_STATUS.get(row["check_status"].lstrip("* "), "failed"),
            }
            for row in await self._haproxy(ident).servers()
        ]

    def _haproxy(self, ident: str) -> Haproxy:
        return Haproxy(self._processes, f"lb-{ident}", self._folder / ident)


def render(
    addresses: list[str],
    frontends: list[Object],
    backends: list[Object],
    certificates: set[str],
    acls: list[Object],
    routes: list[Object],
    ways: Sequence[Way] = (),
    tls: str = _TLS_1_2,
) -> str:
    """The configuration of one load balancer; `certificates` are the ids of those that can be used, `tls` the oldest
    version that it speaks.

    A frontend whose certificates are not ready yet does not listen: it must never answer in plain text.
    """
    by_id = {backend["id"]: backend for backend in backends}
    lines: list[str] = []
    for frontend in frontends:
        if frontend["certificate_ids"] and not certificates.intersection(frontend["certificate_ids"]):
            continue
        own_acls = sorted((acl for acl in acls if acl["frontend_id"] == frontend["id"]), key=lambda acl: acl["index"])
        own_routes = [route for route in routes if route["frontend_id"] == frontend["id"]]
        bundles = [ident for ident in frontend["certificate_ids"] if ident in certificates]
        secure = _secure(bundles, tls) if bundles else ""
        lines += _frontend(addresses, frontend, by_id[frontend["backend_id"]], secure, own_acls, own_routes)
    for backend in backends:
        lines += _backend(backend, addresses[0], ways)
    if not any(line.startswith("frontend ") for line in lines):
        lines += ["frontend nothing-yet", "    bind unix@{folder}/idle.sock"]
    return _DEFAULTS + "\n".join(lines) + "\n"


def _frontend(
    addresses: list[str],
    frontend: Object,
    backend: Object,
    secure: str,
    acls: list[Object],
    routes: list[Object],
) -> list[str]:
    http = backend["forward_protocol"] == "http"
    tls = f"{secure} alpn {'h2,http/1.1' if http else 'http/1.1'}" if secure else ""
    lines = [f"frontend frontend-{frontend['id']}", f"    mode {'http' if http else 'tcp'}"]
    lines += [f"    bind {address}:{frontend['inbound_port']}{tls}" for address in addresses]
    if not http:
        lines.append("    option tcplog")
    if frontend.get("timeout_client"):
        lines.append(f"    timeout client {frontend['timeout_client']}ms")
    if rate := frontend.get("connection_rate_limit"):
        lines.append("    stick-table type ip size 100k expire 10s store conn_rate(1s)")
        lines.append("    tcp-request connection track-sc0 src")
        lines.append(f"    tcp-request connection reject if {{ sc0_conn_rate gt {rate} }}")
    if http:
        lines.append("    option forwardfor")
        lines.append("    option idle-close-on-response")  # a reload must not cross a request on its way
        lines.append(f"    http-request set-header X-Forwarded-Proto {'https' if tls else 'http'}")
    for number, acl in enumerate(acls):
        lines += _acl(acl, f"acl-{number}", http)
    for number, route in enumerate(routes):
        lines += _route(route, f"route-{number}", http)
    return [*lines, f"    default_backend backend-{backend['id']}", ""]


def _secure(bundles: list[str], tls: str) -> str:
    """What makes a bind line one of TLS."""
    weak = " ciphers ALL:@SECLEVEL=0" if tls < _TLS_1_2 else ""  # without it no library speaks what is older
    return f" ssl{''.join(f' crt {{folder}}/{ident}.pem' for ident in bundles)} ssl-min-ver {tls}{weak}"


def _acl(acl: Object, name: str, http: bool) -> list[str]:
    match, lines, conditions = acl["match"], [], []
    if match.get("ip_subnet"):
        lines.append(f"    acl {name}-ip src {' '.join(match['ip_subnet'])}")
        conditions.append(f"{name}-ip")
    values = " ".join(_quoted(value) for value in match.get("http_filter_value") or [])
    test = {
        "path_begin": "path_beg",
        "path_end": "path_end",
        "regex": "path_reg",
        "http_header_match": f"req.hdr({match.get('http_filter_option') or 'host'})",
    }.get(match.get("http_filter") or "")
    if http and test and values:
        lines.append(f"    acl {name}-http {test} {values}")
        conditions.append(f"{name}-http")
    if not conditions:
        return []
    condition = " ".join(conditions)
    if match.get("invert"):
        condition = " or ".join(f"!{part}" for part in conditions)
    return [*lines, f"    {_acl_action(acl['action'], http)} if {condition}"]


def _acl_action(action: Object, http: bool) -> str:
    if action["type"] == "redirect" and http:
        redirect = action.get("redirect") or {}
        kind = "scheme" if redirect.get("type") == "scheme" else "location"
        return (
            f"http-request redirect {kind} {_quoted(redirect.get('target') or '/')} code {redirect.get('code') or 302}"
        )
    if http:
        return f"http-request {'allow' if action['type'] == 'allow' else 'deny'}"
    return f"tcp-request connection {'accept' if action['type'] == 'allow' else 'reject'}"


def _route(route: Object, name: str, http: bool) -> list[str]:
    match, backend = route["match"], f"backend-{route['backend_id']}"
    compare = "end" if match.get("match_subdomains") else "str"
    if match.get("sni"):
        test = "ssl_fc_sni" if http else "req.ssl_sni"
        how = f"{test} -m {compare} -i {_quoted(match['sni'])}"
    elif match.get("host_header"):
        how = f"hdr(host),field(1,:) -m {compare} -i {_quoted(match['host_header'])}"
    elif match.get("path_begin"):
        how = f"path_beg {_quoted(match['path_begin'])}"
    else:
        return []
    wait = (
        []
        if http
        else ["    tcp-request inspect-delay 5s", "    tcp-request content accept if { req.ssl_hello_type 1 }"]
    )
    return [*wait, f"    acl {name} {how}", f"    use_backend {backend} if {name}"]


def _backend(backend: Object, own_address: str, ways: Sequence[Way]) -> list[str]:
    http = backend["forward_protocol"] == "http"
    lines = [
        f"backend backend-{backend['id']}",
        f"    mode {'http' if http else 'tcp'}",
        f"    balance {backend['forward_port_algorithm']}",
        f"    source {own_address}",
        f"    timeout connect {backend['timeout_connect']}ms",
        f"    timeout server {backend['timeout_server']}ms",
        f"    timeout tunnel {backend['timeout_tunnel']}ms",
        f"    retries {backend['max_retries'] if backend.get('max_retries') is not None else 3}",
        f"    option redispatch {backend.get('redispatch_attempt_count') or ''}".rstrip(),
    ]
    if queue := _milliseconds(backend.get("timeout_queue")):
        lines.append(f"    timeout queue {queue}ms")
    cookie = backend.get("sticky_sessions_cookie_name") or "SERVERID"
    if backend["sticky_sessions"] == "cookie" and http:
        lines.append(f"    cookie {cookie} insert indirect nocache")
    elif backend["sticky_sessions"] == "table":
        lines += ["    stick-table type ip size 100k expire 30m", "    stick on src"]
    check = backend["health_check"]
    lines += _check(check)
    options = _server_options(backend, check)
    for number, address in enumerate(backend["pool"]):
        sticky = f" cookie s{number}" if backend["sticky_sessions"] == "cookie" and http else ""
        target = f"{address}:{backend['forward_port']}"
        lines.append(f"    server server-{number} {target}{options}{sticky}{_way(address, ways)}")
    return [*lines, ""]


def _way(address: str, ways: Sequence[Way]) -> str:
    """What leads to a server inside a private network that the balancer is attached to."""
    way = next((way for way in ways if way.reaches(address)), None)
    return f" namespace {way.namespace} source {way.source}" if way else ""


def _check(check: Object) -> list[str]:
    lines = [f"    timeout check {check['check_timeout']}ms"]
    config = check.get("http_config") or check.get("https_config")
    if config:
        host = config.get("host_header")
        header = f" hdr Host {_quoted(host)}" if host else ""
        lines += [
            "    option httpchk",
            f"    http-check send meth {config['method']} uri {_quoted(config['uri'])} ver HTTP/1.1{header}",
            f"    http-check expect status {config['code']}",
        ]
    return lines


def _server_options(backend: Object, check: Object) -> str:
    """A server is out after `check_max_retries` failed checks; while it is in doubt it is asked more often."""
    options = f" check port {check['port']} inter {check['check_delay']}ms"
    options += f" fastinter {_milliseconds(check.get('transient_check_delay')) or 500}ms"
    options += f" fall {max(check['check_max_retries'], 1)} rise 1"
    if check.get("https_config"):
        sni = check["https_config"].get("sni")
        options += " check-ssl" + (f" check-sni {_quoted(sni)}" if sni else "")
    if check.get("https_config") or backend.get("ssl_bridging"):
        options += (
            " verify none" if backend.get("ignore_ssl_server_verify", True) else " verify required ca-file @system-ca"
        )
    if backend.get("ssl_bridging"):
        options += " ssl"
    if check.get("check_send_proxy"):
        options += " check-send-proxy"
    options += {
        "proxy_protocol_v1": " send-proxy",
        "proxy_protocol_v2": " send-proxy-v2",
        "proxy_protocol_v2_ssl": " send-proxy-v2-ssl",
        "proxy_protocol_v2_ssl_cn": " send-proxy-v2-ssl-cn",
    }.get(backend.get("proxy_protocol") or "", "")
    if backend.get("max_connections"):
        options += f" maxconn {backend['max_connections']}"
    if backend.get("on_marked_down_action") == "shutdown_sessions":
        options += " on-marked-down shutdown-sessions"
    return options


def _addresses(lb: Object) -> list[str]:
    return [ip["ip_address"] for ip in lb["ip"] if ":" not in ip["ip_address"]]


def _milliseconds(duration: str | int | None) -> int:
    """``"0.500s"`` -> 500; numbers are milliseconds already."""
    if isinstance(duration, str):
        return round(float(duration.removesuffix("s") or 0) * 1000)
    return duration or 0


def _quoted(value: str) -> str:
    return shlex.quote(value.replace("\n", " "))


def _server_state(status: str) -> str:
    return {"UP": "running", "no check": "running", "DOWN": "stopped", "MAINT": "stopped"}.get(
        status.split(" ")[0] if status != "no check" else status, "starting" if status.startswith("UP") else "stopping"
    )


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

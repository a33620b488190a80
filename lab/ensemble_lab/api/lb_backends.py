# SPDX-License-Identifier: GPL-3.0-or-later
"""Load balancer v1: backends, their servers and health checks."""

from __future__ import annotations

import ipaddress
from typing import Any

from ensemble_lab import errors
from ensemble_lab.api.lb import LB, SERVICE, change, find, keep_part, lb_view, parts_of
from ensemble_lab.cloud import Cloud
from ensemble_lab.store import Object
from ensemble_lab.times import duration, written
from ensemble_lab.web.lists import containing, plain_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply

KIND = "lb_backend"
_CHECKS = ("tcp_config", "http_config", "https_config", "mysql_config", "pgsql_config", "ldap_config", "redis_config")
_CHOICES = {
    "forward_protocol": ("tcp", "http"),
    "forward_port_algorithm": ("roundrobin", "leastconn", "first"),
    "sticky_sessions": ("none", "cookie", "table"),
    "on_marked_down_action": ("on_marked_down_action_none", "shutdown_sessions"),
    "proxy_protocol": (
        "proxy_protocol_none",
        "proxy_protocol_v1",
        "proxy_protocol_v2",
        "proxy_protocol_v2_ssl",
        "proxy_protocol_v2_ssl_cn",
    ),
}
# Every field that a PUT must repeat, with what it falls to if it does not.
_DEFAULTS: Object = {
    "sticky_sessions_cookie_name": "",
    "timeout_server": 300000,
    "timeout_connect": 5000,
    "timeout_tunnel": 900000,
    "timeout_queue": "0s",
    "ssl_bridging": False,
    "ignore_ssl_server_verify": None,
    "redispatch_attempt_count": None,
    "max_retries": 3,
    "max_connections": None,
    "failover_host": None,
}


def backend_view(cloud: Cloud, backend: Object) -> Object:
    lb = cloud.store.get(LB, backend["lb_id"])
    hidden = ("lb_id", "zone")
    return {key: value for key, value in backend.items() if key not in hidden} | {"lb": lb and lb_view(cloud, lb)}


def _fields(call: Call) -> Object:
    """What the body says of a backend, defaults filled in."""
    body = call.body
    call.need("name", "forward_protocol", "forward_port")
    fields: Object = {
        name: body[name] if body.get(name) is not None else default for name, default in _DEFAULTS.items()
    }
    for name, choices in _CHOICES.items():
        fields[name] = body.get(name) or choices[0]
        if fields[name] not in choices:
            raise errors.constraint(name, f"{fields[name]} is not one of {', '.join(choices)}")
    port = body["forward_port"]
    if not isinstance(port, int) or not 1 <= port <= 65535:
        raise errors.constraint("forward_port", f"{port} is not a port")
    fields["timeout_queue"] = duration(fields["timeout_queue"])
    return fields | {
        "name": body["name"],
        "forward_port": port,
        "send_proxy_v2": fields["proxy_protocol"].startswith("proxy_protocol_v2"),
    }


def _health_check(asked: Object, port: int) -> Object:
    """A check in the API's normal form: plain TCP when no kind is given."""
    kinds = [kind for kind in _CHECKS if asked.get(kind) is not None]
    if len(kinds) > 1:
        raise errors.constraint("health_check", f"only one of {', '.join(kinds)} can be given")
    check = {
        "port": asked.get("port") or port,
        "check_delay": _milliseconds(asked, "check_delay", 60000),
        "check_timeout": _milliseconds(asked, "check_timeout", 30000),
        "check_max_retries": asked["check_max_retries"] if asked.get("check_max_retries") is not None else 2,
        "check_send_proxy": bool(asked.get("check_send_proxy")),
        "transient_check_delay": duration(asked.get("transient_check_delay") or "0.5s"),
    }
    kind = kinds[0] if kinds else "tcp_config"
    config = dict(asked.get(kind) or {})
    if kind in ("http_config", "https_config"):
        if not config.get("uri"):
            raise errors.required(f"health_check.{kind}.uri")
        shown: Object = {
            "uri": config["uri"],
            "method": config.get("method") or "GET",
            "code": config.get("code") or 200,
        }
        shown["host_header"] = config.get("host_header") or ""
        config = shown | ({"sni": config.get("sni") or ""} if kind == "https_config" else {})
    return check | {kind: config}


def _milliseconds(asked: Object, name: str, default: int) -> int:
    value: Any = asked.get(name)
    if value is None:
        return default
    try:
        return int(value)
    except (TypeError, ValueError):
        raise errors.constraint(name, f"{value} is not a number of milliseconds") from None


def _servers(call: Call) -> list[str]:
    addresses = call.body.get("server_ip") or []
    for address in addresses:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise errors.constraint("server_ip", f"{address} is not an address") from None
    return list(dict.fromkeys(addresses))


@SERVICE.get("/lbs/{lb}/backends")
def list_backends(call: Call) -> Object:
    lb = find(call, LB, call["lb"])
    backends = containing(call, parts_of(call.cloud, KIND, lb["id"]))
    return plain_list(call, "backends", backends, lambda backend: backend_view(call.cloud, backend))


@SERVICE.post("/lbs/{lb}/backends")
def create_backend(call: Call) -> Object:
    lb, fields = find(call, LB, call["lb"]), _fields(call)
    backend = {
        "id": call.cloud.new_id(),
        **fields,
        "pool": _servers(call),
        "host": "",
        "health_check": _health_check(call.body.get("health_check") or {}, fields["forward_port"]),
        "lb_id": lb["id"],
        "zone": call.zone,
    }
    return written(backend_view(call.cloud, keep_part(call, KIND, backend)))


@SERVICE.get("/backends/{backend}")
def get_backend(call: Call) -> Object:
    return backend_view(call.cloud, find(call, KIND, call["backend"]))


@SERVICE.put("/backends/{backend}")
def update_backend(call: Call) -> Object:
    """All fields but the servers and the health check, which have calls of their own."""
    backend = find(call, KIND, call["backend"])
    backend |= _fields(call)
    return written(backend_view(call.cloud, keep_part(call, KIND, backend)))


@SERVICE.delete("/backends/{backend}")
def delete_backend(call: Call) -> Reply:
    backend = find(call, KIND, call["backend"])
    if any(frontend["backend_id"] == backend["id"] for frontend in call.cloud.store.iterate("lb_frontend")):
        raise errors.precondition("resource_still_in_use", "a frontend uses this backend")
    for route in call.cloud.store.list("lb_route"):
        if route["backend_id"] == backend["id"]:
            call.cloud.store.delete("lb_route", route["id"])
    call.cloud.store.delete(KIND, backend["id"])
    change(call, {"id": backend["lb_id"]})
    return NO_CONTENT


def _set_pool(call: Call, combine: Any) -> Object:
    backend = find(call, KIND, call["backend"])
    backend["pool"] = combine(backend["pool"], _servers(call))
    return written(backend_view(call.cloud, keep_part(call, KIND, backend)))


@SERVICE.put("/backends/{backend}/servers")
def set_servers(call: Call) -> Object:
    return _set_pool(call, lambda old, asked: asked)


@SERVICE.post("/backends/{backend}/servers")
def add_servers(call: Call) -> Object:
    return _set_pool(call, lambda old, asked: old + [address for address in asked if address not in old])


@SERVICE.delete("/backends/{backend}/servers")
def remove_servers(call: Call) -> Object:
    return _set_pool(call, lambda old, asked: [address for address in old if address not in asked])


@SERVICE.put("/backends/{backend}/healthcheck")
def set_health_check(call: Call) -> Object:
    """Answers the bare health check."""
    backend = find(call, KIND, call["backend"])
    call.need("port")
    backend["health_check"] = _health_check(call.body, backend["forward_port"])
    return keep_part(call, KIND, backend)["health_check"]

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any, ClassVar

from ..errors import Invalid
from ..fields import Field, choice, networks, text
from ..plan import CREATE, UPDATE, Plan
from .lb import LbPart

HTTP = {
    "uri": {"type": "str", "required": True},
    "method": {"type": "str", "default": "GET"},
    "code": {"type": "int", "default": 200},
    "host_header": {"type": "str", "default": ""},
}
HEALTH_CHECK = {
    "type": "dict",
    "options": {
        "port": {"type": "int"},
        "check_delay": {"type": "int", "default": 5000},
        "check_timeout": {"type": "int", "default": 3000},
        "check_max_retries": {"type": "int", "default": 3},
        "check_send_proxy": {"type": "bool", "default": False},
        "transient_check_delay": {"type": "str", "default": "0.5s"},
        "tcp_config": {"type": "dict"},
        "http_config": {"type": "dict", "options": HTTP},
        "https_config": {"type": "dict", "options": {**HTTP, "sni": {"type": "str", "default": ""}}},
    },
}
KINDS = ("tcp_config", "http_config", "https_config")
MILLISECONDS = {"type": "int"}


def seconds(duration: Any) -> float | None:
    """`0.500000000s` and `0.500s` are one duration."""
    if duration in (None, ""):
        return None
    try:
        return float(str(duration).rstrip("s"))
    except ValueError:
        raise Invalid(f"{duration!r} is not a time such as 5s.") from None


def wire_duration(duration: Any) -> str | None:
    number = seconds(duration)
    return None if number is None else f"{number:.9f}s"


def normal_check(check: Any) -> dict[str, Any]:
    """A health check without what is not set: exactly one kind, durations as numbers."""
    if not check:
        return {}
    plain = {key: check.get(key) for key in ("port", "check_delay", "check_timeout", "check_max_retries")}
    kind = next((each for each in KINDS[1:] if check.get(each)), KINDS[0])
    config = {key: value for key, value in (check.get(kind) or {}).items() if value not in (None, "")}
    return {
        **{key: None if value is None else int(value) for key, value in plain.items()},
        "check_send_proxy": bool(check.get("check_send_proxy")),
        "transient_check_delay": seconds(check.get("transient_check_delay")),
        kind: config,
    }


def wire_check(check: dict[str, Any]) -> dict[str, Any]:
    normal = normal_check(check)
    delay = wire_duration(normal.pop("transient_check_delay"))
    return normal if delay is None else {**normal, "transient_check_delay": delay}


class LbBackend(LbPart):
    word = "backend"
    key = "backend"
    plural = "backends"
    path = "/lb/v1/zones/{zone}/lbs/{lb_id}/backends"
    item_path = "/lb/v1/zones/{zone}/backends"
    fields = (
        Field("forward_protocol", choice("http", "tcp")),
        Field("forward_port", {"type": "int"}),
        Field("forward_port_algorithm", choice("roundrobin", "leastconn", "first"), created="roundrobin"),
        Field("sticky_sessions", choice("none", "cookie", "table"), created="none"),
        Field("sticky_sessions_cookie_name", normal=text, write=text, created=""),
        Field("timeout_server", MILLISECONDS, created=300000),
        Field("timeout_connect", MILLISECONDS, created=5000),
        Field("timeout_tunnel", MILLISECONDS, created=900000),
        Field("timeout_queue", normal=seconds, write=wire_duration, created="0.000000000s"),
        Field(
            "on_marked_down_action",
            choice("on_marked_down_action_none", "shutdown_sessions"),
            created="on_marked_down_action_none",
        ),
        Field(
            "proxy_protocol",
            choice(*(f"proxy_protocol_{kind}" for kind in ("none", "v1", "v2", "v2_ssl", "v2_ssl_cn"))),
            created="proxy_protocol_none",
        ),
        Field("max_connections", {"type": "int"}),
        Field("max_retries", {"type": "int"}, created=3),
        Field("redispatch_attempt_count", {"type": "int"}),
        Field("ssl_bridging", {"type": "bool"}),
        Field("ignore_ssl_server_verify", {"type": "bool"}),
        Field("failover_host", normal=text),
        Field(
            "server_ip",
            {"type": "list", "elements": "str"},
            part=True,
            at_birth=True,
            read=lambda backend: backend.get("pool") or [],
            normal=networks,
            created=[],
        ),
        Field(
            "health_check",
            HEALTH_CHECK,
            part=True,
            at_birth=True,
            normal=normal_check,
            write=wire_check,
            shown=normal_check,
        ),
    )
    creation_needs = ("name", "forward_protocol", "forward_port")
    options: ClassVar[dict] = {**LbPart.options, "allow_empty": {"type": "bool", "default": False}}

    def resolve(self, name: str, value: Any) -> Any:
        if name == "health_check" and not value.get("port"):
            return {**value, "port": self.arguments.get("forward_port") or (self._current or {}).get("forward_port")}
        return value

    def validate(self, plan: Plan) -> None:
        emptied = plan.changes.get("server_ip") == [] and plan.action == UPDATE
        if emptied and not self.arguments.get("allow_empty"):
            raise Invalid(
                f"{self} sends to {', '.join(plan.there['pool'])}, and server_ip is empty: nobody would be served any "
                "more, perhaps since a look-up found nothing. If it is meant, say allow_empty: true."
            )
        check = plan.wish.get("health_check") or {}
        if len([kind for kind in KINDS if check.get(kind) is not None]) > 1:
            raise Invalid(f"{self}: a health check has one of {', '.join(KINDS)}.")

    def creation_body(self, wish: dict[str, Any]) -> dict[str, Any]:
        default_check = wire_check(
            {"port": wish["forward_port"], "check_delay": 5000, "check_timeout": 3000, "check_max_retries": 3}
        )
        return {"health_check": default_check, **super().creation_body(wish)}

    def write_part(self, name: str, current: dict[str, Any], value: Any) -> None:
        if name == "server_ip":
            self.client.put(self.url(current["id"], "/servers"), {"server_ip": value})
        else:
            self.client.put(self.url(current["id"], "/healthcheck"), wire_check(value))

    def predict(self, plan: Plan) -> dict[str, Any]:
        predicted = super().predict(plan)
        return {**predicted, "pool": plan.wish.get("server_ip", [])} if plan.action == CREATE else predicted

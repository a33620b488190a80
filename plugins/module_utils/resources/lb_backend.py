# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import builtins
from typing import Any, ClassVar

from ..errors import Invalid
from ..fields import Field, choice, networks, text
from ..plan import CREATE, UPDATE, Plan
from .lb import LbPart

HTTP = {
    "uri": {"type": "str", "required": True},
    "method": {"type": "str"},
    "code": {"type": "int"},
    "host_header": {"type": "str"},
}
HEALTH_CHECK = {
    "type": "dict",
    "options": {
        "port": {"type": "int"},
        "check_delay": {"type": "int"},
        "check_timeout": {"type": "int"},
        "check_max_retries": {"type": "int"},
        "check_send_proxy": {"type": "bool"},
        "transient_check_delay": {"type": "str"},
        "tcp_config": {"type": "dict"},
        "http_config": {"type": "dict", "options": HTTP},
        "https_config": {"type": "dict", "options": {**HTTP, "sni": {"type": "str"}}},
    },
}
CHECK = {
    "check_delay": 5000,
    "check_timeout": 3000,
    "check_max_retries": 3,
    "check_send_proxy": False,
    "transient_check_delay": "0.5s",
}
"""A new backend's check, where the task does not say otherwise."""
HTTP_CHECK = {"method": "GET", "code": 200, "host_header": ""}
HTTP_KINDS = ("http_config", "https_config")
KINDS = ("tcp_config", *HTTP_KINDS, "mysql_config", "pgsql_config", "ldap_config", "redis_config")
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


def given(value: dict[str, Any] | None) -> dict[str, Any]:
    """Return a nested argument or API object without null values."""
    return {key: inner for key, inner in (value or {}).items() if inner is not None}


def kind_of(check: dict[str, Any]) -> str | None:
    return next((each for each in KINDS if check.get(each) is not None), None)


def merged_check(check: dict[str, Any], current: dict[str, Any] | None, port: int | None) -> dict[str, Any]:
    """A whole health check, which is how the API takes it: what a task does not speak of stays as it is."""
    desired, there = given(check), given(current)
    kind = kind_of(desired) or kind_of(there) or KINDS[0]
    config = {**given(there.get(kind)), **given(desired.get(kind))}
    if kind in HTTP_KINDS:
        config = {**HTTP_CHECK, **config}
    plain = {key: value for key, value in {**CHECK, **there, **desired}.items() if key not in KINDS}
    return {**plain, "port": port, kind: config}


def normal_check(check: Any) -> dict[str, Any]:
    """A health check without what is not set: exactly one kind, durations as numbers."""
    if not check:
        return {}
    plain = {key: check.get(key) for key in ("port", "check_delay", "check_timeout", "check_max_retries")}
    kind = kind_of(check) or KINDS[0]
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
    # Before the port that the check follows: the next run of an interrupted one finds it where it belongs.
    parts_first = ("health_check",)
    creation_needs = ("name", "forward_protocol", "forward_port")
    options: ClassVar[dict] = {**LbPart.options, "allow_empty": {"type": "bool", "default": False}}

    def desired(self) -> dict[str, Any]:
        """Add the health check if its port must follow a changed `forward_port`."""
        desired, current = super().desired(), self._current or {}
        port = (current.get("health_check") or {}).get("port")
        if current and "health_check" not in desired and self._check_port({}) != port:
            desired["health_check"] = self.resolve("health_check", {})
        return desired

    def resolve(self, name: str, value: Any) -> Any:
        if name != "health_check":
            return value
        several = [kind for kind in KINDS if value.get(kind) is not None]
        if len(several) > 1:
            raise Invalid(f"{self}: a health check can have only one of {', '.join(several)}.")
        return merged_check(value, (self._current or {}).get("health_check"), self._check_port(value))

    def _check_port(self, check: dict[str, Any]) -> int | None:
        """The port to ask: as given, as it is where it is another than the servers' port, or that port."""
        current = self._current or {}
        there, before = (current.get("health_check") or {}).get("port"), current.get("forward_port")
        if check.get("port"):
            return check["port"]
        return there if there not in (None, before) else self.arguments.get("forward_port") or before

    def validate(self, plan: Plan) -> None:
        emptied = plan.changes.get("server_ip") == [] and plan.action == UPDATE
        if emptied and not self.arguments.get("allow_empty"):
            raise Invalid(
                f"{self} sends to {', '.join(plan.there['pool'])}, but server_ip is empty: it would serve nobody any "
                "more, perhaps because a lookup found nothing. If this is intended, set allow_empty: true."
            )

    def creation_body(self, desired: dict[str, Any]) -> dict[str, Any]:
        return {
            "health_check": wire_check(merged_check({}, None, desired["forward_port"])),
            **super().creation_body(desired),
        }

    def change_body(self, current: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
        """With what other clients may have set and this module does not know."""
        body = super().change_body(current, changes)
        return {"host": current["host"], **body} if current.get("host") and body else body

    def write_part(self, name: str, current: dict[str, Any], value: Any) -> None:
        if name == "server_ip":
            self.client.put(self.url(current["id"], "/servers"), {"server_ip": value})
        else:
            self.client.put(self.url(current["id"], "/healthcheck"), wire_check(value))

    def users(self, current: dict[str, Any]) -> builtins.list[str]:
        served = [each for each in self.parts("frontends") if (each.get("backend") or {}).get("id") == current["id"]]
        return [f"frontend {each['name']}" for each in served]

    def predict(self, plan: Plan) -> dict[str, Any]:
        predicted = super().predict(plan)
        return {**predicted, "pool": plan.desired.get("server_ip", [])} if plan.action == CREATE else predicted

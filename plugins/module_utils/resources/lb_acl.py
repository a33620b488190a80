# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any, ClassVar

from ..fields import Field, choice, networks, text, unordered
from ..settings import is_uuid
from .lb import LbPart
from .lb_frontend import LbFrontend

REDIRECT = {
    "type": {"type": "str", "choices": ["location", "scheme"], "default": "location"},
    "target": {"type": "str", "required": True},
    "code": {"type": "int", "choices": [301, 302, 303, 307, 308]},
}
ACTION = {"type": choice("allow", "deny", "redirect", required=True), "redirect": {"type": "dict", "options": REDIRECT}}
MATCH = {
    "ip_subnet": {"type": "list", "elements": "str"},
    "ips_edge_services": {"type": "bool"},
    "http_filter": choice("acl_http_filter_none", "path_begin", "path_end", "regex", "http_header_match"),
    "http_filter_value": {"type": "list", "elements": "str"},
    "http_filter_option": {"type": "str"},
    "invert": {"type": "bool"},
}


def given(value: Any) -> Any:
    """Nested values without what is null, empty, false or the API's word for nothing."""
    if not isinstance(value, dict):
        return value
    cleaned = {key: given(inner) for key, inner in value.items()}
    return {
        key: inner for key, inner in cleaned.items() if inner not in (None, [], "", False, {}, "acl_http_filter_none")
    }


EVERYBODY = ["0.0.0.0/0"]


def normal_match(value: Any) -> Any:
    """What a rule matches: the order of addresses and of values counts as little as their form."""
    lists = {"ip_subnet": networks, "http_filter_value": unordered}
    match = {key: lists[key](inner) if key in lists else inner for key, inner in given(value or {}).items()}
    return {key: inner for key, inner in match.items() if inner != EVERYBODY}


class LbAcl(LbPart):
    word = "ACL"
    key = "acl"
    plural = "acls"
    path = "/lb/v1/zones/{zone}/frontends/{frontend_id}/acls"
    item_path = "/lb/v1/zones/{zone}/acls"
    options: ClassVar[dict] = {**LbPart.options, "frontend": {"type": "str", "required": True}}
    fields = (
        Field("index", {"type": "int"}),
        Field("action", {"type": "dict", "options": ACTION}, normal=given, write=given, shown=given),
        Field("match", {"type": "dict", "options": MATCH}, normal=normal_match, write=given, shown=given),
        Field("description", normal=text, write=text, created=""),
    )
    creation_needs = ("name", "index", "action")

    def parents(self) -> dict[str, Any]:
        return {"frontend_id": self.sibling(LbFrontend, self.arguments["frontend"])}

    def find(self) -> dict[str, Any] | None:
        if not self.arguments.get("id"):
            state, desired = self.arguments.get("state"), self.arguments["frontend"]
            named = {"id" if is_uuid(desired) else "name": desired, "lb": self.arguments["lb"], "state": state}
            frontend = LbFrontend(self.client, named, self.check)
            if (self.check or state == "absent") and frontend.find() is None:
                self.warnings += frontend.warnings
                return None
        return super().find()

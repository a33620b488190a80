# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ..fields import Field, embedded, label, unordered
from .lb import LbPart
from .lb_backend import LbBackend
from .lb_certificate import LbCertificate


class LbFrontend(LbPart):
    word = "frontend"
    key = "frontend"
    plural = "frontends"
    path = "/lb/v1/zones/{zone}/lbs/{lb_id}/frontends"
    item_path = "/lb/v1/zones/{zone}/frontends"
    fields = (
        Field("inbound_port", {"type": "int"}),
        Field("backend", wire="backend_id", read=embedded("backend"), shown=label),
        Field("timeout_client", {"type": "int"}),
        Field(
            "certificates",
            {"type": "list", "elements": "str"},
            wire="certificate_ids",
            read=lambda frontend: frontend.get("certificate_ids") or [],
            normal=unordered,
            shown=label,
        ),
        Field("enable_http3", {"type": "bool"}, normal=bool, created=False),
        Field("connection_rate_limit", {"type": "int"}, normal=lambda limit: limit or None, created=0),
        Field("enable_access_logs", {"type": "bool"}, normal=bool, created=False),
    )
    creation_needs = ("name", "inbound_port", "backend")

    def resolve(self, name: str, value: Any) -> Any:
        if name == "backend":
            return self.sibling(LbBackend, value)
        if name == "certificates":
            return [self.sibling(LbCertificate, each) for each in value]
        return value

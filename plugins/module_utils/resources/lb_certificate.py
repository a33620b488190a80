# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ..errors import Invalid
from ..fields import AT_CREATION, REPLACES, Field, hidden, unordered
from ..plan import REPLACE, Plan
from .lb import LbPart


def names(certificate: dict[str, Any]) -> list[str]:
    """Common name first, then the alternative names."""
    return [certificate.get("common_name") or "", *(certificate.get("subject_alternative_name") or [])]


class LbCertificate(LbPart):
    word = "certificate"
    key = "certificate"
    plural = "certificates"
    path = "/lb/v1/zones/{zone}/lbs/{lb_id}/certificates"
    item_path = "/lb/v1/zones/{zone}/certificates"
    status_key = "status"
    transient = ("pending",)
    failed = ("error",)
    fields = (
        Field("letsencrypt", {"type": "list", "elements": "str"}, change=REPLACES, read=names, normal=unordered),
        Field("certificate_chain", {"type": "str", "no_log": True}, change=AT_CREATION, shown=hidden),
    )
    creation_needs = ("name",)

    def needs(self) -> None:
        super().needs()
        if bool(self.arguments.get("letsencrypt")) == bool(self.arguments.get("certificate_chain")):
            raise Invalid(f"{self} is to be created, which needs either letsencrypt or certificate_chain.")

    def compare(self, current: dict[str, Any], wish: dict[str, Any]) -> Plan:
        """An order that failed is of no use to anybody: order again."""
        if self.status(current) in self.failed:
            self.needs()
            return Plan(REPLACE, current, wish, wish, self.identity(current), {"name": self.name, **self.show(wish)})
        return super().compare(current, wish)

    def creation_body(self, wish: dict[str, Any]) -> dict[str, Any]:
        if "letsencrypt" in wish:
            first, *others = wish["letsencrypt"]
            return {"name": self.name, "letsencrypt": {"common_name": first, "subject_alternative_name": others}}
        return {"name": self.name, "custom_certificate": {"certificate_chain": wish["certificate_chain"]}}

    def predict(self, plan: Plan) -> dict[str, Any]:
        return {"id": None, "name": self.name, **(plan.current or {})}

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import re
import ssl
from typing import Any

from ..errors import Invalid
from ..fields import AT_CREATION, REPLACES, Field, hidden, unordered
from ..plan import Object, Plan, Values
from .lb import LbPart

CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def names(certificate: Object) -> list[str]:
    """Common name first, then the alternative names."""
    return [certificate.get("common_name") or "", *(certificate.get("subject_alternative_name") or [])]


def fingerprints(chain: str) -> set[str]:
    """The digests of the certificates in a PEM text, as hexadecimal digits; of which kind the API shows is its own."""
    found = set()
    for block in CERTIFICATE.findall(chain):
        der = ssl.PEM_cert_to_DER_cert(block)
        found |= {hashlib.sha1(der, usedforsecurity=False).hexdigest(), hashlib.sha256(der).hexdigest()}
    return found


def shown_fingerprint(certificate: Object) -> str:
    return (certificate.get("fingerprint") or "").replace(":", "").lower()


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

    def missing(self) -> str:
        one = bool(self.arguments.get("letsencrypt")) != bool(self.arguments.get("certificate_chain"))
        return super().missing() or ("" if one else "either letsencrypt or certificate_chain")

    def resolve(self, name: str, value: Any) -> Any:
        if name == "certificate_chain":
            try:
                known = fingerprints(value)
            except ValueError as error:
                raise Invalid(f"{self}: certificate_chain cannot be read: {error}.") from None
            if not known:
                raise Invalid(f"{self}: certificate_chain contains no certificate in PEM format (BEGIN CERTIFICATE).")
        return value

    def creation_body(self, desired: Values) -> Object:
        if "letsencrypt" in desired:
            first, *others = desired["letsencrypt"]
            return {"name": self.name, "letsencrypt": {"common_name": first, "subject_alternative_name": others}}
        return {"name": self.name, "custom_certificate": {"certificate_chain": desired["certificate_chain"]}}

    def predict(self, plan: Plan) -> Object:
        return {"id": None, "name": self.name, **(plan.current or {})}

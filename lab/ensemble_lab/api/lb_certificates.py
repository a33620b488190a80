# SPDX-License-Identifier: GPL-3.0-or-later
"""Load balancer v1: certificates, uploaded or from Let's Encrypt (in the lab: from the lab's own CA)."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ensemble_lab import ca, errors
from ensemble_lab.api.domain import resolves
from ensemble_lab.api.lb import IP, LB, SERVICE, change, find, lb_sync, lb_view, parts_of
from ensemble_lab.cloud import Cloud
from ensemble_lab.jobs import job
from ensemble_lab.store import Object
from ensemble_lab.times import NEVER, now, written
from ensemble_lab.web.lists import containing, plain_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply

KIND = "lb_certificate"
ISSUE_SECONDS = (7.0, 9.5, 12.0)


def certificate_view(cloud: Cloud, certificate: Object) -> Object:
    lb = cloud.store.get(LB, certificate["lb_id"])
    shown = {key: value for key, value in certificate.items() if key not in ("lb_id", "zone", "pem")}
    return shown | {"lb": lb and lb_view(cloud, lb)}


@SERVICE.get("/lbs/{lb}/certificates")
def list_certificates(call: Call) -> Object:
    lb = find(call, LB, call["lb"])
    certificates = containing(call, parts_of(call.cloud, KIND, lb["id"]))
    return plain_list(call, "certificates", certificates, lambda certificate: certificate_view(call.cloud, certificate))


@SERVICE.post("/lbs/{lb}/certificates")
def create_certificate(call: Call) -> Object:
    lb, body = find(call, LB, call["lb"]), call.body
    call.need("name")
    asked: Any = body.get("letsencrypt")
    own: Any = body.get("custom_certificate")
    if (asked is None) == (own is None):
        raise errors.invalid(("type", "required", "one of letsencrypt and custom_certificate is expected"))
    moment = now()
    certificate = {
        "id": call.cloud.new_id(),
        "name": body["name"],
        "type": "letsencrypt" if asked is not None else "custom",
        "status": "pending",
        "common_name": "",
        "subject_alternative_name": [],
        "fingerprint": "",
        "not_valid_before": NEVER,
        "not_valid_after": NEVER,
        "status_details": None,
        "created_at": moment,
        "updated_at": moment,
        "lb_id": lb["id"],
        "zone": call.zone,
        "pem": None,
    }
    if asked is not None:
        if not asked.get("common_name"):
            raise errors.required("letsencrypt.common_name")
        certificate["common_name"] = asked["common_name"]
        certificate["subject_alternative_name"] = asked.get("subject_alternative_name") or []
        call.cloud.jobs.start(certificate_issue, [certificate["id"]], certificate_id=certificate["id"])
    else:
        certificate |= _described(own.get("certificate_chain") or "") | {"status": "ready"}
        call.cloud.jobs.start(certificate_fingerprint, [certificate["id"]], certificate_id=certificate["id"])
    call.cloud.store.put(KIND, certificate)
    shown = written(certificate_view(call.cloud, certificate))
    change(call, lb)
    return shown


def _own(pem: str) -> x509.Certificate:
    """The certificate of a bundle that belongs to its key; the others are its chain."""
    key = load_pem_private_key(pem.encode(), None).public_key()
    return next(
        certificate for certificate in x509.load_pem_x509_certificates(pem.encode()) if certificate.public_key() == key
    )


def _described(pem: str) -> Object:
    """What a PEM bundle (key, certificate, chain) says of itself."""
    try:
        certificate = _own(pem)
    except (ValueError, TypeError, StopIteration) as problem:
        raise errors.constraint(
            "certificate_chain", f"a PEM private key and certificate are expected: {problem}"
        ) from None
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    common_name = str(names[0].value) if names else ""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        alternatives = extension.value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        alternatives = []
    return {
        "pem": pem,
        "common_name": alternatives[0] if alternatives else common_name,
        "subject_alternative_name": alternatives[1:],
        "not_valid_before": certificate.not_valid_before_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "not_valid_after": certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _fingerprint(pem: str) -> str:
    return _own(pem).fingerprint(hashes.SHA1()).hex()


@job
async def certificate_fingerprint(cloud: Cloud, certificate_id: str) -> None:
    """The fingerprint shows a little later than the rest."""
    certificate = cloud.store.get(KIND, certificate_id)
    if certificate:
        certificate["fingerprint"] = _fingerprint(certificate["pem"])
        cloud.store.put(KIND, certificate)


@job
async def certificate_issue(cloud: Cloud, certificate_id: str) -> None:
    """As Let's Encrypt does: only for names that lead to the balancer."""
    certificate = cloud.store.get(KIND, certificate_id)
    lb = certificate and cloud.store.get(LB, certificate["lb_id"])
    if not certificate or not lb:
        return
    await cloud.pretend(*ISSUE_SECONDS)
    if cloud.store.get(KIND, certificate_id) is None:
        return
    names = [certificate["common_name"], *certificate["subject_alternative_name"]]
    astray = [name for name in names if not _leads_here(cloud, lb, name)]
    if astray:
        certificate |= {
            "status": "error",
            "status_details": f"{', '.join(astray)} does not resolve to the load balancer",
        }
    else:
        authority = ca.load_or_create(cloud.settings.cache / "ca")
        issued = authority.issue(names)
        described = _described(issued.bundle)
        certificate |= described | {"status": "ready", "fingerprint": _fingerprint(issued.bundle)}
        certificate["subject_alternative_name"] = names[1:]
    certificate["updated_at"] = now()
    cloud.store.put(KIND, certificate)
    cloud.jobs.start(lb_sync, [lb["id"]], lb_id=lb["id"])


def _leads_here(cloud: Cloud, lb: Object, name: str) -> bool:
    ips = [ip for ident in lb["ip_ids"] if (ip := cloud.store.get(IP, ident))]
    return any(f".{name}".endswith(f".{ip['reverse']}") or resolves(cloud, name, ip["ip_address"]) for ip in ips)


@SERVICE.get("/certificates/{certificate}")
def get_certificate(call: Call) -> Object:
    return certificate_view(call.cloud, find(call, KIND, call["certificate"]))


@SERVICE.put("/certificates/{certificate}")
def update_certificate(call: Call) -> Object:
    """The name is all that can change."""
    certificate = find(call, KIND, call["certificate"])
    call.need("name")
    certificate["name"], certificate["updated_at"] = call.body["name"], now()
    return written(certificate_view(call.cloud, call.cloud.store.put(KIND, certificate)))


@SERVICE.delete("/certificates/{certificate}")
def delete_certificate(call: Call) -> Reply:
    certificate = find(call, KIND, call["certificate"])
    if any(certificate["id"] in frontend["certificate_ids"] for frontend in call.cloud.store.iterate("lb_frontend")):
        raise errors.precondition("resource_still_in_use", "a frontend uses this certificate")
    call.cloud.store.delete(KIND, certificate["id"])
    change(call, {"id": certificate["lb_id"]})
    return NO_CONTENT

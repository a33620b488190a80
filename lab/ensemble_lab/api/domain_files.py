# SPDX-License-Identifier: GPL-3.0-or-later
"""Domain v2beta1: zones as files in the format of BIND."""

from __future__ import annotations

import base64

from dnslib import RR, DNSError

from ensemble_lab import errors
from ensemble_lab.api.domain import SERVICE, find_zone, records_of
from ensemble_lab.api.domain_records import TYPES, apply_changes
from ensemble_lab.store import Object
from ensemble_lab.web.service import Call


@SERVICE.get("/dns-zones/{dns_zone}/raw")
def export_zone(call: Call) -> Object:
    """A file as the API hands files out: ``{"name", "content_type", "content": <base64>}``."""
    zone = find_zone(call)["id"]
    lines = [f"$ORIGIN {zone}."]
    lines += [f"{r['name'] or '@'} {r['ttl']} IN {r['type']} {r['data']}" for r in records_of(call.cloud, zone)]
    text = "\n".join(lines) + "\n"
    content = base64.b64encode(text.encode()).decode()
    return {"name": f"{zone}.txt", "content_type": "text/plain; charset=utf-8", "content": content}


@SERVICE.post("/dns-zones/{dns_zone}/raw")
def import_zone(call: Call) -> Object:
    """The records of a file in place of all others; answers with what was written."""
    source = call.body.get("bind_source") or {}
    text = source.get("content") or call.body.get("content")
    if not text:
        raise errors.required("bind_source")
    zone = call["dns_zone"]
    try:
        parsed = RR.fromZone(text, origin=f"{zone}.", ttl=3600)
    except (DNSError, ValueError, IndexError) as problem:
        raise errors.constraint("bind_source", f"not a zone file: {problem}") from None
    records = [record for record in map(_record, parsed) if record["type"] in TYPES]
    added = [record for record in records if (record["type"], record["name"].rstrip(".")) != ("NS", zone)]
    apply_changes(call, [{"clear": {}}, {"add": {"records": added}}], may_make_zone=True)
    return {"records": records_of(call.cloud, zone)}


def _record(parsed: RR) -> Object:
    kind, data = parsed.toZone().split(None, 4)[3:]
    return {"name": str(parsed.rname), "type": kind, "ttl": parsed.ttl, "data": data}

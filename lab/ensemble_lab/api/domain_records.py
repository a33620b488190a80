# SPDX-License-Identifier: GPL-3.0-or-later
"""Domain v2beta1: the records of DNS zones."""

from __future__ import annotations

import ipaddress
from typing import Any

from ensemble_lab import errors
from ensemble_lab.api.domain import (
    RECORD,
    SERVICE,
    ZONE,
    find_zone,
    keep_record,
    new_zone,
    place_of,
    publish,
    record_view,
    records_of,
)
from ensemble_lab.dns_text import kept_text
from ensemble_lab.store import Object
from ensemble_lab.web.lists import plain_list
from ensemble_lab.web.service import Call

_CONFIGS = ("geo_ip_config", "http_service_config", "weighted_config", "view_config")
_TYPE_NAMES = "A AAAA ALIAS CAA CNAME DNAME DS HTTPS LOC MX NAPTR NS PTR SRV SSHFP SVCB TLSA TXT"
TYPES = frozenset(_TYPE_NAMES.split())


@SERVICE.get("/dns-zones/{dns_zone}/records")
def list_records(call: Call) -> Object:
    """With a name or a type: those; name servers come first."""
    records = records_of(call.cloud, find_zone(call)["id"])
    name, kind, ident = call.asked("name"), call.asked("type", "unknown"), call.asked("id")
    if name is not None:
        records = [record for record in records if record["name"] == _name(name, call["dns_zone"])]
    if kind != "unknown":
        records = [record for record in records if record["type"] == (kind or "").upper()]
    if ident is not None:
        records = [record for record in records if record["id"] == ident]
    if (call.asked("order_by") or "name_asc") == "name_asc":
        records.sort(key=lambda record: (record["name"], record["type"] != "NS"))
        call.query = [(key, value) for key, value in call.query if key != "order_by"]
    return plain_list(call, "records", records, most=1000)


def _name(name: str, zone_name: str) -> str:
    """Names are relative to the zone; ``@`` and the zone itself mean the apex."""
    name = name.rstrip(".")
    if name in ("@", zone_name):
        return ""
    return name.removesuffix(f".{zone_name}")


def _written_name(name: str, zone_name: str) -> str:
    """A guess: names that are no host names of DNS, or of another zone, are refused."""
    relative = _name(name, zone_name)
    if not relative.isascii() or " " in relative:
        raise errors.constraint("name", f"{name} is not a name in ASCII")
    if relative and name.endswith(".") and not name.rstrip(".").endswith(f".{zone_name}"):
        raise errors.constraint("name", f"{name} is not in the zone {zone_name}")
    return relative


def _record(call: Call, zone: Object, asked: Object, ident: str | None = None) -> Object:
    """A record in the API's normal form."""
    missing = [name for name in ("type", "data") if not asked.get(name)]
    if missing:
        raise errors.required(*missing)
    kind, data, priority = asked["type"], str(asked["data"]), asked.get("priority") or 0
    if kind not in TYPES:
        raise errors.constraint("type", f"{kind} is not a record type")
    ttl = asked.get("ttl") or 3600
    if not isinstance(ttl, int) or not 60 <= ttl <= 2592000:
        raise errors.constraint("ttl", f"{ttl} is not between 60 and 2592000")
    if kind in ("A", "AAAA"):
        _check_address(kind, data)
    elif kind == "TXT":
        data = kept_text(data)
    elif kind in ("MX", "SRV"):
        data, priority = _with_priority(data, priority, parts=2 if kind == "MX" else 4)
    record = {
        "id": ident or call.cloud.new_id(),
        "name": _written_name(asked.get("name") or "", zone["id"]),
        "type": kind,
        "data": data,
        "ttl": ttl,
        "priority": priority,
        "comment": asked.get("comment"),
    }
    return record | {name: asked[name] for name in _CONFIGS if asked.get(name) is not None}


def _check_address(kind: str, data: str) -> None:
    try:
        right = ipaddress.ip_address(data).version == (4 if kind == "A" else 6)
    except ValueError:
        right = False
    if not right:
        raise errors.constraint("data", f"{data} is not an address for {kind}")


def _with_priority(data: str, priority: int, parts: int) -> tuple[str, int]:
    """MX and SRV carry the priority inside the data, too."""
    words = data.split()
    if len(words) == parts and words[0].isdigit():
        return data, int(words[0])
    return f"{priority} {data}", priority


@SERVICE.patch("/dns-zones/{dns_zone}/records")
def change_records(call: Call) -> Object:
    """All changes, in order, or none of them. A missing zone under an owned domain is made on the way."""
    changes = call.body.get("changes")
    if not isinstance(changes, list):
        raise errors.required("changes")
    touched = apply_changes(call, changes, not call.body.get("disallow_new_zone_creation"))
    if call.body.get("return_all_records") is not False:
        return {"records": records_of(call.cloud, call["dns_zone"])}
    kept = [call.cloud.store.get(RECORD, ident) for ident in touched]
    return {"records": [record_view(record) for record in kept if record]}


def apply_changes(call: Call, changes: list[Object], may_make_zone: bool) -> list[str]:
    """Carry out changes on the zone that the call names; returns the ids of the records that were written."""
    cloud, name = call.cloud, call["dns_zone"]
    known = cloud.store.get(ZONE, name)
    if known is None and not may_make_zone:
        raise errors.denied("dns_zone", "write")
    zone = known or place_of(call, name)
    before = {record["id"]: record for record in cloud.store.list(RECORD) if record["zone"] == name}
    records, touched = dict(before), []
    for change in changes:
        touched += _apply(call, zone, records, change)
    zone = known or new_zone(cloud, zone["domain"], zone["subdomain"], cloud.settings.project)
    for ident in before.keys() - records.keys():
        cloud.store.delete(RECORD, ident)
    for record in records.values():
        if before.get(record["id"]) is not record:
            keep_record(cloud, zone, record)
    publish(cloud, zone)
    return touched


@SERVICE.delete("/dns-zones/{dns_zone}/records")
def clear_records(call: Call) -> Object:
    find_zone(call)
    apply_changes(call, [{"clear": {}}], may_make_zone=False)
    return {}


def _chosen(records: dict[str, Object], change: Object, zone: Object) -> list[Object]:
    """The records that a set or delete speaks of, by id or by fields."""
    if change.get("id"):
        record = records.get(change["id"])
        if record is None:
            raise errors.not_found("dns_record", change["id"])
        return [record]
    fields = change.get("id_fields") or {}
    if not fields.get("type"):
        raise errors.required("id_fields")
    name, kind, data, ttl = (
        _name(fields.get("name") or "", zone["id"]),
        fields["type"].upper(),
        fields.get("data"),
        fields.get("ttl"),
    )
    return [
        record
        for record in records.values()
        if (record["name"], record["type"]) == (name, kind)
        and (
            not data or data.strip('"') == record["data"].strip('"') or record["data"] == f"{record['priority']} {data}"
        )
        and (not ttl or ttl == record["ttl"])
    ]


def _apply(call: Call, zone: Object, records: dict[str, Any], change: Object) -> list[str]:
    """One change on the dict of records; returns the ids of what it wrote."""
    written = []
    if "add" in change:
        for asked in change["add"].get("records") or []:
            record = _record(call, zone, asked)
            _check_clash(records, record)
            records[record["id"]] = record
            written.append(record["id"])
    elif "set" in change:
        old = _chosen(records, change["set"], zone)
        for record in old:
            del records[record["id"]]
        keep_id = change["set"].get("id")
        for asked in change["set"].get("records") or []:
            record = _record(call, zone, asked, keep_id)
            keep_id = None
            records[record["id"]] = record
            written.append(record["id"])
    elif "delete" in change:
        for record in _chosen(records, change["delete"], zone):
            del records[record["id"]]
    elif "clear" in change:
        for record in list(records.values()):
            if not (record["type"] == "NS" and record["name"] == ""):
                del records[record["id"]]
    else:
        raise errors.invalid(("changes", "unknown", "one of add, set, delete and clear is expected"))
    return written


def _check_clash(records: dict[str, Object], new: Object) -> None:
    """The same record twice, or a CNAME beside anything else."""
    for record in records.values():
        if record["name"] != new["name"]:
            continue
        if all(record.get(part) == new.get(part) for part in ("type", "data", *_CONFIGS)):
            raise errors.constraint("records", f"the record {new['name']} {new['type']} {new['data']} exists")
        if "CNAME" in (record["type"], new["type"]) and new["name"]:
            raise errors.constraint("records", f"a CNAME cannot be beside other records of {new['name']}")

# SPDX-License-Identifier: GPL-3.0-or-later
"""Domain v2beta1: DNS zones and records."""

from __future__ import annotations

import ipaddress
from typing import Any

from ensemble_lab import errors
from ensemble_lab.cloud import Cloud
from ensemble_lab.jobs import job
from ensemble_lab.store import Object
from ensemble_lab.times import now_seconds
from ensemble_lab.web.lists import plain_list
from ensemble_lab.web.service import Call, Service

SERVICE = Service("/domain/v2beta1")
ZONE, RECORD = "dns_zone", "dns_record"
_NAME_SERVERS = ["ns0.dom.scw.cloud", "ns1.dom.scw.cloud"]
_CONFIGS = ("geo_ip_config", "http_service_config", "weighted_config", "view_config")
TYPES = (
    "A",
    "AAAA",
    "ALIAS",
    "CAA",
    "CNAME",
    "DNAME",
    "DS",
    "HTTPS",
    "LOC",
    "MX",
    "NAPTR",
    "NS",
    "PTR",
    "SRV",
    "SSHFP",
    "SVCB",
    "TLSA",
    "TXT",
)


def _new_zone(cloud: Cloud, domain: str, subdomain: str, project: str, status: str = "active") -> Object:
    name = f"{subdomain}.{domain}" if subdomain else domain
    zone = {
        "id": name,
        "domain": domain,
        "subdomain": subdomain,
        "ns": _NAME_SERVERS,
        "ns_default": _NAME_SERVERS,
        "ns_master": [],
        "status": status,
        "message": None,
        "updated_at": now_seconds(),
        "project_id": project,
        "linked_products": [],
    }
    cloud.store.put(ZONE, zone)
    for server in _NAME_SERVERS:
        _keep(
            cloud,
            zone,
            {
                "id": cloud.new_id(),
                "name": "",
                "type": "NS",
                "data": f"{server}.",
                "ttl": 1800,
                "priority": 0,
                "comment": None,
            },
        )
    return zone


def ensure_root_zone(cloud: Cloud, domain: str) -> None:
    """The account owns this domain from the start."""
    if cloud.store.get(ZONE, domain) is None:
        _new_zone(cloud, domain, "", cloud.settings.project)


def _keep(cloud: Cloud, zone: Object, record: Object) -> Object:
    return cloud.store.put(RECORD, {**record, "zone": zone["id"], "updated_at": now_seconds()})


def _view(record: Object) -> Object:
    return {key: value for key, value in record.items() if key != "zone"}


def records_of(cloud: Cloud, zone_name: str) -> list[Object]:
    """All records of a zone as the API shows them, oldest first."""
    return [_view(record) for record in cloud.store.iterate(RECORD) if record["zone"] == zone_name]


def resolves(cloud: Cloud, name: str, address: str | None) -> bool:
    """Whether a record of the lab's zones gives this address for a name."""
    name = name.rstrip(".")
    for zone in cloud.store.iterate(ZONE):
        if name != zone["id"] and not name.endswith(f".{zone['id']}"):
            continue
        label = name.removesuffix(zone["id"]).rstrip(".")
        if any((record["name"], record["data"]) == (label, address) for record in records_of(cloud, zone["id"])):
            return True
    return False


@job
async def zone_sync(cloud: Cloud, zone_name: str) -> None:
    """Publish a zone; it is pending until then."""
    zone = cloud.store.get(ZONE, zone_name)
    if zone is None:
        return
    await cloud.driver.zone_apply(zone_name, records_of(cloud, zone_name))
    if cloud.store.get(ZONE, zone_name):
        zone["status"] = "active"
        cloud.store.put(ZONE, zone)


@job
async def zone_remove(cloud: Cloud, zone_name: str) -> None:
    await cloud.driver.zone_delete(zone_name)


def _zone_view(zone: Object) -> Object:
    return {key: value for key, value in zone.items() if key != "id"}


@SERVICE.get("/dns-zones")
def list_zones(call: Call) -> Object:
    domain, project = call.asked("domain"), call.asked("project_id")
    names = call.asked_all("dns_zones") + call.asked_all("dns_zone")
    zones = [
        zone
        for zone in call.cloud.store.iterate(ZONE)
        if domain in (None, zone["domain"])
        and project in (None, zone["project_id"])
        and (not names or zone["id"] in names)
    ]
    return plain_list(call, "dns_zones", zones, _zone_view, order="domain_asc")


@SERVICE.post("/dns-zones")
def create_zone(call: Call) -> Object:
    call.need("domain", "subdomain")
    domain, subdomain = call.body["domain"], call.body["subdomain"]
    if call.cloud.store.get(ZONE, domain) is None:
        raise errors.not_found("domain", domain)
    if call.cloud.store.get(ZONE, f"{subdomain}.{domain}"):
        raise errors.constraint("subdomain", f"{subdomain}.{domain} exists")
    zone = _new_zone(call.cloud, domain, subdomain, call.cloud.project_of(call.body.get("project_id")))
    call.cloud.jobs.start(zone_sync, [zone["id"]], zone_name=zone["id"])
    return _zone_view(zone)


def _find(call: Call) -> Object:
    """The zone; one that is not there is nobody's to look at (403, as clients of the real API have come to expect)."""
    zone = call.cloud.store.get(ZONE, call["dns_zone"])
    if zone is None:
        raise errors.denied("dns_zone", "read")
    return zone


@SERVICE.delete("/dns-zones/{dns_zone}")
def delete_zone(call: Call) -> Object:
    zone = _find(call)
    if not zone["subdomain"]:
        raise errors.message_only(403, "root zone can't be deleted")
    for record in call.cloud.store.list(RECORD):
        if record["zone"] == zone["id"]:
            call.cloud.store.delete(RECORD, record["id"])
    call.cloud.store.delete(ZONE, zone["id"])
    call.cloud.jobs.start(zone_remove, [zone["id"]], zone_name=zone["id"])
    return {}


@SERVICE.get("/dns-zones/{dns_zone}/nameservers")
def list_name_servers(call: Call) -> Object:
    return {"ns": [{"name": name, "ip": []} for name in _find(call)["ns"]]}


@SERVICE.get("/dns-zones/{dns_zone}/records")
def list_records(call: Call) -> Object:
    """With a name or a type: those; name servers come first."""
    records = records_of(call.cloud, _find(call)["id"])
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
    elif kind == "TXT" and not data.startswith('"'):
        data = f'"{data}"'
    elif kind in ("MX", "SRV"):
        data, priority = _with_priority(data, priority, parts=2 if kind == "MX" else 4)
    record = {
        "id": ident or call.cloud.new_id(),
        "name": _name(asked.get("name") or "", zone["id"]),
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
    zone = call.cloud.store.get(ZONE, call["dns_zone"]) or _zone_on_the_way(call)
    before = {record["id"]: record for record in call.cloud.store.list(RECORD) if record["zone"] == zone["id"]}
    records, touched = dict(before), []
    for change in changes:
        touched += _apply(call, zone, records, change)
    if call.cloud.store.get(ZONE, zone["id"]) is None:
        zone = _new_zone(call.cloud, zone["domain"], zone["subdomain"], call.cloud.settings.project)
    for ident in before.keys() - records.keys():
        call.cloud.store.delete(RECORD, ident)
    for record in records.values():
        if before.get(record["id"]) is not record:
            _keep(call.cloud, zone, record)
    zone["status"], zone["updated_at"] = "pending", now_seconds()
    call.cloud.store.put(ZONE, zone)
    call.cloud.jobs.start(zone_sync, [zone["id"]], zone_name=zone["id"])
    if call.body.get("return_all_records") is not False:
        return {"records": records_of(call.cloud, zone["id"])}
    kept = [call.cloud.store.get(RECORD, ident) for ident in touched]
    return {"records": [_view(record) for record in kept if record]}


def _zone_on_the_way(call: Call) -> Object:
    """What the zone would be: ``{"id", "domain", "subdomain"}``; raises where nobody owns the domain above it."""
    name = call["dns_zone"]
    roots = [
        zone["id"]
        for zone in call.cloud.store.iterate(ZONE)
        if not zone["subdomain"] and name.endswith(f".{zone['id']}")
    ]
    if not roots or call.body.get("disallow_new_zone_creation"):
        raise errors.denied("dns_zone", "write")
    root = max(roots, key=len)
    return {"id": name, "domain": root, "subdomain": name.removesuffix(f".{root}")}


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
        raise errors.invalid(("changes", "unknown", "one of add, set, delete and clear is wanted"))
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

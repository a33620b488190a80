# SPDX-License-Identifier: GPL-3.0-or-later
"""Domain v2beta1: DNS zones. Their records are in domain_records, whole zones as files in domain_files."""

from __future__ import annotations

from ensemble_lab import errors
from ensemble_lab.cloud import Cloud
from ensemble_lab.dns_text import NAME_SERVERS
from ensemble_lab.jobs import job
from ensemble_lab.store import Object
from ensemble_lab.times import now_seconds
from ensemble_lab.web.lists import plain_list
from ensemble_lab.web.service import Call, Service

SERVICE = Service("/domain/v2beta1")
ZONE, RECORD = "dns_zone", "dns_record"


def full_name(domain: str, subdomain: str) -> str:
    return f"{subdomain}.{domain}" if subdomain else domain


def new_zone(cloud: Cloud, domain: str, subdomain: str, project: str) -> Object:
    """A zone with its two name servers."""
    name = full_name(domain, subdomain)
    zone: Object = {
        "id": name,
        "domain": domain,
        "subdomain": subdomain,
        "ns": list(NAME_SERVERS),
        "ns_default": list(NAME_SERVERS),
        "ns_master": [],
        "status": "active",
        "message": None,
        "updated_at": now_seconds(),
        "project_id": project,
        "linked_products": [],
        "glue": {},
    }
    cloud.store.put(ZONE, zone)
    for server in NAME_SERVERS:
        keep_record(
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
        new_zone(cloud, domain, "", cloud.settings.project)


def keep_record(cloud: Cloud, zone: Object, record: Object) -> Object:
    return cloud.store.put(RECORD, {**record, "zone": zone["id"], "updated_at": now_seconds()})


def record_view(record: Object) -> Object:
    return {key: value for key, value in record.items() if key != "zone"}


def records_of(cloud: Cloud, zone_name: str) -> list[Object]:
    """All records of a zone as the API shows them, oldest first."""
    return [record_view(record) for record in cloud.store.iterate(RECORD) if record["zone"] == zone_name]


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
    return {key: value for key, value in zone.items() if key not in ("id", "glue")}


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
    _check_free(call, full_name(domain, subdomain))
    zone = new_zone(call.cloud, domain, subdomain, call.cloud.project_of(call.body.get("project_id")))
    publish(call.cloud, zone, "active")
    return _zone_view(zone)


def _check_free(call: Call, name: str) -> None:
    if call.cloud.store.get(ZONE, name):
        raise errors.message_only(409, f"{name} already exists")


def publish(cloud: Cloud, zone: Object, status: str = "pending") -> None:
    """Have the world see what changed in a zone."""
    zone["status"], zone["updated_at"] = status, now_seconds()
    cloud.store.put(ZONE, zone)
    cloud.jobs.start(zone_sync, [zone["id"]], zone_name=zone["id"])


def find_zone(call: Call) -> Object:
    """The zone; one that is not there is nobody's to look at (403, as clients of the real API have come to expect)."""
    zone = call.cloud.store.get(ZONE, call["dns_zone"])
    if zone is None:
        raise errors.denied("dns_zone", "read")
    return zone


def place_of(call: Call, name: str) -> Object:
    """Where a zone of this name belongs: ``{"id", "domain", "subdomain"}``; raises where nobody owns the domain."""
    roots = [
        zone["id"]
        for zone in call.cloud.store.iterate(ZONE)
        if not zone["subdomain"] and name.endswith(f".{zone['id']}")
    ]
    if not roots:
        raise errors.denied("dns_zone", "write")
    root = max(roots, key=len)
    return {"id": name, "domain": root, "subdomain": name.removesuffix(f".{root}")}


@SERVICE.patch("/dns-zones/{dns_zone}")
def update_zone(call: Call) -> Object:
    """Another name below the same domain, or another project."""
    zone, name = find_zone(call), call.body.get("new_dns_zone") or call["dns_zone"]
    if call.body.get("project_id"):
        zone["project_id"] = call.cloud.project_of(call.body["project_id"])
    if name != zone["id"]:
        place = place_of(call, name)
        if not zone["subdomain"] or place["domain"] != zone["domain"]:
            raise errors.constraint("new_dns_zone", f"{zone['id']} cannot become {name}")
        _check_free(call, name)
        records = [record for record in call.cloud.store.list(RECORD) if record["zone"] == zone["id"]]
        forget_zone(call.cloud, zone)
        zone |= place
        for record in records:
            keep_record(call.cloud, zone, record)
    publish(call.cloud, zone)
    return _zone_view(zone)


def forget_zone(cloud: Cloud, zone: Object) -> None:
    """Take a zone and its records out of the state, and out of sight."""
    for record in cloud.store.list(RECORD):
        if record["zone"] == zone["id"]:
            cloud.store.delete(RECORD, record["id"])
    cloud.store.delete(ZONE, zone["id"])
    cloud.jobs.start(zone_remove, [zone["id"]], zone_name=zone["id"])


@SERVICE.delete("/dns-zones/{dns_zone}")
def delete_zone(call: Call) -> Object:
    zone = find_zone(call)
    if not zone["subdomain"]:
        raise errors.message_only(403, "root zone can't be deleted")
    forget_zone(call.cloud, zone)
    return {}


@SERVICE.post("/dns-zones/{dns_zone}/clone")
def clone_zone(call: Call) -> Object:
    """All records of a zone in another one, which ends up with nothing else."""
    source = find_zone(call)
    call.need("dest_dns_zone")
    place = place_of(call, call.body["dest_dns_zone"])
    there = call.cloud.store.get(ZONE, place["id"])
    if there and not call.body.get("overwrite"):
        raise errors.message_only(409, f"{place['id']} already exists")
    if there:
        forget_zone(call.cloud, there)
    project = call.cloud.project_of(call.body.get("project_id") or source["project_id"])
    zone = new_zone(call.cloud, place["domain"], place["subdomain"], project)
    for record in records_of(call.cloud, source["id"]):
        if (record["type"], record["name"]) != ("NS", ""):
            keep_record(call.cloud, zone, {**record, "id": call.cloud.new_id()})
    publish(call.cloud, zone)
    return _zone_view(zone)


@SERVICE.post("/dns-zones/{dns_zone}/refresh")
def refresh_zone(call: Call) -> Object:
    zone = find_zone(call)
    publish(call.cloud, zone)
    return {"dns_zones": [_zone_view(zone)]}


@SERVICE.get("/dns-zones/{dns_zone}/nameservers")
def list_name_servers(call: Call) -> Object:
    zone = find_zone(call)
    return {"ns": [{"name": name, "ip": zone.get("glue", {}).get(name, [])} for name in zone["ns"]]}


@SERVICE.put("/dns-zones/{dns_zone}/nameservers")
def set_name_servers(call: Call) -> Object:
    """Names with their glue addresses."""
    zone, asked = find_zone(call), call.body.get("ns")
    if not isinstance(asked, list) or not all(isinstance(server, dict) and server.get("name") for server in asked):
        raise errors.required("ns")
    zone["ns"], zone["glue"] = [server["name"] for server in asked], {s["name"]: s.get("ip") or [] for s in asked}
    call.cloud.store.put(ZONE, zone)
    return list_name_servers(call)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Cockpit v1: data sources, as the objects they are; nothing is kept in them."""

from __future__ import annotations

from ensemble_lab import errors
from ensemble_lab.cloud import Cloud
from ensemble_lab.store import Object
from ensemble_lab.times import is_past, now
from ensemble_lab.web.lists import containing, equal, plain_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply, Service

SERVICE = Service("/cockpit/v1/regions/{region}")
KIND = "cockpit_data_source"
TYPES = ("metrics", "logs", "traces")
_DAYS = {"metrics": 31, "logs": 7, "traces": 7}
_SECONDS_TO_GRAFANA = 5


def _view(source: Object, written: bool = False) -> Object:
    synchronized = source["origin"] == "scaleway" or is_past(source["created_at"], _SECONDS_TO_GRAFANA)
    shown = {**source, "synchronized_with_grafana": synchronized}
    return shown if written else shown | {"current_month_usage": 0}


def _new(cloud: Cloud, region: str, project: str, name: str, kind: str, days: int, origin: str) -> Object:
    ident, moment = cloud.new_id(), now()
    source = {
        "id": ident,
        "project_id": project,
        "name": name,
        "url": f"https://{ident}.{kind}.cockpit.{region}.scw.cloud",
        "type": kind,
        "origin": origin,
        "created_at": moment,
        "updated_at": moment,
        "retention_days": days,
        "region": region,
    }
    return cloud.store.put(KIND, source)


def _sources(call: Call) -> list[Object]:
    """Those of the region; the default project has some of Scaleway's own, for the metrics and logs of its products."""
    found = [source for source in call.cloud.store.list(KIND) if source["region"] == call.region]
    if not any(source["origin"] == "scaleway" for source in found):
        project = call.cloud.settings.project
        found = [
            *(
                _new(call.cloud, call.region, project, f"Scaleway {kind.capitalize()}", kind, _DAYS[kind], "scaleway")
                for kind in ("metrics", "logs")
            ),
            *found,
        ]
    return found


def _find(call: Call) -> Object:
    source = call.cloud.store.get(KIND, call["source"])
    if source is None or source["region"] != call.region:
        raise errors.not_found("data source", call["source"])
    return source


def _days(call: Call, default: int) -> int:
    days = call.body.get("retention_days")
    if days is not None and not 1 <= days <= 365:
        raise errors.constraint("retention_days", "1 to 365 days are possible")
    return int(days or default)


@SERVICE.get("/data-sources")
def list_sources(call: Call) -> Object:
    types = call.asked_all("types")
    found = equal(call, containing(call, _sources(call)), "project_id", "origin")
    found = [source for source in found if not types or source["type"] in types]
    return plain_list(call, "data_sources", found, _view)


@SERVICE.post("/data-sources")
def create_source(call: Call) -> Object:
    call.need("name")
    kind, project = call.body.get("type"), call.cloud.project_of(call.body.get("project_id"))
    if kind not in TYPES:
        raise errors.constraint("type", f"one of {', '.join(TYPES)} is expected")
    days = _days(call, _DAYS[kind])
    return _view(_new(call.cloud, call.region, project, call.body["name"], kind, days, "custom"), written=True)


@SERVICE.get("/data-sources/{source}")
def get_source(call: Call) -> Object:
    return _view(_find(call))


@SERVICE.patch("/data-sources/{source}")
def update_source(call: Call) -> Object:
    source = _find(call)
    source |= {"retention_days": _days(call, source["retention_days"]), "updated_at": now()}
    source["name"] = call.body.get("name") or source["name"]
    return _view(call.cloud.store.put(KIND, source), written=True)


@SERVICE.delete("/data-sources/{source}")
def delete_source(call: Call) -> Reply:
    call.cloud.store.delete(KIND, _find(call)["id"])
    return NO_CONTENT

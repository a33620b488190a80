# SPDX-License-Identifier: GPL-3.0-or-later
"""Load balancer v1: subscribers to failures of backend servers (by mail or webhook). The lab sends nothing."""

from __future__ import annotations

from ensemble_lab import errors
from ensemble_lab.api.lb import LB, SERVICE, find, lb_view
from ensemble_lab.store import Object
from ensemble_lab.web.lists import containing, equal, plain_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply

KIND = "lb_subscriber"
_WAYS = ("email_config", "webhook_config")


def _view(subscriber: Object) -> Object:
    return {key: subscriber[key] for key in ("id", "name", *_WAYS)}


def _fields(call: Call) -> Object:
    call.need("name")
    chosen = {way: call.body.get(way) for way in _WAYS}
    if len([way for way in chosen.values() if way]) != 1:
        raise errors.invalid(("config", "required", f"one of {' and '.join(_WAYS)} is expected"))
    return {"name": call.body["name"], **chosen}


@SERVICE.get("/subscribers")
def list_subscribers(call: Call) -> Object:
    found = [subscriber for subscriber in call.cloud.store.iterate(KIND) if subscriber["zone"] == call.zone]
    found = equal(call, containing(call, found), "project_id", "organization_id")
    return plain_list(call, "subscribers", found, _view)


@SERVICE.post("/subscribers")
def create_subscriber(call: Call) -> Object:
    cloud = call.cloud
    owned_by = {
        "organization_id": cloud.settings.organization,
        "project_id": cloud.project_of(call.body.get("project_id")),
    }
    subscriber = {"id": cloud.new_id(), **_fields(call), **owned_by, "zone": call.zone}
    return _view(cloud.store.put(KIND, subscriber))


@SERVICE.get("/subscribers/{subscriber}")
def get_subscriber(call: Call) -> Object:
    return _view(find(call, KIND, call["subscriber"]))


@SERVICE.put("/subscribers/{subscriber}")
def update_subscriber(call: Call) -> Object:
    subscriber = find(call, KIND, call["subscriber"]) | _fields(call)
    return _view(call.cloud.store.put(KIND, subscriber))


@SERVICE.delete("/lb/subscription/{subscriber}")
@SERVICE.delete("/lb/subscriber/{subscriber}")
def delete_subscriber(call: Call) -> Reply:
    """(The path differs between the two forms of the API.)"""
    ident = find(call, KIND, call["subscriber"])["id"]
    for lb in call.cloud.store.list(LB):
        if lb["subscriber"] and lb["subscriber"]["id"] == ident:
            _note(call, lb, None)
    call.cloud.store.delete(KIND, ident)
    return NO_CONTENT


@SERVICE.post("/lb/{lb}/subscribe")
def subscribe(call: Call) -> Object:
    call.need("subscriber_id")
    return _note(call, find(call, LB, call["lb"]), _view(find(call, KIND, call.body["subscriber_id"])))


@SERVICE.delete("/lb/{lb}/unsubscribe")
def unsubscribe(call: Call) -> Object:
    return _note(call, find(call, LB, call["lb"]), None)


def _note(call: Call, lb: Object, subscriber: Object | None) -> Object:
    lb["subscriber"] = subscriber
    return lb_view(call.cloud, call.cloud.store.put(LB, lb))

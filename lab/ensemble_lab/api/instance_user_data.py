# SPDX-License-Identifier: GPL-3.0-or-later
"""User data of servers: raw bytes by key in instance v1, base64 in v2alpha1."""

from __future__ import annotations

import base64

from ensemble_lab import errors
from ensemble_lab.api.instance import SERVICE, find
from ensemble_lab.api.instance_v2 import SERVICE as V2
from ensemble_lab.errors import ApiError
from ensemble_lab.store import Object
from ensemble_lab.web.service import NO_CONTENT, Call, Reply


def _keys(call: Call) -> Object:
    server = find(call, "instance_server", call["server"])
    kept = call.cloud.store.get("user_data", server["id"])
    return kept["keys"] if kept else {}


@SERVICE.get("/servers/{server}/user_data")
def list_keys(call: Call) -> Object:
    return {"user_data": sorted(_keys(call))}


@SERVICE.get("/servers/{server}/user_data/{key}")
def get_key(call: Call) -> Reply:
    keys = _keys(call)
    if call["key"] not in keys:
        raise ApiError(404, None, {"Content-Type": "text/plain"})
    return Reply(200, base64.b64decode(keys[call["key"]]))


@SERVICE.patch("/servers/{server}/user_data/{key}")
def set_key(call: Call) -> Reply:
    _keys(call)
    call.cloud.set_user_data(call["server"], call["key"], call.raw)
    return NO_CONTENT


@SERVICE.delete("/servers/{server}/user_data/{key}")
def delete_key(call: Call) -> Reply:
    if call["key"] not in _keys(call):
        raise ApiError(404, None, {"Content-Type": "text/plain"})
    call.cloud.set_user_data(call["server"], call["key"], None)
    return NO_CONTENT


# v2alpha1: JSON with base64, of servers and of templates for them


def _owner(call: Call) -> str:
    if "template" in call.params:
        return find(call, "instance_template", call["template"])["id"]
    return find(call, "instance_server", call["server"])["id"]


@V2.get("/servers/{server}/user-data")
@V2.get("/templates/{template}/user-data")
def list_user_data_v2(call: Call) -> Object:
    keys = sorted(call.cloud.user_data(_owner(call)))
    return {"keys": keys, "total_count": len(keys)}


@V2.get("/servers/{server}/user-data/{key}")
@V2.get("/templates/{template}/user-data/{key}")
def get_user_data_v2(call: Call) -> Object:
    kept = call.cloud.user_data(_owner(call))
    if call["key"] not in kept:
        raise errors.not_found("user_data", call["key"])
    return {"key": call["key"], "content": base64.b64encode(kept[call["key"]]).decode()}


@V2.put("/servers/{server}/user-data/{key}")
@V2.put("/templates/{template}/user-data/{key}")
def set_user_data_v2(call: Call) -> Reply:
    owner = _owner(call)
    call.need("content")
    try:
        content = base64.b64decode(call.body["content"], validate=True)
    except ValueError:
        raise errors.invalid(("content", "format", "base64 is expected")) from None
    call.cloud.set_user_data(owner, call["key"], content)
    return NO_CONTENT


@V2.delete("/servers/{server}/user-data/{key}")
@V2.delete("/templates/{template}/user-data/{key}")
def delete_user_data_v2(call: Call) -> Reply:
    get_user_data_v2(call)
    call.cloud.set_user_data(_owner(call), call["key"], None)
    return NO_CONTENT

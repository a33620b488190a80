# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance v1: user data of servers, raw bytes by key."""

from __future__ import annotations

import base64

from ensemble_lab.api.instance import SERVICE, find
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

# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed databases v1: databases of an instance, and what users may do in them."""

from __future__ import annotations

import re

from ensemble_lab import errors
from ensemble_lab.api.rdb import DATABASE, PRIVILEGE, SERVICE, find_instance, follow, parts_of, ready_instance
from ensemble_lab.api.rdb_users import find_user
from ensemble_lab.store import Object
from ensemble_lab.web.lists import equal, plain_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply

_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_$-]{0,62}$")
_RESERVED = ("postgres", "template0", "template1", "rdb")
_PERMISSIONS = ("readonly", "readwrite", "all", "custom", "none")


def find_database(call: Call, instance: Object, name: str) -> Object:
    database = call.cloud.store.get(DATABASE, f"{instance['id']}/{name}")
    if database is None:
        raise errors.not_found("database", name)
    return database


@SERVICE.get("/instances/{instance}/databases")
async def list_databases(call: Call) -> Object:
    """They belong to the cloud's own administrator."""
    instance = find_instance(call)
    databases = equal(call, parts_of(call.cloud, DATABASE, instance["id"]), "name")
    sizes = await call.cloud.driver.database_sizes(instance)

    def view(database: Object) -> Object:
        size = sizes.get(database["name"], 0)
        return {"name": database["name"], "owner": "_rdb_superadmin", "managed": True, "size": size}

    return plain_list(call, "databases", databases, view, order="name_asc")


@SERVICE.post("/instances/{instance}/databases")
async def create_database(call: Call) -> Object:
    instance = ready_instance(call)
    call.need("name")
    name = call.body["name"]
    if not _NAME.match(name) or name in _RESERVED:
        raise errors.constraint("name", f"{name} cannot be a database's name")
    ident = f"{instance['id']}/{name}"
    if call.cloud.store.get(DATABASE, ident):
        raise errors.constraint("name", f"the database {name} exists")
    call.cloud.store.put(DATABASE, {"id": ident, "instance_id": instance["id"], "name": name})
    await follow(call, instance["id"])
    return {"name": name, "owner": "", "managed": True, "size": 0}


@SERVICE.delete("/instances/{instance}/databases/{database}")
async def delete_database(call: Call) -> Reply:
    instance = ready_instance(call)
    database = find_database(call, instance, call["database"])
    for privilege in parts_of(call.cloud, PRIVILEGE, instance["id"]):
        if privilege["database_name"] == database["name"]:
            call.cloud.store.delete(PRIVILEGE, privilege["id"])
    call.cloud.store.delete(DATABASE, database["id"])
    await follow(call, instance["id"])
    return NO_CONTENT


def _privilege_view(privilege: Object) -> Object:
    return {name: privilege[name] for name in ("database_name", "user_name", "permission")}


@SERVICE.get("/instances/{instance}/privileges")
def list_privileges(call: Call) -> Object:
    found = equal(call, parts_of(call.cloud, PRIVILEGE, find_instance(call)["id"]), "database_name", "user_name")
    return plain_list(call, "privileges", found, _privilege_view, order="user_name_asc")


@SERVICE.put("/instances/{instance}/privileges")
async def set_privilege(call: Call) -> Object:
    instance, body = ready_instance(call), call.body
    call.need("database_name", "user_name", "permission")
    database = find_database(call, instance, body["database_name"])
    user = find_user(call, body["user_name"])
    if body["permission"] not in _PERMISSIONS:
        raise errors.constraint("permission", f"{body['permission']} is not one of {', '.join(_PERMISSIONS)}")
    privilege = {
        "id": f"{instance['id']}/{database['name']}/{user['name']}",
        "instance_id": instance["id"],
        "database_name": database["name"],
        "user_name": user["name"],
        "permission": body["permission"],
    }
    call.cloud.store.put(PRIVILEGE, privilege)
    await follow(call, instance["id"])
    return _privilege_view(privilege)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed databases v1: users. Of a password only what PostgreSQL itself would keep of it is kept."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

from ensemble_lab import errors
from ensemble_lab.api.rdb import PRIVILEGE, SERVICE, USER, find_instance, follow, parts_of, ready_instance
from ensemble_lab.cloud import Cloud
from ensemble_lab.store import Object
from ensemble_lab.web.lists import equal, plain_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply

_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_$-]{0,62}$")
_WANTED = (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^a-zA-Z0-9]")
_ROUNDS = 4096


def check_login(name: str, password: str) -> None:
    if not _NAME.match(name) or name.startswith(("_rdb", "pg_")):
        raise errors.constraint("name", f"{name} cannot be a user's name")
    check_password(password)


def check_password(password: str) -> None:
    if not 8 <= len(password) <= 128 or not all(re.search(desired, password) for desired in _WANTED):
        raise errors.constraint(
            "password",
            "8 to 128 characters are expected, with a lower and an upper case letter, a digit and another sign",
        )


def _verifier(password: str) -> str:
    """``SCRAM-SHA-256$...`` as PostgreSQL stores it: enough to check a password, not to know it."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ROUNDS)
    client, server = (hmac.digest(salted, text, "sha256") for text in (b"Client Key", b"Server Key"))
    shown = [base64.b64encode(part).decode() for part in (salt, hashlib.sha256(client).digest(), server)]
    return f"SCRAM-SHA-256${_ROUNDS}:{shown[0]}${shown[1]}:{shown[2]}"


def new_user(cloud: Cloud, instance: Object, name: str, password: str, *, is_admin: bool) -> Object:
    user = {
        "id": f"{instance['id']}/{name}",
        "instance_id": instance["id"],
        "name": name,
        "is_admin": is_admin,
        "verifier": _verifier(password),
    }
    return cloud.store.put(USER, user)


def _view(user: Object) -> Object:
    return {name: user[name] for name in ("name", "is_admin")}


def find_user(call: Call, name: str) -> Object:
    user = call.cloud.store.get(USER, f"{call['instance']}/{name}")
    if user is None:
        raise errors.not_found("database_user", name)
    return user


@SERVICE.get("/instances/{instance}/users")
def list_users(call: Call) -> Object:
    users = equal(call, parts_of(call.cloud, USER, find_instance(call)["id"]), "name")
    return plain_list(call, "users", users, _view, order="name_asc")


@SERVICE.post("/instances/{instance}/users")
async def create_user(call: Call) -> Object:
    instance, body = ready_instance(call), call.body
    call.need("name", "password")
    check_login(body["name"], body["password"])
    if call.cloud.store.get(USER, f"{instance['id']}/{body['name']}"):
        raise errors.constraint("name", f"the user {body['name']} exists")
    user = new_user(call.cloud, instance, body["name"], body["password"], is_admin=bool(body.get("is_admin")))
    await follow(call, instance["id"])
    return _view(user)


@SERVICE.patch("/instances/{instance}/users/{user}")
async def update_user(call: Call) -> Object:
    instance, body = ready_instance(call), call.body
    user = find_user(call, call["user"])
    if body.get("password") is not None:
        check_password(body["password"])
        user["verifier"] = _verifier(body["password"])
    if body.get("is_admin") is not None:
        user["is_admin"] = body["is_admin"]
    call.cloud.store.put(USER, user)
    await follow(call, instance["id"])
    return _view(user)


@SERVICE.delete("/instances/{instance}/users/{user}")
async def delete_user(call: Call) -> Reply:
    instance, user = ready_instance(call), find_user(call, call["user"])
    for privilege in parts_of(call.cloud, PRIVILEGE, instance["id"]):
        if privilege["user_name"] == user["name"]:
            call.cloud.store.delete(PRIVILEGE, privilege["id"])
    call.cloud.store.delete(USER, user["id"])
    await follow(call, instance["id"])
    return NO_CONTENT

# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM v1alpha1: API keys. Their secret is told once, when they are made."""

from __future__ import annotations

from datetime import datetime

from ensemble_lab import errors
from ensemble_lab.access import KEY, has_expired
from ensemble_lab.api.iam import SERVICE
from ensemble_lab.api.iam_applications import chosen, described, find_application
from ensemble_lab.store import Object
from ensemble_lab.times import now
from ensemble_lab.web.crud import Crud
from ensemble_lab.web.lists import containing, equal
from ensemble_lab.web.service import Call

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that look like others


def _owners(call: Call) -> Object:
    """The key that the lab began with; it belongs to the owner and cannot be changed."""
    settings = call.cloud.settings
    return {
        "access_key": settings.access_key,
        "secret_key": None,
        "description": "the lab's own key",
        "created_at": None,
        "updated_at": None,
        "expires_at": None,
        "default_project_id": settings.project,
        "editable": False,
        "deletable": False,
        "managed": False,
        "creation_ip": "127.0.0.1",
        "user_id": settings.organization,
    }


def _view(_call: Call, key: Object) -> Object:
    return {**{name: value for name, value in key.items() if name != "id"}, "secret_key": None}


def _find(call: Call, access_key: str) -> Object:
    if access_key == call.cloud.settings.access_key:
        return _owners(call)
    key = call.cloud.store.get(KEY, access_key)
    if key is None:
        raise errors.not_found("access_key", access_key)
    return key


def _refuse_owners(call: Call, key: Object) -> None:
    if not key["editable"]:
        raise errors.denied("api_key", "write")


def _moment(call: Call) -> str | None:
    """When the key of a request ends; refuses what is no moment."""
    text = call.body.get("expires_at")
    try:
        if text and datetime.fromisoformat(text).tzinfo is None:
            raise ValueError
    except ValueError:
        raise errors.invalid(("expires_at", "format", "a moment such as 2026-06-10T16:22:39Z is expected")) from None
    return text


def _project(call: Call) -> str:
    ident = call.body.get("default_project_id") or call.cloud.settings.project
    if call.cloud.store.get("project", ident) is None:
        raise errors.not_found("project_id", ident)
    return str(ident)


def _choose(call: Call) -> list[Object]:
    bearer, expired = call.asked("bearer_type"), call.asked("expired")
    keys = [_owners(call), *call.cloud.store.list(KEY)]
    keys = equal(call, containing(call, keys, "description"), "application_id", "user_id", "editable", "access_key")
    if bearer in ("application", "user"):
        keys = [key for key in keys if f"{bearer}_id" in key]
    if expired:
        keys = [key for key in keys if has_expired(key) == (expired == "true")]
    who = call.asked("bearer_id")
    keys = [key for key in keys if who in (None, key.get("application_id"), key.get("user_id"))]
    return chosen(call, keys, "access_keys", "access_key")


@SERVICE.post("/api-keys")
def create_api_key(call: Call) -> Object:
    if call.body.get("user_id"):
        raise errors.not_found("user", call.body["user_id"])
    call.need("application_id")
    application, moment, cloud = find_application(call, call.body["application_id"]), now(), call.cloud
    cloud.check_quota(KEY, "api_key")
    access_key = "SCW" + "".join(_LETTERS[cloud.random_int(len(_LETTERS))] for _ in range(17))
    key = {
        "id": access_key,
        "access_key": access_key,
        "secret_key": cloud.new_id(),
        "description": described(call).get("description", ""),
        "created_at": moment,
        "updated_at": moment,
        "expires_at": _moment(call),
        "default_project_id": _project(call),
        "editable": True,
        "deletable": True,
        "managed": False,
        "creation_ip": call.client,
        "application_id": application["id"],
    }
    return {**_view(call, cloud.store.put(KEY, key)), "secret_key": key["secret_key"]}


def _change(call: Call, key: Object) -> Object:
    changes = {name: value for name, value in described(call).items() if name == "description"}
    if call.body.get("default_project_id"):
        changes["default_project_id"] = _project(call)
    if call.body.get("expires_at"):
        changes["expires_at"] = _moment(call)
    _refuse_owners(call, key)
    return call.cloud.store.put(KEY, key | {**changes, "updated_at": now()})


def _delete(call: Call, key: Object) -> None:
    _refuse_owners(call, key)
    call.cloud.store.delete(KEY, key["id"])


Crud(
    path="/api-keys",
    item="access_key",
    key="api_keys",
    find=_find,
    view=_view,
    choose=_choose,
    change=_change,
    delete=_delete,
).serve(SERVICE)

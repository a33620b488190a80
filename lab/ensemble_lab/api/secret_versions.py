# SPDX-License-Identifier: GPL-3.0-or-later
"""Secret manager v1beta1: versions of secrets, and their values."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from ensemble_lab import errors
from ensemble_lab.api.secrets import SECRET, SERVICE, VERSION, find, path_of, touched, versions_of
from ensemble_lab.store import Object
from ensemble_lab.times import now
from ensemble_lab.web.lists import plain_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply

# What structured secrets must hold.
_FIELDS = {
    "basic_credentials": ("username", "password"),
    "database_credentials": ("engine", "username", "password", "host", "dbname", "port"),
    "ssh_key": ("ssh_private_key",),
    "key_value": (),
}
_HIDDEN = ("id", "data", "time_to_live", "used_up")


def _version_view(call: Call, version: Object) -> Object:
    secret = call.cloud.store.get(SECRET, version["secret_id"]) or {}
    newest = versions_of(call.cloud, secret)[:1]
    return {key: value for key, value in version.items() if key not in _HIDDEN} | {"latest": newest == [version]}


def _find_version(call: Call) -> Object:
    secret, revision = find(call), call["revision"]
    versions = versions_of(call.cloud, secret)
    if revision == "latest_enabled":
        versions = [version for version in versions if version["status"] == "enabled"]
    elif revision != "latest":
        versions = [version for version in versions if str(version["revision"]) == revision]
    if not versions:
        raise errors.not_found("secret_version", revision)
    return versions[0]


def _check_data(kind: str, data: Any) -> str:
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise errors.invalid(("data", "format", "base64 is expected")) from None
    if len(raw) > 65536:
        raise errors.constraint("data", "at most 64 KiB")
    faults = _faults(raw, kind) if kind in _FIELDS else []
    if faults:
        raise errors.invalid(*(("data", "format", fault) for fault in faults))
    return data


def _faults(raw: bytes, kind: str) -> list[str]:
    """What is wrong with the content of a structured secret: it is a JSON object of plain values."""
    try:
        content = json.loads(raw)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        return [f"a secret of type {kind} holds a JSON object"]
    nested = [name for name, value in content.items() if value is None or isinstance(value, dict | list)]
    missing = [field for field in _FIELDS[kind] if field not in content]
    return [f"{field} is missing" for field in missing] + [f"{name} is not a plain value" for name in nested]


@SERVICE.get("/secrets/{secret}/versions")
def list_versions(call: Call) -> Object:
    desired = call.asked_all("status")
    versions = [
        version for version in versions_of(call.cloud, find(call)) if not desired or version["status"] in desired
    ]
    return plain_list(call, "versions", versions, lambda version: _version_view(call, version))


@SERVICE.post("/secrets/{secret}/versions")
def create_version(call: Call) -> Object:
    secret, cloud = find(call), call.cloud
    call.need("data")
    if secret["deletion_requested_at"]:
        raise errors.precondition("resource_still_in_use", "the secret is scheduled for deletion")
    versions = versions_of(cloud, secret)
    if call.body.get("disable_previous") and versions and versions[0]["status"] == "enabled":
        versions[0]["status"] = "disabled"
        cloud.store.put(VERSION, versions[0])
    moment, policy = now(), secret["ephemeral_policy"]
    properties = policy and {
        "expires_at": None,
        "expires_once_accessed": policy["expires_once_accessed"],
        "action": policy["action"],
    }
    revision = secret.get("last_revision", 0) + 1
    version = {
        "id": cloud.new_id(),
        "revision": revision,
        "secret_id": secret["id"],
        "status": "enabled",
        "created_at": moment,
        "updated_at": moment,
        "deleted_at": None,
        "description": call.body.get("description") or "",
        "ephemeral_properties": properties,
        "deletion_requested_at": None,
        "region": call.region,
        "data": _check_data(secret["type"], call.body["data"]),
        "time_to_live": policy["time_to_live"] if policy else None,
        "used_up": False,
    }
    secret["last_revision"] = revision
    cloud.store.put(VERSION, version)
    touched(call, secret)
    return _version_view(call, version)


@SERVICE.get("/secrets/{secret}/versions/{revision}")
def get_version(call: Call) -> Object:
    return _version_view(call, _find_version(call))


@SERVICE.patch("/secrets/{secret}/versions/{revision}")
def update_version(call: Call) -> Object:
    version = _find_version(call)
    if call.body.get("description") is not None:
        version["description"] = call.body["description"]
    return _version_view(call, _touched_version(call, version))


def _touched_version(call: Call, version: Object, **changes: Any) -> Object:
    version |= {"updated_at": now(), **changes}
    return call.cloud.store.put(VERSION, version)


@SERVICE.post("/secrets/{secret}/versions/{revision}/enable")
def enable_version(call: Call) -> Object:
    return _version_view(call, _touched_version(call, _find_version(call), status="enabled"))


@SERVICE.post("/secrets/{secret}/versions/{revision}/disable")
def disable_version(call: Call) -> Object:
    return _version_view(call, _touched_version(call, _find_version(call), status="disabled"))


@SERVICE.delete("/secrets/{secret}/versions/{revision}")
def delete_version(call: Call) -> Reply:
    _touched_version(call, _find_version(call), status="scheduled_for_deletion", deletion_requested_at=now())
    return NO_CONTENT


@SERVICE.post("/secrets/{secret}/versions/{revision}/restore")
def restore_version(call: Call) -> Object:
    return _version_view(
        call, _touched_version(call, _find_version(call), status="enabled", deletion_requested_at=None)
    )


def _access(call: Call, version: Object) -> Object:
    if version["status"] != "enabled":
        raise errors.precondition("resource_not_usable", f"the version is {version['status']}")
    secret = call.cloud.store.get(SECRET, version["secret_id"]) or {}
    if version["ephemeral_properties"] and version["ephemeral_properties"]["expires_once_accessed"]:
        version["used_up"] = True
        call.cloud.store.put(VERSION, version)
    return {
        "secret_id": version["secret_id"],
        "revision": version["revision"],
        "data": version["data"],
        "data_crc32": None,
        "type": secret["type"],
    }


@SERVICE.get("/secrets/{secret}/versions/{revision}/access")
def access_version(call: Call) -> Object:
    return _access(call, _find_version(call))


@SERVICE.get("/secrets-by-path/versions/{revision}/access")
def access_bypath_of(call: Call) -> Object:
    name, path, project = (
        call.asked("secret_name"),
        path_of(call.asked("secret_path")),
        call.asked("project_id", call.cloud.settings.project),
    )
    for secret in call.cloud.store.iterate(SECRET):
        if (secret["name"], secret["path"], secret["project_id"], secret["region"]) == (
            name,
            path,
            project,
            call.region,
        ):
            call.params["secret"] = secret["id"]
            return access_version(call)
    raise errors.not_found("secret", name or "")

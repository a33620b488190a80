# SPDX-License-Identifier: GPL-3.0-or-later
"""Secret manager v1beta1: secrets, and their versions."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from ensemble_lab import errors
from ensemble_lab.cloud import Cloud
from ensemble_lab.store import Object
from ensemble_lab.times import duration, is_past, now, seconds_of
from ensemble_lab.web.lists import equal, having_tags, plain_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply, Service

SERVICE = Service("/secret-manager/v1beta1/regions/{region}")
SECRET, VERSION = "secret", "secret_version"
TYPES = ("opaque", "certificate", "key_value", "basic_credentials", "database_credentials", "ssh_key")
# What structured secrets must hold.
_FIELDS = {
    "basic_credentials": ("username", "password"),
    "database_credentials": ("engine", "username", "password", "host", "dbname", "port"),
    "ssh_key": ("ssh_private_key",),
}


def _path(text: str | None) -> str:
    return "/" + (text or "/").strip("/")


def _policy(asked: Object | None) -> Object | None:
    """Durations come back in their short form; a policy may have no time at all."""
    if not asked:
        return None
    return {
        "time_to_live": duration(asked.get("time_to_live")),
        "expires_once_accessed": asked.get("expires_once_accessed"),
        "action": asked.get("action"),
    }


def _versions(cloud: Cloud, secret: Object) -> list[Object]:
    """Newest first."""
    return [version for version in cloud.store.list(VERSION) if version["secret_id"] == secret["id"]][::-1]


def _expire(cloud: Cloud, secret: Object) -> None:
    """Carry out the ephemeral policy of versions whose time has come."""
    for version in _versions(cloud, secret):
        policy = version["ephemeral_properties"]
        if not policy or version["status"] != "enabled":
            continue
        lifetime = seconds_of(version["time_to_live"])
        if version["used_up"] or (lifetime is not None and is_past(version["created_at"], lifetime)):
            if policy["action"] == "disable":
                version["status"] = "disabled"
                cloud.store.put(VERSION, version)
            else:
                cloud.store.delete(VERSION, version["id"])


def _view(cloud: Cloud, secret: Object) -> Object:
    shown = {key: value for key, value in secret.items() if key != "last_revision"}
    return shown | {"version_count": len(_versions(cloud, secret))}


def _find(call: Call) -> Object:
    secret = call.cloud.store.get(SECRET, call["secret"])
    if secret is None or secret["region"] != call.region:
        raise errors.not_found("secret", call["secret"])
    _expire(call.cloud, secret)
    return secret


@SERVICE.get("/secrets")
def list_secrets(call: Call) -> Object:
    """``scheduled_for_deletion`` must be said."""
    if call.asked("scheduled_for_deletion") is None:
        raise errors.required("scheduled_for_deletion")
    going = call.asked("scheduled_for_deletion") == "true"
    secrets = [
        s
        for s in call.cloud.store.iterate(SECRET)
        if s["region"] == call.region and (s["deletion_requested_at"] is not None) == going
    ]
    secrets = equal(call, secrets, "project_id", "organization_id", "name", "type")
    path = call.asked("path")
    if path:
        secrets = [secret for secret in secrets if secret["path"] == _path(path)]
    return plain_list(
        call, "secrets", having_tags(secrets, call.asked_all("tags")), lambda s: _view(call.cloud, s), order="name_asc"
    )


@SERVICE.post("/secrets")
def create_secret(call: Call) -> Object:
    body, cloud = call.body, call.cloud
    call.need("name")
    cloud.check_quota(SECRET, SECRET)
    kind = body.get("type") or "opaque"
    if kind not in TYPES:
        raise errors.constraint("type", f"{kind} is not one of {', '.join(TYPES)}")
    project, path = cloud.project_of(body.get("project_id")), _path(body.get("path"))
    for known in cloud.store.iterate(SECRET):
        same = (known["project_id"], known["path"], known["name"], known["region"]) == (
            project,
            path,
            body["name"],
            call.region,
        )
        if same and not known["deletion_requested_at"]:
            raise errors.constraint("name", f"a secret named {body['name']} exists in {path}")
    moment = now()
    secret = {
        "id": cloud.new_id(),
        "project_id": project,
        "name": body["name"],
        "status": "ready",
        "created_at": moment,
        "updated_at": moment,
        "tags": body.get("tags") or [],
        "version_count": 0,
        "description": body.get("description") or "",
        "managed": False,
        "type": kind,
        "protected": bool(body.get("protected")),
        "path": path,
        "ephemeral_policy": _policy(body.get("ephemeral_policy")),
        "used_by": [],
        "deletion_requested_at": None,
        "key_id": body.get("key_id"),
        "region": call.region,
    }
    return cloud.store.put(SECRET, secret)


@SERVICE.get("/secrets/{secret}")
def get_secret(call: Call) -> Object:
    return _view(call.cloud, _find(call))


@SERVICE.patch("/secrets/{secret}")
def update_secret(call: Call) -> Object:
    secret, body = _find(call), call.body
    for name in ("name", "tags", "description"):
        if body.get(name) is not None:
            secret[name] = body[name]
    if body.get("path") is not None:
        secret["path"] = _path(body["path"])
    if "ephemeral_policy" in body:
        secret["ephemeral_policy"] = _policy(body["ephemeral_policy"])
    return _view(call.cloud, _touched(call, secret))


def _touched(call: Call, secret: Object) -> Object:
    secret["updated_at"] = now()
    return call.cloud.store.put(SECRET, secret)


@SERVICE.delete("/secrets/{secret}")
def delete_secret(call: Call) -> Reply:
    """Only a request: the secret can still be read, and restored."""
    secret = _find(call)
    if secret["protected"]:
        raise errors.precondition("protected_resource", "cannot delete a protected secret")
    secret["deletion_requested_at"] = now()
    _touched(call, secret)
    policy = secret["ephemeral_policy"]
    if policy and policy["action"] == "delete":
        for version in _versions(call.cloud, secret):
            call.cloud.store.delete(VERSION, version["id"])
        call.cloud.store.delete(SECRET, secret["id"])
    return NO_CONTENT


@SERVICE.post("/secrets/{secret}/restore")
def restore_secret(call: Call) -> Object:
    secret = _find(call)
    secret["deletion_requested_at"] = None
    return _view(call.cloud, _touched(call, secret))


@SERVICE.post("/secrets/{secret}/protect")
def protect_secret(call: Call) -> Object:
    secret = _find(call)
    secret["protected"] = True
    return _view(call.cloud, _touched(call, secret))


@SERVICE.post("/secrets/{secret}/unprotect")
def unprotect_secret(call: Call) -> Object:
    secret = _find(call)
    secret["protected"] = False
    return _view(call.cloud, _touched(call, secret))


# versions

_HIDDEN = ("id", "data", "time_to_live", "used_up")


def _version_view(call: Call, version: Object) -> Object:
    secret = call.cloud.store.get(SECRET, version["secret_id"]) or {}
    newest = _versions(call.cloud, secret)[:1]
    return {key: value for key, value in version.items() if key not in _HIDDEN} | {"latest": newest == [version]}


def _find_version(call: Call) -> Object:
    secret, revision = _find(call), call["revision"]
    versions = _versions(call.cloud, secret)
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
        raise errors.invalid(("data", "format", "base64 is wanted")) from None
    if len(raw) > 65536:
        raise errors.constraint("data", "at most 64 KiB")
    if kind in _FIELDS or kind == "key_value":
        try:
            content = json.loads(raw)
            missing = [field for field in _FIELDS.get(kind, ()) if field not in content]
        except (ValueError, TypeError):
            raise errors.invalid(("data", "format", f"a secret of type {kind} holds a JSON object")) from None
        if missing:
            raise errors.invalid(*(("data", "format", f"{field} is missing") for field in missing))
    return data


@SERVICE.get("/secrets/{secret}/versions")
def list_versions(call: Call) -> Object:
    wanted = call.asked_all("status")
    versions = [version for version in _versions(call.cloud, _find(call)) if not wanted or version["status"] in wanted]
    return plain_list(call, "versions", versions, lambda version: _version_view(call, version))


@SERVICE.post("/secrets/{secret}/versions")
def create_version(call: Call) -> Object:
    secret, cloud = _find(call), call.cloud
    call.need("data")
    if secret["deletion_requested_at"]:
        raise errors.precondition("resource_still_in_use", "the secret is scheduled for deletion")
    versions = _versions(cloud, secret)
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
    _touched(call, secret)
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
def access_by_path(call: Call) -> Object:
    name, path, project = (
        call.asked("secret_name"),
        _path(call.asked("secret_path")),
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

# SPDX-License-Identifier: GPL-3.0-or-later
"""Secret manager v1beta1: secrets. What they hold is in secret_versions."""

from __future__ import annotations

from ensemble_lab import errors
from ensemble_lab.cloud import Cloud
from ensemble_lab.store import Object
from ensemble_lab.times import duration, is_past, now, seconds_of
from ensemble_lab.web.lists import equal, having_tags, plain_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply, Service

SERVICE = Service("/secret-manager/v1beta1/regions/{region}")
SECRET, VERSION = "secret", "secret_version"
TYPES = ("opaque", "certificate", "key_value", "basic_credentials", "database_credentials", "ssh_key")


def path_of(text: str | None) -> str:
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


def versions_of(cloud: Cloud, secret: Object) -> list[Object]:
    """Newest first."""
    return [version for version in cloud.store.list(VERSION) if version["secret_id"] == secret["id"]][::-1]


def _expire(cloud: Cloud, secret: Object) -> None:
    """Carry out the ephemeral policy of versions whose time has come."""
    for version in versions_of(cloud, secret):
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


def secret_view(cloud: Cloud, secret: Object) -> Object:
    shown = {key: value for key, value in secret.items() if key != "last_revision"}
    return shown | {"version_count": len(versions_of(cloud, secret))}


def find(call: Call) -> Object:
    secret = call.cloud.store.get(SECRET, call["secret"])
    if secret is None or secret["region"] != call.region:
        raise errors.not_found("secret", call["secret"])
    _expire(call.cloud, secret)
    return secret


def _in_region(call: Call) -> list[Object]:
    """Secrets of the region that the filters leave."""
    secrets = [secret for secret in call.cloud.store.iterate(SECRET) if secret["region"] == call.region]
    secrets = equal(call, secrets, "project_id", "organization_id", "name", "type")
    return having_tags(secrets, call.asked_all("tags"))


@SERVICE.get("/secrets")
def list_secrets(call: Call) -> Object:
    """``scheduled_for_deletion`` must be said."""
    going, path, ephemeral = (call.asked(name) for name in ("scheduled_for_deletion", "path", "ephemeral"))
    if going is None:
        raise errors.required("scheduled_for_deletion")
    secrets = [
        secret
        for secret in _in_region(call)
        if (secret["deletion_requested_at"] is not None) == (going == "true")
        and (path is None or secret["path"] == path_of(path))
        and (ephemeral is None or (secret["ephemeral_policy"] is not None) == (ephemeral == "true"))
    ]
    return plain_list(call, "secrets", secrets, lambda secret: secret_view(call.cloud, secret), order="name_asc")


@SERVICE.get("/secrets/browse")
def browse_secrets(call: Call) -> Object:
    """What a path holds: secrets, and folders of more."""
    here = path_of(call.asked("prefix"))
    below = f"{here.rstrip('/')}/"
    items: dict[str, Object] = {}
    for secret in _in_region(call):
        if secret["path"] == here:
            shown = secret_view(call.cloud, secret)
            names = ("id", "tags", "version_count", "protected", "type", "ephemeral_policy")
            times = {name: secret[name] for name in ("name", "created_at", "updated_at")}
            items[secret["id"]] = times | {"secret": {name: shown[name] for name in names}}
        elif secret["path"].startswith(below):
            folder = secret["path"].removeprefix(below).partition("/")[0]
            items[folder] = {"name": folder, "created_at": None, "updated_at": None, "folder": {}}
    return plain_list(call, "items", list(items.values()), order="name_asc") | {"current_path": here}


@SERVICE.get("/tags")
def list_tags(call: Call) -> Object:
    tags = sorted({tag for secret in _in_region(call) for tag in secret["tags"]})
    return {"tags": tags, "total_count": len(tags)}


@SERVICE.get("/secret-types")
def list_types(call: Call) -> Object:
    return {"types": list(TYPES), "total_count": len(TYPES)}


@SERVICE.post("/secrets")
def create_secret(call: Call) -> Object:
    body, cloud = call.body, call.cloud
    call.need("name")
    cloud.check_quota(SECRET, SECRET)
    kind = body.get("type") or "opaque"
    if kind not in TYPES:
        raise errors.constraint("type", f"{kind} is not one of {', '.join(TYPES)}")
    project, path = cloud.project_of(body.get("project_id")), path_of(body.get("path"))
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
    return secret_view(call.cloud, find(call))


@SERVICE.patch("/secrets/{secret}")
def update_secret(call: Call) -> Object:
    secret, body = find(call), call.body
    for name in ("name", "tags", "description"):
        if body.get(name) is not None:
            secret[name] = body[name]
    if body.get("path") is not None:
        secret["path"] = path_of(body["path"])
    if "ephemeral_policy" in body:
        secret["ephemeral_policy"] = _policy(body["ephemeral_policy"])
    return secret_view(call.cloud, touched(call, secret))


def touched(call: Call, secret: Object) -> Object:
    secret["updated_at"] = now()
    return call.cloud.store.put(SECRET, secret)


@SERVICE.delete("/secrets/{secret}")
def delete_secret(call: Call) -> Reply:
    """Only a request: the secret can still be read, and restored."""
    secret = find(call)
    if secret["protected"]:
        raise errors.precondition("protected_resource", "cannot delete a protected secret")
    secret["deletion_requested_at"] = now()
    touched(call, secret)
    policy = secret["ephemeral_policy"]
    if policy and policy["action"] == "delete":
        for version in versions_of(call.cloud, secret):
            call.cloud.store.delete(VERSION, version["id"])
        call.cloud.store.delete(SECRET, secret["id"])
    return NO_CONTENT


@SERVICE.post("/secrets/{secret}/restore")
def restore_secret(call: Call) -> Object:
    secret = find(call)
    secret["deletion_requested_at"] = None
    return secret_view(call.cloud, touched(call, secret))


@SERVICE.post("/secrets/{secret}/add-owner")
def add_owner(call: Call) -> Reply:
    """A product that uses the secret."""
    secret = find(call)
    call.need("product")
    if call.body["product"] not in secret["used_by"]:
        secret["used_by"].append(call.body["product"])
    touched(call, secret)
    return NO_CONTENT


@SERVICE.post("/secrets/{secret}/protect")
def protect_secret(call: Call) -> Object:
    secret = find(call)
    secret["protected"] = True
    return secret_view(call.cloud, touched(call, secret))


@SERVICE.post("/secrets/{secret}/unprotect")
def unprotect_secret(call: Call) -> Object:
    secret = find(call)
    secret["protected"] = False
    return secret_view(call.cloud, touched(call, secret))

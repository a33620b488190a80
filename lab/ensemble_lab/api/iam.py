# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM v1alpha1: SSH keys of projects. Applications, policies and API keys are in the files beside this one."""

from __future__ import annotations

import base64
import binascii
import hashlib

from ensemble_lab import errors
from ensemble_lab.store import Object
from ensemble_lab.times import now
from ensemble_lab.web.lists import containing, equal, plain_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply, Service

SERVICE = Service("/iam/v1alpha1")
KIND = "ssh_key"


def _parse(text: str) -> tuple[str, str]:
    """(key without its comment, fingerprint as the API shows it)."""
    parts = text.split()
    try:
        blob = base64.b64decode(parts[1], validate=True)
        if blob[4 : 4 + int.from_bytes(blob[:4], "big")].decode() != parts[0]:
            raise ValueError
    except (IndexError, ValueError, binascii.Error, UnicodeDecodeError):
        raise errors.constraint("public_key", "not a valid SSH public key") from None
    digest = hashlib.md5(blob, usedforsecurity=False).hexdigest()
    pairs = ":".join(digest[start : start + 2] for start in range(0, 32, 2))
    return f"{parts[0]} {parts[1]}", f"{_bits(parts[0], blob)} MD5:{pairs} ({parts[0]})"


def _bits(kind: str, blob: bytes) -> int:
    """The size of a key: the modulus for RSA, by name for the others."""
    if kind != "ssh-rsa":
        return {"ecdsa-sha2-nistp384": 384, "ecdsa-sha2-nistp521": 521}.get(kind, 256)
    fields, rest = [], blob
    while rest:
        length = int.from_bytes(rest[:4], "big")
        fields.append(rest[4 : 4 + length])
        rest = rest[4 + length :]
    return int.from_bytes(fields[-1], "big").bit_length()


def _find(call: Call) -> Object:
    key = call.cloud.store.get(KIND, call["key"])
    if key is None:
        raise errors.not_found(KIND, call["key"])
    return key


@SERVICE.get("/ssh-keys")
def list_keys(call: Call) -> Object:
    keys = equal(call, containing(call, call.cloud.store.list(KIND)), "project_id", "organization_id", "disabled")
    return plain_list(call, "ssh_keys", keys)


@SERVICE.post("/ssh-keys")
def create_key(call: Call) -> Object:
    call.need("public_key")
    call.cloud.check_quota(KIND, KIND)
    public_key, fingerprint = _parse(call.body["public_key"])
    moment = now()
    key = {
        "id": call.cloud.new_id(),
        "name": call.body.get("name") or f"key-{call.cloud.new_id()[:8]}",
        "public_key": public_key,
        "fingerprint": fingerprint,
        "created_at": moment,
        "updated_at": moment,
        "organization_id": call.cloud.settings.organization,
        "project_id": call.cloud.project_of(call.body.get("project_id")),
        "disabled": False,
    }
    return call.cloud.store.put(KIND, key)


@SERVICE.get("/ssh-keys/{key}")
def get_key(call: Call) -> Object:
    return _find(call)


@SERVICE.patch("/ssh-keys/{key}")
def update_key(call: Call) -> Object:
    key = _find(call)
    for name in ("name", "disabled"):
        if call.body.get(name) is not None:
            key[name] = call.body[name]
    key["updated_at"] = now()
    return call.cloud.store.put(KIND, key)


@SERVICE.delete("/ssh-keys/{key}")
def delete_key(call: Call) -> Reply:
    call.cloud.store.delete(KIND, _find(call)["id"])
    return NO_CONTENT

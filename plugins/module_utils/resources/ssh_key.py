# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import builtins
from typing import Any

from ..engine import Resource
from ..fields import REPLACES, Field
from ..plan import Values


def without_comment(key: Any) -> str:
    """The API cuts the comment off a key."""
    return " ".join(str(key or "").split()[:2])


class SshKey(Resource):
    word = "SSH key"
    key = "ssh_key"
    plural = "ssh_keys"
    path = "/iam/v1alpha1/ssh-keys"
    envelope = False
    project_key = "project_id"
    fields = (
        Field(
            "public_key",
            {"type": "str", "no_log": False},
            change=REPLACES,
            normal=without_comment,
            shown=without_comment,
        ),
        Field("disabled", {"type": "bool"}),
    )
    creation_needs = ("name", "public_key")

    def frozen(self, names: builtins.list[str], actual: Values, desired: Values) -> str:
        return (
            f"{self} exists with another key ({actual['public_key'][:40]}…), which new servers accept: give "
            "the new key another name, and remove the old one when nobody needs it. recreate: true replaces it at "
            "once and locks out everybody who has only the old one."
        )

    def creation_body(self, desired: dict) -> dict:
        body = super().creation_body(desired)
        body.pop("disabled", None)
        return body

    def create(self, desired: dict) -> dict:
        created = super().create(desired)
        return self.change(created, {"disabled": True}) if desired.get("disabled") else created

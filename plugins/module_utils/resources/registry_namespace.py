# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ..engine import Resource
from ..fields import Field, text


class RegistryNamespace(Resource):
    word = "registry namespace"
    key = "namespace"
    plural = "namespaces"
    path = "/registry/v1/regions/{region}/namespaces"
    envelope = False
    project_key = "project_id"
    status_key = "status"
    transient = ("locked",)
    failed = ("error",)
    slow_delete = True
    fields = (
        Field("description", normal=text, created=""),
        Field("is_public", {"type": "bool"}, created=False),
    )
    creation_needs = ("name",)

    def find(self):
        found = super().find()
        return None if found and self.status(found) == "deleting" else found

    def namesakes(self):
        return [each for each in super().namesakes() if self.status(each) != "deleting"]

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import builtins
from typing import Any

from ..engine import Resource
from ..fields import TAGS


class Vpc(Resource):
    word = "VPC"
    key = "vpc"
    plural = "vpcs"
    path = "/vpc/v2/regions/{region}/vpcs"
    envelope = False
    project_key = "project_id"
    fields = (TAGS,)
    creation_needs = ("name",)

    def creation_body(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Its networks reach each other, whatever is asked, and nobody else's."""
        return {"enable_routing": True, "enable_transitivity": False, **super().creation_body(desired)}

    def users(self, current: dict[str, Any]) -> builtins.list[str]:
        path = f"/vpc/v2/regions/{self.client.settings.region}/private-networks"
        found = self.client.list(path, "private_networks", vpc_id=current["id"])
        return [f"private network {each['name']}" for each in found]

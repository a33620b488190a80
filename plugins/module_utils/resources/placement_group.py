# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ..engine import Resource
from ..fields import TAGS, Field, choice


class PlacementGroup(Resource):
    word = "placement group"
    key = "placement_group"
    plural = "placement_groups"
    path = "/instance/v1/zones/{zone}/placement_groups"
    fields = (
        Field("policy_type", choice("max_availability", "low_latency"), created="max_availability"),
        Field("policy_mode", choice("optional", "enforced"), created="optional"),
        TAGS,
    )
    creation_needs = ("name",)

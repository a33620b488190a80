# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers and volumes as they are found, for descriptions that only refer to them: the layer below all of these."""

from __future__ import annotations

import builtins

from ..engine import Resource
from ..fields import TAGS, Field
from ..plan import Object

BLOCK_VOLUMES = "/block/v1/zones/{zone}/volumes"
INSTANCE_VOLUMES = "/instance/v1/zones/{zone}/volumes"


def is_dying(server: Object | None) -> bool:
    """Whether an earlier, perhaps interrupted, run has begun to remove it."""
    return server is not None and server["state"] == "stopping" and server.get("state_detail") == "terminating"


class ExistingServer(Resource):
    word = "server"
    key = "server"
    plural = "servers"
    path = "/instance/v1/zones/{zone}/servers"
    fields: tuple[Field, ...] = (TAGS,)

    def find(self) -> Object | None:
        found = super().find()
        if found and is_dying(found):
            if not self.check:
                self.gone(found["id"])
            return None
        return found

    def namesakes(self) -> builtins.list[Object]:
        """Ignore servers that are being removed, unless there is no other."""
        named = super().namesakes()
        return [each for each in named if not is_dying(each)] or named[:1]


def is_block(volume: Object) -> bool:
    """Whether an object is from the block API rather than the instance API."""
    return "status" in volume


class ExistingVolume(Resource):
    """Volumes live in two APIs: local disks in instance v1, SBS volumes in block v1."""

    word = "volume"
    key = "volume"
    plural = "volumes"
    path = BLOCK_VOLUMES
    fields: tuple[Field, ...] = (TAGS,)

    def url(self, ident: str = "", tail: str = "", block: bool = True) -> str:
        base = (BLOCK_VOLUMES if block else INSTANCE_VOLUMES).format(zone=self.client.settings.zone)
        return base + (f"/{ident}" if ident else "") + tail

    def get(self, ident: str) -> Object | None:
        found = self.client.find(self.url(ident, block=False))
        return found["volume"] if found else self.client.find(self.url(ident))

    def list(self, **query: object) -> builtins.list[Object]:
        project = self.client.project
        local = self.client.list(self.url(block=False), "volumes", project=project, **query)
        return local + self.client.list(self.url(), "volumes", project_id=project, **query)

    def status(self, current: Object | None) -> str:
        return "gone" if current is None else str(current.get("status") or current.get("state"))

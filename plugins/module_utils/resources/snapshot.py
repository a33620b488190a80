# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots live in two APIs: those of local disks in instance v1, those of SBS volumes in block v1."""

from __future__ import annotations

import builtins
from typing import Any

from ..client import Client
from ..engine import Resource
from ..errors import ApiError, Invalid, ScalewayError
from ..fields import AT_CREATION, TAGS, Field
from ..plan import CREATE, Plan
from .existing import ExistingServer, ExistingVolume, is_block

BLOCK = "/block/v1/zones/{zone}/snapshots"
TAKEN = "ensemble:snapshot-of-image"
"""The tag of snapshots that were taken for an image, and go with it."""
INSTANCE = "/instance/v1/zones/{zone}/snapshots"


class Snapshot(Resource):
    word = "snapshot"
    key = "snapshot"
    plural = "snapshots"
    path = INSTANCE
    transient = ("creating", "snapshotting", "updating")
    failed = ("error", "invalid_data", "missing")
    fields = (
        Field("volume", change=AT_CREATION, part=True),
        Field("server", change=AT_CREATION, part=True),
        TAGS,
    )
    creation_needs = ("name",)

    def url(self, ident: str = "", tail: str = "", block: bool = False) -> str:
        base = (BLOCK if block else INSTANCE).format(zone=self.client.settings.zone)
        return base + (f"/{ident}" if ident else "") + tail

    def get(self, ident: str) -> dict[str, Any] | None:
        found = self.client.find(self.url(ident))
        return found["snapshot"] if found else self.client.find(self.url(ident, block=True))

    def list(self, **query: Any) -> builtins.list[dict[str, Any]]:
        project = self.client.project
        local = self.client.list(self.url(), "snapshots", project=project, **query)
        return local + self.client.list(self.url(block=True), "snapshots", project_id=project, **query)

    def status(self, current: dict[str, Any] | None) -> str:
        return "gone" if current is None else str(current.get("status") or current.get("state"))

    def missing(self) -> str:
        one = bool(self.arguments.get("volume")) != bool(self.arguments.get("server"))
        return super().missing() or ("" if one else "either volume or server")

    def validate(self, plan: Plan) -> None:
        if plan.action == CREATE:
            self._source()

    def _source(self) -> tuple[str, bool]:
        """The volume's id, and whether it is an SBS volume."""
        if self.arguments.get("volume_object"):
            volume = self.arguments["volume_object"]
            return volume["id"], volume.get("volume_type") == "sbs_volume"
        if self.arguments.get("server"):
            server = self.fetch(ExistingServer, self.arguments["server"])
            root = (server.get("volumes") or {}).get("0")
            if server and not root:
                self.fail_or_warn(f"Server {server['name']} has no root volume.")
            return (root["id"], root["volume_type"] == "sbs_volume") if root else ("", False)
        volume = self.fetch(ExistingVolume, self.arguments["volume"])
        return volume.get("id", ""), is_block(volume)

    def create(self, desired: dict[str, Any]) -> dict[str, Any]:
        volume_id, block = self._source()
        project = {"project_id" if block else "project": self.client.project}
        body = {"name": self.name, "volume_id": volume_id, "tags": desired.get("tags") or [], **project}
        body |= {"public": False} if block else {}
        answer = self.client.post(self.url(block=block), body, recover=self.recover)
        return answer.get("snapshot", answer)

    def apply_parts(self, current: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
        return current

    def change(self, current: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
        answer = self.client.patch(self.url(current["id"], block=is_block(current)), self.wire(changes))
        return self.wait_until_stable(answer.get("snapshot", answer))

    def remove(self, current: dict[str, Any]) -> None:
        """An SBS snapshot stays `in_use` for a moment after its image went."""
        path = self.url(current["id"], block=is_block(current))
        refusal: list[ApiError] = []

        def deleted(actual: dict[str, Any] | None) -> bool:
            if actual is None:
                return True
            references = actual.get("references") or []
            if self.status(actual) == "in_use" and any(each.get("type") == "link" for each in references):
                return False
            try:
                self.client.delete(path)
            except ApiError as error:
                if error.status not in (409, 412):
                    raise
                refusal[:] = [error]
                self._refuse_used(current)
                return False
            return True

        self._refuse_used(current)
        try:
            self.waiter.until(f"{self} to be deleted", lambda: self.get(current["id"]), deleted, self.status)
        except ScalewayError as error:
            raise refusal[0] if refusal else error from None

    def _refuse_used(self, current: dict[str, Any]) -> None:
        users = self.users(current)
        if users:
            raise Invalid(self.in_use(users))

    def users(self, current: dict[str, Any]) -> builtins.list[str]:
        images = self.client.list(f"/instance/v1/zones/{self.client.settings.zone}/images", "images", public="false")
        return [f"image {each['name']}" for each in images if current["id"] in snapshots_of(each)]


def snapshots_of(image: dict[str, Any]) -> list[str]:
    """The ids of the snapshots that an image consists of."""
    parts = (image.get("root_volume"), *(image.get("extra_volumes") or {}).values())
    return [part["id"] for part in parts if part]


def parent_of(snapshot: dict[str, Any]) -> str:
    """The id of the volume that a snapshot was taken of."""
    parent = snapshot.get("parent_volume") or snapshot.get("base_volume") or {}
    return parent.get("id") or ""


class TakenSnapshot(Snapshot):
    """A snapshot that is taken for an image: those of the same name that were made otherwise are nothing to it."""

    def namesakes(self) -> builtins.list[dict[str, Any]]:
        return [each for each in super().namesakes() if self.owns(each) and TAKEN in (each.get("tags") or [])]


def snapshot_of(client: Client, volume: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """The snapshot of this name of a server's volume: an earlier try's, or a new one where that shows another disk."""
    tags = [*(arguments.get("tags") or []), TAKEN]
    snapshot = TakenSnapshot(client, {**arguments, "tags": tags, "volume": volume["id"], "volume_object": volume})
    found = snapshot.find()
    if found and parent_of(found) != volume["id"]:
        snapshot.remove(found)
        found = None
    return snapshot.wait_until_stable(found or snapshot.make(lambda: snapshot.create({"tags": tags}))[0])

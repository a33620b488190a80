# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes live in two APIs: local disks in instance v1, SBS volumes in block v1."""

from __future__ import annotations

import builtins
from typing import Any

from ..errors import Invalid
from ..fields import AT_CREATION, REPLACES, TAGS, Field, choice
from ..plan import UPDATE, Plan
from ..settings import is_uuid
from . import disks
from .existing import ExistingVolume, is_block
from .snapshot import Snapshot


def kind(volume: dict[str, Any]) -> str:
    return "sbs_volume" if is_block(volume) else volume["volume_type"]


def holder(volume: dict[str, Any]) -> str:
    """The id of the server that has the volume, "" also while that lets go of it."""
    held = [each["product_resource_id"] for each in volume.get("references") or [] if each["status"] != "detaching"]
    return (volume.get("server") or {}).get("id") or next(iter(held), "")


class Volume(ExistingVolume):
    transient = ("creating", "updating", "resizing", "snapshotting", "detaching")
    failed = ("error",)
    fields = (
        Field("volume_type", choice("sbs_volume", "l_ssd", "scratch"), change=REPLACES, read=kind),
        Field("size", {"type": "int"}),
        Field(
            "perf_iops",
            {"type": "int", "choices": [5000, 15000]},
            read=lambda volume: (volume.get("specs") or {}).get("perf_iops"),
        ),
        Field("snapshot", change=AT_CREATION),
        TAGS,
    )
    creation_needs = ("name",)

    def resolve(self, name: str, value: Any) -> Any:
        return self.reference(Snapshot, value) if name == "snapshot" and not is_uuid(value) else value

    def missing(self) -> str:
        sized = self.arguments.get("size") or self.arguments.get("snapshot")
        return super().missing() or ("" if sized else "size (in bytes) or snapshot")

    def change_of(self, entry: Field, current: dict[str, Any]) -> str:
        return REPLACES if entry.name == "size" and not is_block(current) else entry.change

    def validate(self, plan: Plan) -> None:
        block = plan.desired.get("volume_type", kind(plan.current) if plan.current else "sbs_volume") == "sbs_volume"
        if not block and plan.desired.get("perf_iops"):
            raise Invalid(f"{self}: perf_iops is for SBS volumes only.")
        size = (plan.current or {}).get("size") or 0
        if plan.action == UPDATE and "size" in plan.changes and plan.changes["size"] < size:
            raise Invalid(f"{self} has {size} bytes and cannot shrink to {plan.changes['size']}.")

    def create(self, desired: dict[str, Any]) -> dict[str, Any]:
        block = desired.get("volume_type", "sbs_volume") == "sbs_volume"
        body: dict[str, Any] = {"name": self.name, "tags": desired.get("tags") or []}
        if block:
            body["project_id"] = self.client.project
            body["perf_iops"] = desired.get("perf_iops") or 5000
            if desired.get("snapshot"):
                body["from_snapshot"] = {"snapshot_id": desired["snapshot"], "size": desired.get("size")}
            else:
                body["from_empty"] = {"size": desired["size"]}
        else:
            body["project"] = self.client.project
            body["volume_type"] = desired["volume_type"]
            body.update(
                {"base_snapshot": desired["snapshot"]} if desired.get("snapshot") else {"size": desired["size"]}
            )
        answer = self.client.post(self.url(block=block), body, recover=self.recover)
        return answer.get("volume", answer)

    def change(self, current: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
        """The block API takes one kind of change at a time."""
        block = is_block(current)
        changed = current
        for key, value in self.wire(changes).items():
            answer = self.client.patch(self.url(current["id"], block=block), {key: value})
            changed = self.wait_until_stable(answer.get("volume", answer))
        return changed

    def check_removal(self, current: dict[str, Any]) -> None:
        users = self.users(current)
        if users:
            self.fail_or_warn(self.in_use(users))

    def users(self, current: dict[str, Any]) -> builtins.list[str]:
        held = holder(current)
        return [f"server {(current.get('server') or {}).get('name') or held}"] if held else []

    def remove(self, current: dict[str, Any]) -> None:
        disks.delete(self.client, [("block" if is_block(current) else "instance", current["id"])], self.waiter)

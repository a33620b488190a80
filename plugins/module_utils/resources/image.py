# SPDX-License-Identifier: GPL-3.0-or-later
"""Images: a root snapshot, perhaps more of them, and a name. Made from a powered-off server in one step."""

from __future__ import annotations

import builtins
from typing import Any, ClassVar

from ..engine import Resource
from ..errors import Invalid
from ..fields import AT_CREATION, TAGS, Field
from ..plan import CREATE, DELETE, Plan
from .snapshot import Snapshot, snapshot_of


class Image(Resource):
    word = "image"
    key = "image"
    plural = "images"
    path = "/instance/v1/zones/{zone}/images"
    transient = ("creating",)
    failed = ("error",)
    options: ClassVar[dict] = {"keep_snapshots": {"type": "bool", "default": False}}
    fields = (
        Field("server", change=AT_CREATION, part=True),
        Field("snapshots", {"type": "list", "elements": "str"}, change=AT_CREATION, part=True),
        Field("arch", {"type": "str", "choices": ["x86_64", "arm64"]}, change=AT_CREATION),
        Field("public", {"type": "bool"}, created=False),
        TAGS,
    )
    creation_needs = ("name",)

    def plan(self, state: str, current: dict[str, Any] | None) -> Plan:
        plan = super().plan(state, current)
        if state == "absent" and current is None and self.name:
            leftovers = self._snapshots_by_name()
            if leftovers:
                return Plan(
                    DELETE,
                    {},
                    before={"name": self.name, "snapshots_left_behind": [each["id"] for each in leftovers]},
                )
        return plan

    def list(self, **query: Any) -> builtins.list[dict[str, Any]]:
        """The project's own images; the API also lists what others made public."""
        project = self.client.project
        return [each for each in super().list(**query) if each.get("project") == project]

    def needs(self) -> None:
        super().needs()
        if bool(self.arguments.get("server")) == bool(self.arguments.get("snapshots")):
            raise Invalid(f"{self} is to be created, which needs either server or snapshots.")

    def validate(self, plan: Plan) -> None:
        if plan.action == CREATE and self.arguments.get("server"):
            server = self._server()
            if server and server["state"] != "stopped":
                self.complain(
                    f"Server {server['name']} is {server['state']}: only the disks of a powered-off server are "
                    "consistent. Set its state to stopped first."
                )

    def _server(self) -> dict[str, Any]:
        from .server import Server

        return self.fetch(Server, self.arguments["server"])

    def create(self, wish: dict[str, Any]) -> dict[str, Any]:
        if self.arguments.get("server"):
            server = self._server()
            idents = self._snapshots_of(server, wish.get("tags") or [])
            arch = server["arch"]
        else:
            idents = [self._snapshot(each) for each in self.arguments["snapshots"]]
            arch = self.arguments.get("arch") or "x86_64"
        body = {**self.creation_body(wish), "arch": arch, "root_volume": idents[0]}
        if len(idents) > 1:
            body["extra_volumes"] = {str(slot): {"id": ident} for slot, ident in enumerate(idents) if slot}
        return self.unwrap(self.client.post(self.url(), body, recover=self.recover))

    def discard(self, made: dict[str, Any], elder: dict[str, Any]) -> None:
        """Runs that image one server share its snapshots: those of the elder stay."""
        self.client.delete(self.url(made["id"]))
        self.gone(made["id"])
        self._remove_snapshots([ident for ident in snapshots_of(made) if ident not in snapshots_of(elder)])

    def finish(self, current: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
        return current

    @property
    def _for_snapshots(self) -> dict[str, Any]:
        return {"owner_tag": self.owner_tag, "wait_timeout": self.waiter.timeout}

    def _snapshot(self, name_or_id: str) -> str:
        return self.refer(Snapshot, name_or_id)

    def _snapshots_of(self, server: dict[str, Any], tags: builtins.list[str]) -> builtins.list[str]:
        """A snapshot of each disk; those of an interrupted earlier try are used when they show the same disk."""
        slots = sorted((server.get("volumes") or {}).items(), key=lambda item: int(item[0]))

        def take(slot: Any) -> str:
            number, volume = slot
            wanted = {"name": f"{self.name}_snap_{number}", "tags": tags, **self._for_snapshots}
            return snapshot_of(self.client, volume, wanted)["id"]

        return self.client.each(take, slots)

    def remove(self, current: dict[str, Any]) -> None:
        """The image, then its snapshots: the API leaves them behind."""
        snapshots = snapshots_of(current)
        if current:
            self.client.delete(self.url(current["id"]))
            self.gone(current["id"])
        if self.arguments.get("keep_snapshots"):
            return
        if self.name:
            snapshots += [each["id"] for each in self._snapshots_by_name() if each["id"] not in snapshots]
        self._remove_snapshots(snapshots)

    def _remove_snapshots(self, idents: builtins.list[str]) -> None:
        for ident in idents:
            snapshot = Snapshot(self.client, {"id": ident, **self._for_snapshots})
            found = snapshot.find()
            if found and snapshot.owns(found):
                snapshot.remove(found)

    def _snapshots_by_name(self) -> builtins.list[dict[str, Any]]:
        """Snapshots that creating an image of this name makes."""
        prefix = f"{self.name}_snap_"
        snapshot = Snapshot(self.client, self._for_snapshots)
        named = [each for each in snapshot.list(name=prefix) if _numbered(each["name"], prefix)]
        return [each for each in named if snapshot.owns(each)]


def snapshots_of(image: dict[str, Any]) -> list[str]:
    """The ids of the snapshots that an image consists of."""
    parts = (image.get("root_volume"), *(image.get("extra_volumes") or {}).values())
    return [part["id"] for part in parts if part]


def _numbered(name: str, prefix: str) -> bool:
    return name.startswith(prefix) and name[len(prefix) :].isdigit()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Images: a root snapshot, perhaps more of them, and a name. Made from a powered-off server in one step."""

from __future__ import annotations

import builtins
from typing import Any, ClassVar

from ..engine import Resource
from ..fields import AT_CREATION, TAGS, Field
from ..plan import CREATE, DELETE, KEEP, Plan
from .existing import ExistingServer
from .snapshot import TAKEN, Snapshot, snapshot_of, snapshots_of


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

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._going: builtins.list[dict[str, Any]] = []

    def plan(self, state: str, current: dict[str, Any] | None) -> Plan:
        if state != "absent":
            return super().plan(state, current)
        self._going = [] if self.arguments.get("keep_snapshots") else self._snapshots_that_go(current)
        told = {"snapshots": sorted(each["name"] for each in self._going)} if self._going else {}
        if current is None:
            return Plan(DELETE, {}, before={"name": self.name, **told}) if told else Plan(KEEP)
        self.check_removal(current)
        return Plan(DELETE, current, before={**self.identity(current), **told})

    def list(self, **query: Any) -> builtins.list[dict[str, Any]]:
        """The project's own images; the API also lists what others made public."""
        project = self.client.project
        return [each for each in super().list(**query) if each.get("project") == project]

    def missing(self) -> str:
        one = bool(self.arguments.get("server")) != bool(self.arguments.get("snapshots"))
        return super().missing() or ("" if one else "either server or snapshots")

    def validate(self, plan: Plan) -> None:
        if plan.action == CREATE and self.arguments.get("server"):
            server = self._server()
            if server and server["state"] != "stopped":
                self.fail_or_warn(
                    f"Server {server['name']} is {server['state']}: only the disks of a powered-off server are "
                    "consistent. Set its state to stopped first."
                )

    def _server(self) -> dict[str, Any]:
        return self.fetch(ExistingServer, self.arguments["server"])

    def create(self, desired: dict[str, Any]) -> dict[str, Any]:
        if self.arguments.get("server"):
            server = self._server()
            idents = self._snapshots_of(server, desired.get("tags") or [])
            arch = server["arch"]
        else:
            idents = [self._snapshot(each) for each in self.arguments["snapshots"]]
            arch = self.arguments.get("arch") or "x86_64"
        body = {**self.creation_body(desired), "arch": arch, "root_volume": idents[0]}
        if len(idents) > 1:
            body["extra_volumes"] = {str(slot): {"id": ident} for slot, ident in enumerate(idents) if slot}
        return self.unwrap(self.client.post(self.url(), body, recover=self.recover))

    def discard(self, made: dict[str, Any], elder: dict[str, Any]) -> None:
        """Remove the image, but keep snapshots shared with the elder: runs that image one server share them."""
        self.client.delete(self.url(made["id"]))
        self.gone(made["id"])
        self._remove_snapshots([ident for ident in snapshots_of(made) if ident not in snapshots_of(elder)])

    def apply_parts(self, current: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
        return current

    @property
    def _for_snapshots(self) -> dict[str, Any]:
        return {"owner_tag": self.owner_tag, "wait_timeout": self.waiter.timeout}

    def _snapshot(self, name_or_id: str) -> str:
        return self.reference(Snapshot, name_or_id)

    def _snapshots_of(self, server: dict[str, Any], tags: builtins.list[str]) -> builtins.list[str]:
        """A snapshot of each disk; those of an interrupted earlier try are used when they show the same disk."""
        slots = sorted((server.get("volumes") or {}).items(), key=lambda item: int(item[0]))

        def take(slot: Any) -> str:
            number, volume = slot
            arguments = {"name": f"{self.name}_snap_{number}", "tags": tags, **self._for_snapshots}
            return snapshot_of(self.client, volume, arguments)["id"]

        return self.client.each(take, slots)

    def remove(self, current: dict[str, Any]) -> None:
        """Remove the image, then the snapshots taken for it, which the API would leave behind."""
        if current:
            self.client.delete(self.url(current["id"]))
            self.gone(current["id"])
        self._remove_snapshots([each["id"] for each in self._going])

    def _remove_snapshots(self, idents: builtins.list[str]) -> None:
        for ident in idents:
            snapshot = Snapshot(self.client, {"id": ident, **self._for_snapshots})
            found = snapshot.find()
            if found and snapshot.owns(found):
                snapshot.remove(found)

    def _snapshots_that_go(self, current: dict[str, Any] | None) -> builtins.list[dict[str, Any]]:
        """Those that were taken for the image, and left by an interrupted try; none that another image holds."""
        name = current["name"] if current else self.name
        if not name:
            return []
        parts = snapshots_of(current or {})
        others = {
            ident for each in self.list() if not current or each["id"] != current["id"] for ident in snapshots_of(each)
        }
        snapshot = Snapshot(self.client, self._for_snapshots)
        found = {
            each["id"]: each for each in snapshot.list(name=f"{name}_snap_") if _numbered(each["name"], f"{name}_snap_")
        }
        # What is in the image under this very name was taken for it, also before there was a mark.
        taken = [each for ident, each in found.items() if ident in parts or TAKEN in (each.get("tags") or [])]
        return [each for each in taken if snapshot.owns(each) and each["id"] not in others]


def _numbered(name: str, prefix: str) -> bool:
    return name.startswith(prefix) and name[len(prefix) :].isdigit()

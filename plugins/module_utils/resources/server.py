# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import builtins
from typing import Any, ClassVar

from ..fields import (
    AT_CREATION,
    IN_PLACE,
    REPLACES,
    TAGS,
    Field,
    Ref,
    choice,
    embedded,
    hidden,
    label,
    text,
    unordered,
)
from ..masking import masked
from ..plan import DELETE, KEEP, REPLACE, UPDATE, Plan
from ..settings import is_uuid
from . import disks, server_disks
from .image import Image
from .ip import address_id
from .placement_group import PlacementGroup
from .private_network import PrivateNetwork
from .products import LABEL, check_volumes, marketplace_image
from .security_group import SecurityGroup
from .server_power import POWER, REBOOTED, REBUILT, RUNNING, STOPPED
from .server_removal import RemovableServer
from .server_user_data import USER_DATA, UserData


def reserved(server: dict[str, Any]) -> list[Ref]:
    return [Ref(ip["id"], ip.get("address") or "") for ip in server.get("public_ips") or [] if not ip.get("dynamic")]


def networks(server: dict[str, Any]) -> list[str]:
    return [nic["private_network_id"] for nic in server.get("private_nics") or []]


class Server(UserData, RemovableServer):
    slow_delete = True
    states = ("present", "absent", RUNNING, STOPPED, REBOOTED, REBUILT)
    creation_needs = ("name", "commercial_type")
    parts_first: tuple[str, ...] = ("private_networks",)  # before a tag tells of them
    options: ClassVar[dict] = {
        "wait_for": choice("running", "booted", default="running"),
        "keep_volumes": {"type": "bool", "default": False},
        "take_over": {"type": "bool", "default": False},
        "recreate": {"type": "bool", "default": False},
    }
    fields = (
        Field("commercial_type"),
        Field("image", change=AT_CREATION, read=embedded("image"), shown=label),
        Field("volumes", {"type": "dict"}, part=True, at_birth=True, shown=label),
        TAGS,
        Field("security_group", read=embedded("security_group"), normal=text, shown=label),
        Field(
            "placement_group",
            read=embedded("placement_group"),
            normal=text,
            shown=label,
            write=lambda ident: ident or None,
        ),
        Field("dynamic_ip_required", {"type": "bool"}, created=True),
        Field("public_ips", {"type": "list", "elements": "str"}, read=reserved, normal=unordered, shown=label),
        Field("protected", {"type": "bool"}, created=False),
        Field("boot_type", choice("local", "rescue"), created="local"),
        Field("user_data", {"type": "dict"}, part=True, shown=masked),
        Field("secret_user_data", {"type": "dict", "no_log": True}, part=True, shown=hidden),
        Field("absent_user_data", {"type": "list", "elements": "str"}, part=True, normal=unordered),
        Field(
            "private_networks",
            {"type": "list", "elements": "str"},
            part=True,
            read=networks,
            normal=unordered,
            shown=label,
        ),
        Field("power", {}, part=True),
    )

    # --- what is desired

    def plan(self, state: str, current: dict[str, Any] | None) -> Plan:
        self._state = state
        self._leftovers: list[disks.Disk] = []
        self._own_image = self._same_system = False
        self._layout = server_disks.parse(self, self.arguments.get("volumes") or {}) if state != "absent" else {}
        if state == REBUILT:
            self.arguments = {**self.arguments, "recreate": True}
        if state != "absent":
            return super().plan(state, current)
        self._leftovers = self.left_behind()
        if current:
            self.check_removal(current)
        if current is None and not self._leftovers:
            return Plan(KEEP)
        shown = {"volumes_left_behind": [ident for _kind, ident in self._leftovers]} if self._leftovers else {}
        before = {**(self.identity(current) if current else {"name": self.name}), **shown}
        return Plan(DELETE, current or {}, before=before)

    def create(self, desired: dict[str, Any]) -> dict[str, Any]:
        disks.delete(self.client, self.left_behind(), self.waiter)
        image = self._image_object(desired["image"]) if self._own_image else None
        volumes = self._disks.layout(self.name, self._layout, image)
        return super().create({**desired, **({"volumes": volumes} if volumes else {})})

    @property
    def _disks(self) -> server_disks.Disks:
        return server_disks.Disks(self)

    def _image_object(self, ident: str) -> dict[str, Any]:
        path = f"/instance/v1/zones/{self.client.settings.zone}/images/{ident}"
        return self.client.once(path, lambda: self.client.get(path)["image"])

    def apply(self, plan: Plan) -> dict[str, Any] | None:
        """Wait for the start of a server that needs no change, too: an earlier run may have begun it."""
        applied = super().apply(plan)
        awaited = plan.action == KEEP and plan.desired.get("power") == RUNNING and not self.check
        return self.wait_for_power(applied, RUNNING) if applied and awaited else applied

    def desired(self) -> dict[str, Any]:
        desired = super().desired()
        if self._state in POWER:
            desired["power"] = POWER[self._state]
        return desired

    def resolve(self, name: str, value: Any) -> Any:
        if name == "image":
            return self._image(value) if self._current is None or self.arguments.get("recreate") else Ref(value)
        if name == "security_group":
            return self.reference(SecurityGroup, value)
        if name == "placement_group":
            return self.reference(PlacementGroup, value) if value else Ref("")
        if name == "public_ips":
            return [address_id(self, each) for each in value]
        if name == "private_networks":
            return [self.reference(PrivateNetwork, each) for each in value]
        if name in USER_DATA:
            return self.resolve_user_data(name, value)
        return self._layout if name == "volumes" else value

    def _image(self, value: str) -> Ref:
        """An image by id, by marketplace label, or by the exact name of one of the project's own."""
        if LABEL.match(value) and not is_uuid(value):
            type_name = self.arguments.get("commercial_type") or (self._current or {}).get("commercial_type") or ""
            if not type_name:
                return Ref("", value)
            check_volumes(self.client, type_name, self._layout)
            local = (self._layout.get("0") or {}).get("volume_type") == "l_ssd"
            found = marketplace_image(self.client, value, type_name, local)
            if found:
                self._same_system = self._is_edition_of(found["id"])
                return Ref(found["id"], value)
        self._own_image = True
        return Ref(value) if is_uuid(value) else self.reference(Image, value)

    def _is_edition_of(self, ident: str) -> bool:
        """Whether the server's image is, as far as one can see, another edition of this one of the marketplace."""
        if self._current is None:
            return False
        present = self._current.get("image")
        return not present or present["id"] == ident or present["name"] == self._image_object(ident)["name"]

    def missing(self) -> str:
        root = self._layout.get("0") or {}
        bootable = self.arguments.get("image") or root.get("id") or root.get("base_snapshot")
        return super().missing() or ("" if bootable else "an image (or a root volume that brings a system)")

    def validate(self, plan: Plan) -> None:
        if not self.arguments.get("take_over"):
            self._refuse_held(plan)
        if "commercial_type" in plan.changes or plan.action == REPLACE:
            check_volumes(self.client, plan.desired["commercial_type"], self._layout)
        if "volumes" in plan.changes or plan.action == REPLACE:
            self._disks.check(plan.current, self._layout, plan.action != UPDATE or self._state == STOPPED)

    def _refuse_held(self, plan: Plan) -> None:
        """An address that another server has is not taken from it without a word."""
        zone, own = self.client.settings.zone, (plan.current or {}).get("id")
        for address in filter(None, plan.changes.get("public_ips") or []):
            found = self.client.find(f"/instance/v1/zones/{zone}/ips/{address}") or {}
            holder = (found.get("ip") or {}).get("server")
            if holder and holder["id"] != own:
                self.refuse_held(found["ip"]["address"], holder)

    def refuse_held(self, address: str, holder: dict[str, Any]) -> None:
        self.fail_or_warn(
            f"{self}: the address {address} belongs to server {holder.get('name')} ({holder['id']}). Detach it there, "
            "or set take_over: true."
        )

    def change_of(self, entry: Field, current: dict[str, Any]) -> str:
        if entry.name == "commercial_type":
            off = current["state"] == "stopped" or self._state == "stopped"
            return IN_PLACE if off and not current.get("placement_group") else REPLACES
        if entry.name == "placement_group":
            leaves = not self.arguments.get("placement_group")
            return IN_PLACE if leaves or "stopped" in (current["state"], self._state) else REPLACES
        if entry.name == "image" and self.arguments.get("recreate") and not self._same_system:
            return REPLACES
        if entry.name == "volumes" and not server_disks.changes_in_place(current, self._layout):
            return REPLACES
        return entry.change

    def frozen(self, names: builtins.list[str], actual: dict[str, Any], desired: dict[str, Any]) -> str:
        """Type and placement group change in place while the server is off, which costs less than its disks."""
        if set(names) - {"commercial_type", "placement_group"}:
            return super().frozen(names, actual, desired)
        grouped = "commercial_type" in names and (self._current or {}).get("placement_group")
        first = "Take it out of its placement group first (placement_group: ''); with" if grouped else "With"
        before, after = self.display(actual), self.display(desired)
        what = "; ".join(f"{name} is {before[name]!r}, desired {after[name]!r}" for name in names)
        return (
            f"{self} exists, and this cannot change while it runs: {what}. {first} state: stopped it changes in place "
            "and keeps its disks; start the server with another task. With recreate: true it is replaced, with new "
            "disks."
        )

    # --- reading

    def read_part(self, name: str, current: dict[str, Any]) -> Any:
        if name == "volumes":
            return server_disks.actual_values(current, self._layout)
        if name == "power":
            return {"starting": RUNNING, "stopping": STOPPED}.get(current["state"], current["state"])
        return super().read_part(name, current)

    # --- writing

    def change(self, current: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
        if {"commercial_type", "placement_group", "volumes"} & set(changes) and self._state == STOPPED:
            self.write_part("power", current, STOPPED)
        return super().change(current, changes)

    def change_body(self, current: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
        if "security_group" in changes:
            return {**changes, "security_group": {"id": changes["security_group"]}}
        return changes

    def write_part(self, name: str, current: dict[str, Any], value: Any) -> None:
        if name == "power":
            self.set_power(self.wait_until_at_rest(self.fresh(current)) or current, value)
        elif name == "volumes":
            self._disks.change(current, value)
        elif name == "private_networks":
            self._join(current, value)
        else:
            super().write_part(name, current, value)

    def _join(self, current: dict[str, Any], desired: list[str]) -> None:
        nics = {nic["private_network_id"]: nic["id"] for nic in current.get("private_nics") or []}
        for network in set(nics) - set(desired):
            self.client.delete(self.url(current["id"], f"/private_nics/{nics[network]}"))
        for network in desired:
            if network not in nics:

                def joined(network: str = network) -> dict[str, Any] | None:
                    actual = self.get(current["id"]) or {}
                    return next(
                        (nic for nic in actual.get("private_nics") or [] if nic["private_network_id"] == network), None
                    )

                self.client.post(
                    self.url(current["id"], "/private_nics"), {"private_network_id": network}, recover=joined
                )
        if self.wait and current["state"] != STOPPED:
            self.wait_for_state(
                f"{self} to be in its private networks",
                lambda: self.read(current["id"]),
                lambda actual: all(nic.get("state") != "attaching" for nic in actual["private_nics"]),
            )

    # --- results

    def represent(self, current: dict[str, Any]) -> dict[str, Any]:
        addresses = [
            ip["address"]
            for ip in current.get("public_ips") or []
            if isinstance(ip, dict) and ip.get("family", "inet") == "inet"
        ]
        return {**current, "public_address": addresses[0] if addresses else None}

    def predict(self, plan: Plan) -> dict[str, Any]:
        predicted = super().predict(plan)
        if not predicted.get("public_ips") or isinstance(predicted["public_ips"][0], str):
            predicted["public_ips"] = []
        return predicted

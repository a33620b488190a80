# SPDX-License-Identifier: GPL-3.0-or-later
"""The disks of one server by slot: its own, which go with it, and volumes in their own right that are attached to it.

A template is, by slot, None (nothing there), ``{"id": ...}`` (that volume), or what a disk of the server's own is like.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..engine import Resource
from ..errors import Invalid
from ..fields import Ref
from ..plan import Object, Values
from . import disks
from .existing import is_block
from .snapshot import Snapshot
from .volume import Volume, holder, kind

ROOT = "0"
LOCAL = ("l_ssd", "scratch")
KEYS = ("id", "name", "volume_type", "size", "base_snapshot")


def parse(server: Resource, volumes: Mapping[Any, Any]) -> Values:
    """The argument, checked, with names resolved."""
    desired = {str(slot): template or {} for slot, template in volumes.items()}
    for slot, template in desired.items():
        if not slot.isdigit():
            raise Invalid(f"{server}: {slot!r} is not a slot; slots are numbers, and the system disk is {ROOT!r}.")
        if not isinstance(template, dict) or set(template) - set(KEYS):
            raise Invalid(f"{server}: volume {slot} is {template!r}; a volume can have {', '.join(KEYS)}.")
    return {slot: _parse_one(server, slot, template) for slot, template in desired.items()}


def _parse_one(server: Resource, slot: str, template: Object) -> Object | None:
    given = {key: value for key, value in template.items() if value not in (None, "")}
    existing = given.get("id") or given.get("name")
    if existing:
        if set(given) - {"id", "name", "volume_type"}:
            raise Invalid(f"{server}: volume {slot} has an id or a name, so it already exists with a size.")
        return {"id": server.reference(Volume, existing)}
    if not given and slot != ROOT:
        return None
    if given.get("volume_type", "sbs_volume") not in ("sbs_volume", *LOCAL):
        raise Invalid(f"{server}: volume {slot} is {given['volume_type']}, not sbs_volume or {' or '.join(LOCAL)}.")
    if "size" in given:
        if not str(given["size"]).isdigit():
            raise Invalid(f"{server}: the size of volume {slot} is {given['size']!r}, not a number of bytes.")
        given["size"] = int(given["size"])
    if "base_snapshot" in given:
        given["base_snapshot"] = server.reference(Snapshot, given["base_snapshot"])
    elif "size" not in given and slot != ROOT:
        raise Invalid(
            f"{server}: volume {slot} needs a size (in bytes), a base_snapshot, or the name of an existing volume."
        )
    return given


def actual_values(server: Object, desired: Values) -> Values:
    """What is in the slots of a template; one that is as desired shows the template itself."""
    there = server.get("volumes") or {}
    return {
        slot: template if _is_as_desired(there.get(slot), template) else _actual(there.get(slot))
        for slot, template in desired.items()
    }


def _is_as_desired(disk: Object | None, template: Object | None) -> bool:
    """Whether nothing is to be done; the size of an SBS volume is not the server's business."""
    if disk is None or template is None:
        return disk is None and template is None
    if "id" in template:
        return disk["id"] == template["id"]
    return all(
        template.get(key) in (None, disk.get(key)) for key in ("volume_type", *(("size",) if "size" in disk else ()))
    )


def _actual(disk: Object | None) -> Object | None:
    if disk is None:
        return None
    return {
        "id": Ref(disk["id"], disk.get("name") or ""),
        **{key: disk[key] for key in ("volume_type", "size") if disk.get(key)},
    }


def changes_in_place(server: Object, desired: Values) -> bool:
    """Whether all that differs can be attached or detached: not the system's disk, and no other disk in its place."""
    there = server.get("volumes") or {}
    return all(
        slot != ROOT and (template is None or "id" in template or slot not in there)
        for slot, template in touched_slots(server, desired).items()
    )


def touched_slots(server: Object, desired: Values) -> Values:
    """Return the slots of a template that differ from the server."""
    there = server.get("volumes") or {}
    return {slot: template for slot, template in desired.items() if not _is_as_desired(there.get(slot), template)}


def would_be_lost(server: Object, doomed: list[disks.Disk]) -> bool:
    """Whether local disks are to outlive a server: its termination takes them along, its deletion does not."""
    going = {ident for _kind, ident in doomed}
    return any(disk["volume_type"] in LOCAL and disk["id"] not in going for disk in server["volumes"].values())


class Disks:
    """Makes, attaches and detaches the disks of one server."""

    def __init__(self, server: Resource) -> None:
        self.server = server
        self.client = server.client

    def check(self, current: Object | None, desired: Values, stopped: bool) -> None:
        """Complain about what an API would refuse; `stopped` tells whether the server will be off by then."""
        current = current or {"id": "", "volumes": {}, "state": "stopped"}
        there, touched = current["volumes"], touched_slots(current, desired)
        coming = [volume for template in touched.values() if (volume := self._existing(template))]
        for volume in coming:
            if holder(volume) not in ("", current["id"]):
                where = f"attached to server {holder(volume)}"
                self.server.fail_or_warn(f"{self.server}: volume {volume['name']} is {where}: detach it there first.")
        kinds = {kind(volume) for volume in coming} | {there[slot]["volume_type"] for slot in touched if slot in there}
        kinds |= {template["volume_type"] for template in touched.values() if template and "volume_type" in template}
        if kinds & set(LOCAL) and current["state"] != "stopped" and not stopped:
            self.server.fail_or_warn(
                f"{self.server} is {current['state']}: its local disks can only change while it is stopped."
            )

    def _existing(self, template: Object | None) -> Object | None:
        return self._volume(template["id"]) if template and template.get("id") else None

    def _volume(self, ident: str) -> Object | None:
        return Volume(self.client, {"id": ident}).find()

    # --- a new server

    def layout(self, name: str, desired: Values, image: Object | None) -> Object:
        """The volumes of a server that is to be created, with further disks made, also those that its image brings."""
        extra = {
            slot: {
                "base_snapshot": each["id"],
                "volume_type": "l_ssd" if each["volume_type"] in LOCAL else "sbs_volume",
            }
            for slot, each in ((image or {}).get("extra_volumes") or {}).items()
        }
        both = {**extra, **{slot: template for slot, template in desired.items() if template is not None}}
        return {slot: self._template(name, slot, template) for slot, template in both.items()}

    def _template(self, name: str, slot: str, template: Object) -> Object:
        return template if slot == ROOT and "id" not in template else self._attachable(name, slot, template)

    # --- a server that exists

    def change(self, current: Object, desired: Values) -> None:
        """Change the map of volumes as a whole, at once; slots that are not spoken of stay as they are."""
        there = current["volumes"]
        touched = touched_slots(current, desired)
        moving = {template["id"] for template in touched.values() if template and "id" in template}
        after = {
            slot: _reference(disk) for slot, disk in there.items() if slot not in touched and disk["id"] not in moving
        }
        for slot, template in touched.items():
            here = next((disk for disk in there.values() if template and disk["id"] == template.get("id")), None)
            if template is not None:
                after[slot] = _reference(here) if here else self._attachable(current["name"], slot, template)
        staying = {disk["id"] for disk in after.values()}
        leaving = [disk for disk in there.values() if disk["id"] not in staying]
        disks.disown(self.client, leaving)
        self.client.patch(self.server.url(current["id"]), {"volumes": after})
        self.server.wait_for_state(
            f"{self.server} to have its disks",
            lambda: self.server.get(current["id"]),
            lambda actual: all(disk.get("state") != "attaching" for disk in actual["volumes"].values()),
        )
        for disk in leaving if self.server.wait else []:
            self._free(disk["id"])

    def _attachable(self, name: str, slot: str, template: Object) -> Object:
        """A volume that is free to be attached; one of the server's own is made, once."""
        if "id" in template:
            return _reference(self._free(template["id"]))
        arguments = {key: template.get(key) for key in ("volume_type", "size")}
        arguments |= {
            "name": f"{name}_disk_{slot}",
            "tags": disks.marks(name, self.server.owner_tag),
            "snapshot": template.get("base_snapshot"),
        }
        own = Volume(
            self.client, {**arguments, "owner_tag": self.server.owner_tag, "wait_timeout": self.server.waiter.timeout}
        )
        return _reference(own.apply(own.plan("present", own.claim("present", own.find()))) or {})

    def _free(self, ident: str) -> Object:
        """Wait until the volume is detached from its previous server, and return it."""
        volume = self._volume(ident)
        if volume is None:
            raise Invalid(f"There is no volume {ident} in {self.server.where}.")
        return (
            self.server.waiter.until(
                f"volume {volume['name']} to be free",
                lambda: self._volume(ident),
                lambda actual: (
                    actual is not None and not holder(actual) and actual.get("status") in (None, "available")
                ),
                lambda actual: str((actual or {}).get("status") or "in use"),
            )
            or {}
        )


def _reference(volume: Object) -> Object:
    """A volume that exists as the map of volumes names it: the APIs want to hear different things."""
    if is_block(volume) or volume.get("volume_type") == "sbs_volume":
        return {"id": volume["id"], "volume_type": "sbs_volume"}
    return {"id": volume["id"], "name": volume["name"]}

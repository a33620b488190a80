# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed databases: instances, which accept one change at a time."""

from __future__ import annotations

import builtins
from typing import Any, ClassVar

from ..engine import Resource
from ..errors import Invalid
from ..fields import REPLACES, TAGS, Field, choice, is_network, label, lower, networks, unordered
from ..plan import Object, Plan, Values
from .private_network import PrivateNetwork

PUBLIC: Object = {"load_balancer": {}}


def _in_schedule(key: str) -> Any:
    return lambda instance: (instance.get("backup_schedule") or {}).get(key)


def _in_volume(key: str) -> Any:
    return lambda instance: (instance.get("volume") or {}).get(key)


def private_endpoints(instance: Object) -> dict[str, Object]:
    """Id of a private network -> the endpoint there."""
    found = [each for each in instance.get("endpoints") or [] if each.get("private_network")]
    return {each["private_network"]["private_network_id"]: each for each in found}


def public_endpoint(instance: Object) -> Object | None:
    return next((each for each in instance.get("endpoints") or [] if "load_balancer" in each), None)


def settings(value: Any) -> Values:
    """Values as the API has them, texts."""
    return {name: str(each).lower() if isinstance(each, bool) else str(each) for name, each in (value or {}).items()}


class RdbInstance(Resource):
    word = "database instance"
    key = "instance"
    plural = "instances"
    path = "/rdb/v1/regions/{region}/instances"
    envelope = False
    project_key = "project_id"
    status_key = "status"
    transient = (
        "provisioning",
        "initializing",
        "configuring",
        "restarting",
        "autohealing",
        "backuping",
        "snapshotting",
    )
    failed = ("error", "locked")
    slow_delete = True
    creation_needs = ("name", "engine", "node_type")
    options: ClassVar[Values] = {"allow_empty": {"type": "bool", "default": False}}
    unknown: ClassVar[Values] = {"endpoint": None, "endpoints": []}
    fields = (
        Field("engine", change=REPLACES),
        Field("node_type", part=True, normal=lower),
        Field("volume_type", choice("lssd", "sbs_5k", "sbs_15k"), part=True, read=_in_volume("type")),
        Field("volume_size", {"type": "int"}, part=True, read=_in_volume("size")),
        Field("ha", {"type": "bool"}, part=True, read=lambda instance: instance.get("is_ha_cluster")),
        Field(
            "encrypted",
            {"type": "bool"},
            part=True,
            read=lambda instance: (instance.get("encryption") or {}).get("enabled"),
        ),
        Field(
            "backups",
            {"type": "bool"},
            wire="is_backup_schedule_disabled",
            read=lambda instance: not (instance.get("backup_schedule") or {}).get("disabled"),
            write=lambda value: not value,
        ),
        Field("backup_frequency", {"type": "int"}, wire="backup_schedule_frequency", read=_in_schedule("frequency")),
        Field("backup_retention", {"type": "int"}, wire="backup_schedule_retention", read=_in_schedule("retention")),
        Field("backup_same_region", {"type": "bool"}),
        TAGS,
        Field("public_endpoint", {"type": "bool"}, part=True, read=lambda instance: bool(public_endpoint(instance))),
        Field(
            "private_networks",
            {"type": "list", "elements": "str"},
            part=True,
            read=lambda instance: [*private_endpoints(instance)],
            normal=unordered,
            shown=label,
        ),
        Field("settings", {"type": "dict"}, part=True, normal=settings),
        Field("acls", {"type": "list", "elements": "str"}, part=True, normal=networks),
    )

    def find(self) -> Object | None:
        found = super().find()
        return None if found and self.status(found) == "deleting" else found

    def namesakes(self) -> builtins.list[Object]:
        return [each for each in super().namesakes() if self.status(each) != "deleting"]

    def resolve(self, name: str, value: Any) -> Any:
        if name == "private_networks":
            return [self.reference(PrivateNetwork, each) for each in value]
        if name == "acls":
            for each in value:
                if not is_network(each):
                    raise Invalid(f"{self}: {each!r} in acls is neither an address nor a network such as 10.0.0.0/8.")
        return value

    def validate(self, plan: Plan) -> None:
        actual = plan.current or {}
        for name in ("ha", "encrypted"):
            if plan.changes.get(name) is False and actual:
                raise Invalid(f"{self} has {name}: true, which cannot be undone.")
        size, kind = (plan.desired.get(f"volume_{each}") or _in_volume(each)(actual) for each in ("size", "type"))
        if kind in (None, "lssd") and "volume_size" in plan.changes:
            raise Invalid(
                f"{self}: node_type determines the size of a local disk; volume_size is for volume_type sbs_…."
            )
        if kind not in (None, "lssd") and not size:
            raise Invalid(f"{self}: volume_size is needed for volume_type {kind}.")
        if actual and size < _in_volume("size")(actual) and "volume_size" in plan.changes:
            raise Invalid(f"{self}: a volume cannot shrink below its current {_in_volume('size')(actual)} bytes.")
        if plan.changes.get("acls") == [] and not self.arguments.get("allow_empty"):
            raise Invalid(
                f"{self}: acls is empty, so nobody could connect from outside, perhaps because a lookup found nothing. "
                "If this is intended, set allow_empty: true."
            )
        here = {name: self.field(name).value(actual) for name in ("public_endpoint", "private_networks")}
        if actual and plan.changes.keys() & here and not any(plan.desired.get(name, here[name]) for name in here):
            raise Invalid(f"{self} would have no endpoint.")

    # --- creation

    def creation_body(self, desired: Values) -> Object:
        """All that the API takes at once; without a word on endpoints there is a public one."""
        networks_in = [self._private(network) for network in desired.get("private_networks") or []]
        public = desired.get("public_endpoint", not networks_in)
        return {
            "name": self.name,
            "project_id": self.client.project,
            "engine": desired["engine"],
            "node_type": lower(desired["node_type"]),
            "volume_type": desired.get("volume_type") or "lssd",
            "volume_size": desired.get("volume_size") or 0,
            "is_ha_cluster": bool(desired.get("ha")),
            "encryption": {"enabled": bool(desired.get("encrypted"))},
            "disable_backup": desired.get("backups") is False,
            "backup_same_region": bool(desired.get("backup_same_region")),
            "tags": desired.get("tags") or [],
            "init_settings": [],
            "init_endpoints": networks_in + [PUBLIC] * bool(public),
            "user_name": "",
            "password": "",
        }

    def _private(self, network: str) -> Object:
        return {"private_network": {"private_network_id": str(network), "ipam_config": {}}}

    def complete(self, plan: Plan, made: Object) -> Object:
        """The rest: compared with what there is now, as for one that was there before."""
        left = self.compare(made, plan.desired)
        return self.update(made, left.changes) if left.changes else made

    # --- changes, each of which keeps the instance busy for a while

    def read_part(self, name: str, current: Object) -> Any:
        if name == "settings":
            known = {each["name"]: each["value"] for each in current.get("settings") or []}
            return {each: known.get(each) for each in self.arguments["settings"]}
        if name == "acls":
            return [each["ip"] for each in self.client.list(self.url(current["id"], "/acls"), "rules")]
        return super().read_part(name, current)

    def write_part(self, name: str, current: Object, value: Any) -> None:
        actual = self._at_rest(current)
        if self.field(name).equal(self.read_part(name, actual), value):
            return  # came with another part
        if name in ("node_type", "volume_type", "volume_size", "ha", "encrypted"):
            key = {"ha": "enable_ha", "encrypted": "enable_encryption"}.get(name, name)
            body = {key: lower(value) if name == "node_type" else value}
            url = self.url(current["id"], "/upgrade")
            self.client.post(url, body, recover=lambda: self._recovered(name, current, value))
        elif name == "settings":
            rows = [{"name": key, "value": each} for key, each in settings(value).items()]
            url = self.url(current["id"], "/settings")
            self.client.post(url, {"settings": rows}, recover=lambda: self._recovered(name, current, value))
        elif name == "acls":
            rules = [{"ip": each, "description": ""} for each in networks(value)]
            self.client.put(self.url(current["id"], "/acls"), {"rules": rules})
        else:
            self._write_endpoints(name, actual, value)
        self._at_rest(current)

    def _recovered(self, name: str, current: Object, value: Any) -> Object | None:
        """The instance, where a request whose answer got lost has taken effect."""
        actual = self.fresh(current)
        return actual if self.field(name).equal(self.read_part(name, actual), value) else None

    def _write_endpoints(self, name: str, current: Object, value: Any) -> None:
        """Add new endpoints before removing old ones, so that the instance stays reachable."""
        if name == "public_endpoint":
            there = public_endpoint(current)
            if value:
                self._add_endpoint(current, PUBLIC, lambda actual: public_endpoint(actual) is not None)
            elif there:
                self._remove_endpoint(there)
            return
        for network in value:
            if network not in private_endpoints(current):
                self._add_endpoint(
                    current, self._private(network), lambda actual, there=network: there in private_endpoints(actual)
                )
                current = self._at_rest(current)
        for network, endpoint in private_endpoints(current).items():
            if network not in value:
                self._remove_endpoint(endpoint)
                current = self._at_rest(current)

    def _add_endpoint(self, current: Object, spec: Object, there: Any) -> None:
        def made() -> Object | None:
            actual = self._at_rest(current)
            return actual if there(actual) else None

        self.client.post(self.url(current["id"], "/endpoints"), {"endpoint_spec": spec}, recover=made)

    def _remove_endpoint(self, endpoint: Object) -> None:
        self.client.delete(f"/rdb/v1/regions/{self.client.settings.region}/endpoints/{endpoint['id']}")

    def _at_rest(self, current: Object) -> Object:
        """Wait until the instance accepts changes again, even if the task does not wait for the result."""
        return self.wait_for_state(
            f"{self} to settle",
            lambda: self.get(current["id"]),
            lambda actual: self.status(actual) not in self.transient,
        )

    def change(self, current: Object, changes: Values) -> Object:
        return super().change(self._at_rest(current) if self.wire(changes) else current, changes)

    def predict(self, plan: Plan) -> Object:
        shown = super().predict(plan)
        shown.pop("is_backup_schedule_disabled", None)
        return shown

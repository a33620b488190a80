# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases and users of managed databases. They have names in their instance, and no ids."""

from __future__ import annotations

import base64
import builtins
from typing import Any, ClassVar

from ..client import Client
from ..errors import Invalid
from ..fields import AT_CREATION, Field, choice, hidden
from ..plan import Object, Plan, Values
from ..settings import is_uuid
from .part import Part
from .rdb_instance import RdbInstance

PERMISSIONS = ("readonly", "readwrite", "all", "custom", "none")


class RdbPart(Part):
    whole = RdbInstance
    whole_argument = "instance"
    creation_needs: tuple[str, ...] = ("name",)
    options: ClassVar[Values] = {
        "instance": {"type": "str", "required": True},
        "name": {"type": "str", "required": True},
        "state": choice("present", "absent", default="present"),
        "wait_timeout": {"type": "int", "default": 600},
    }

    def unwrap(self, answer: Object) -> Object:
        return {**answer, "id": answer["name"]}

    def list(self, **query: Any) -> builtins.list[Object]:
        return [self.unwrap(each) for each in super().list(**query)]

    def get(self, ident: str) -> Object | None:
        return next((each for each in self.list(name=ident) if each["name"] == ident), None)

    def apply(self, plan: Plan) -> Object | None:
        """Wait for the instance first: it accepts no changes while it is being changed."""
        if plan.changed:
            instance = RdbInstance(self.client, {"id": self.whole_id, "wait_timeout": self.arguments["wait_timeout"]})
            instance.wait_until_stable(instance.get(self.whole_id) or {"id": self.whole_id, "status": "restarting"})
        return super().apply(plan)


class RdbDatabase(RdbPart):
    word = "database"
    key = "database"
    plural = "databases"
    path = "/rdb/v1/regions/{region}/instances/{instance_id}/databases"


def privileges(value: Any) -> Values:
    return {database: permission or "none" for database, permission in (value or {}).items()}


class RdbUser(RdbPart):
    """The API never tells a password: whether it is written again is up to the task."""

    word = "database user"
    key = "user"
    plural = "users"
    path = "/rdb/v1/regions/{region}/instances/{instance_id}/users"
    creation_needs = ("name", "password")
    options: ClassVar[Values] = {
        **RdbPart.options,
        "update_password": choice("on_create", "always", default="on_create"),
    }
    fields = (
        Field("password", {"type": "str", "no_log": True}, shown=hidden, read=lambda _user: None),
        Field("is_admin", {"type": "bool"}, created=False),
        Field("privileges", {"type": "dict"}, part=True, normal=privileges),
    )

    def change_of(self, entry: Field, current: Object) -> str:
        if entry.name == "password" and self.arguments.get("update_password") != "always":
            return AT_CREATION
        return super().change_of(entry, current)

    def resolve(self, name: str, value: Any) -> Any:
        if name == "privileges":
            for database, permission in value.items():
                if permission not in PERMISSIONS:
                    raise Invalid(f"{self}: {permission!r} for {database} is not one of {', '.join(PERMISSIONS)}.")
        return value

    def read_part(self, name: str, current: Object) -> Any:
        found = self.client.list(self._privileges, "privileges", user_name=current["name"])
        known = {each["database_name"]: each["permission"] for each in found if each["user_name"] == current["name"]}
        return {database: known.get(database, "none") for database in self.arguments["privileges"]}

    @property
    def _privileges(self) -> str:
        return RdbInstance(self.client, {}).url(self.whole_id, "/privileges")

    def write_part(self, name: str, current: Object, value: Any) -> None:
        there = self.read_part(name, current)
        for database, permission in value.items():
            if there[database] != permission:
                grant = {"database_name": database, "user_name": current["name"], "permission": permission}
                self.client.put(self._privileges, grant)


def certificate_of(client: Client, value: str) -> str:
    """The certificate of an instance by name or id, PEM text, for the lookup."""
    found = RdbInstance(client, {"id" if is_uuid(value) else "name": value}).find()
    if found is None:
        raise Invalid(f"There is no database instance {value!r} in {client.settings.region}.")
    answer = client.find(RdbInstance(client, {}).url(found["id"], "/certificate"))
    if answer is None:
        raise Invalid(f"Database instance {value!r} has no certificate yet: it is {found['status']}.")
    return base64.b64decode(answer["content"]).decode()

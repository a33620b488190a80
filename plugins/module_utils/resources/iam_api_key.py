# SPDX-License-Identifier: GPL-3.0-or-later
"""API keys of applications. Nobody can ask for their secret after they were made, so a key may be there and be lost."""

from __future__ import annotations

import builtins
from datetime import UTC, datetime
from typing import Any, ClassVar

from ..errors import Invalid
from ..fields import Field
from ..plan import Object, Values
from ..settings import is_uuid
from .iam_application import IamApplication, OrganizationObject


def moment(value: Any) -> datetime | None:
    """When a key ends; Z and +00:00 are one zone, and a moment without one is in UTC."""
    if not value:
        return None
    found = datetime.fromisoformat(str(value))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


class IamApiKey(OrganizationObject):
    """The API knows keys by their access key, and calls their name a description."""

    word = "API key"
    key = "api_key"
    plural = "api_keys"
    path = "/iam/v1alpha1/api-keys"
    project_key = ""
    options: ClassVar[Values] = {"application": {"type": "str", "required": True}, "known": {"type": "str"}}
    fields = (
        Field("expires_at", normal=moment),
        Field("default_project_id"),
        Field("exclusive", {"type": "bool", "default": False}, part=True),
    )
    creation_needs = ("name",)
    unknown: ClassVar[Values] = {"access_key": "", "secret_key": ""}

    @property
    def application_id(self) -> str:
        return self.reference(IamApplication, self.arguments["application"])

    def unwrap(self, answer: Object) -> Object:
        return {**answer, "id": answer["access_key"], "name": answer.get("description") or ""}

    def list(self, **query: Any) -> builtins.list[Object]:
        found = super().list(organization_id=self.account, bearer_type="application", **query)
        return [self.unwrap(each) for each in found]

    def siblings(self) -> builtins.list[Object]:
        """All keys of the application."""
        owner = self.application_id
        return [each for each in self.list(bearer_id=owner) if each.get("application_id") == owner] if owner else []

    def namesakes(self) -> builtins.list[Object]:
        """Those whose secret is known, where the task says which that is; they may be nobody's twin then."""
        named, known = [each for each in self.siblings() if each["name"] == self.name], self.arguments.get("known")
        return named if known is None else [each for each in named if each["id"] == known and not has_ended(each)]

    def find(self) -> Object | None:
        if self.arguments.get("state") == "absent" and not self._has_application():
            return None
        return super().find()

    def _has_application(self) -> bool:
        application = self.arguments["application"]
        return is_uuid(application) or self.find_reference(IamApplication, application) is not None

    def claim(self, state: str, current: Object | None) -> Object | None:
        """The owner of the application also owns its keys."""
        named = self.arguments["application"]
        by = {"owner_tag": self.arguments.get("owner_tag"), "id" if is_uuid(named) else "name": named}
        application = IamApplication(self.client, by)
        if application.owner_tag:
            found = application.find() if is_uuid(named) else self.find_reference(IamApplication, named)
            if application.claim(state, found) is None and found is not None:
                return None
        return current

    def resolve(self, name: str, value: Any) -> Any:
        if name == "expires_at":
            try:
                moment(value)
            except ValueError:
                raise Invalid(f"{self}: expires_at {value!r} is not a time such as 2027-01-31T12:00:00Z.") from None
        return value

    def desired(self) -> Values:
        found = super().desired()
        return found if found.get("exclusive") else {key: found[key] for key in found if key != "exclusive"}

    def wire(self, values: Values) -> Object:
        body = super().wire(values)
        return {"description" if key == "name" else key: value for key, value in body.items()}

    def creation_body(self, desired: Values) -> Object:
        body = super().creation_body(desired)
        body["description"] = body.pop("name")
        return {"default_project_id": self.client.project, **body, "application_id": self.application_id}

    def create(self, desired: Values) -> Object:
        """Make it. Of a first try whose answer got lost nobody knows the secret: that key goes again."""
        before = {each["id"] for each in self.siblings()}

        def forget_lost() -> None:
            for each in self.siblings():
                if each["id"] not in before and each["name"] == self.name:
                    self.remove(each)

        return self.unwrap(self.client.post(self.url(), self.creation_body(desired), recover=forget_lost))

    def read_part(self, name: str, current: Object) -> bool:
        return not self._others(current)

    def write_part(self, name: str, current: Object, value: Any) -> None:
        for each in self._others(current):
            self.remove(each)

    def apply_parts(self, current: Object, values: Values) -> Object:
        """The secret is in the answer to the creation only: nothing is read again."""
        return {
            **super().apply_parts(current, values),
            **{key: current[key] for key in ("secret_key",) if key in current},
        }

    def _others(self, current: Object) -> builtins.list[Object]:
        return [each for each in self.siblings() if each["id"] != current["id"]]


def has_ended(key: Object) -> bool:
    end = moment(key.get("expires_at"))
    return end is not None and end <= datetime.now(UTC)

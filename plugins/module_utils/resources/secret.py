# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets: an object with a name and a path, and versions of its value."""

from __future__ import annotations

import base64
import builtins
from typing import Any

from ..client import Client
from ..engine import Resource
from ..errors import Invalid
from ..fields import AT_CREATION, REPLACES, TAGS, Field, choice, hidden, plain_text, text

TYPES = ("opaque", "certificate", "key_value", "basic_credentials", "database_credentials", "ssh_key")


def normal_path(path: str | None) -> str:
    """A folder as the API shows it: one slash in front, none behind."""
    return "/" + "/".join(filter(None, (path or "").split("/")))


class Secret(Resource):
    word = "secret"
    key = "secret"
    plural = "secrets"
    path = "/secret-manager/v1beta1/regions/{region}/secrets"
    envelope = False
    project_key = "project_id"
    status_key = "status"
    fields = (
        Field("path", {"type": "str", "default": "/"}, change=AT_CREATION, write=normal_path),
        Field("type", choice(*TYPES), change=REPLACES, created="opaque"),
        Field("description", normal=text),
        TAGS,
        Field("value", {"type": "raw", "no_log": True}, part=True, shown=hidden),
        Field("protected", {"type": "bool"}, part=True, created=False),
    )
    creation_needs = ("name",)

    def get(self, ident: str) -> dict[str, Any] | None:
        """Treat deleted secrets as gone, although the API still shows them while they can be restored."""
        found = super().get(ident)
        return None if found and found.get("deletion_requested_at") else found

    def list(self, **query: Any) -> list[dict[str, Any]]:
        return super().list(scheduled_for_deletion="false", **query)

    def namesakes(self) -> builtins.list[dict[str, Any]]:
        folder = normal_path(self.arguments.get("path"))
        named = self.list(name=self.name, path=folder)
        return [each for each in named if each["name"] == self.name and each["path"] == folder]

    def resolve(self, name: str, value: Any) -> Any:
        if name != "value":
            return value
        if value == "":
            raise Invalid(f"{self}: value is empty, perhaps because a lookup found nothing.")
        return plain_text(f"{self}: value", value)

    def read_part(self, name: str, current: dict[str, Any]) -> Any:
        return self.value(current["id"]) if name == "value" else super().read_part(name, current)

    def value(self, ident: str, revision: str = "latest_enabled") -> str | None:
        """The value of a version, None where there is none."""
        return self.version(ident, revision)[1]

    def version(self, ident: str, revision: str = "latest_enabled") -> tuple[int, str | None]:
        """Number and value of a version; 0 and None where there is none."""
        answer = self.client.find(self.url(ident, f"/versions/{revision}/access"))
        if answer is None:
            return 0, None
        return answer["revision"], base64.b64decode(answer["data"]).decode("utf-8", "replace")

    def enabled(self, ident: str, after: int = 0) -> builtins.list[dict[str, Any]]:
        """Versions that may be read and are later than this one, the first of them first."""
        found = self.client.list(self.url(ident, "/versions"), "versions", status="enabled")
        later = [each for each in found if each["revision"] > after and each["status"] == "enabled"]
        return sorted(later, key=lambda each: each["revision"])

    def write_part(self, name: str, current: dict[str, Any], value: Any) -> None:
        if name == "protected":
            verb = "protect" if value else "unprotect"
            self.client.post(self.url(current["id"], f"/{verb}"), {}, recover=lambda: self._protected(current, value))
            return
        self._add(current["id"], value, 0, disable_previous=True)

    def _add(self, ident: str, value: str, after: int, **options: Any) -> int:
        """Write a version; its number. After a lost answer it is looked for among those later than `after`."""

        def there() -> dict[str, Any] | None:
            revision, found = self.version(ident)
            return {"revision": revision} if found == value and revision > after else None

        body = {"data": base64.b64encode(value.encode()).decode(), **options}
        return self.client.post(self.url(ident, "/versions"), body, recover=there)["revision"]

    def follow(self, ident: str, value: str, after: int) -> tuple[int, str | None]:
        """Write the version that follows the one that was read, unless a peer has; the one that there is then.

        Of several at once the first one stays and the others go again, so all end with the same value.
        """
        mine = 0 if self.enabled(ident, after) else self._add(ident, value, after)
        first = next((each["revision"] for each in self.enabled(ident, after)), mine)
        if first != mine:
            if mine:
                self.client.delete(self.url(ident, f"/versions/{mine}"))
            return self.version(ident, str(first))
        for each in self.enabled(ident):
            if each["revision"] <= after:
                self.client.post(self.url(ident, f"/versions/{each['revision']}/disable"), {}, recover=lambda: {})
        return mine, value

    def _protected(self, current: dict[str, Any], value: bool) -> dict[str, Any] | None:
        actual = self.get(current["id"]) or {}
        return actual if actual.get("protected") is value else None

    def check_removal(self, current: dict[str, Any]) -> None:
        if current.get("protected") and self.arguments.get("protected") is not False:
            self.fail_or_warn(f"{self} is protected: removing it needs protected: false.")

    def remove(self, current: dict[str, Any]) -> None:
        if current.get("protected"):
            self.write_part("protected", current, False)
        self.client.delete(self.url(current["id"]))

    def predict(self, plan: Any) -> dict[str, Any]:
        return {key: content for key, content in super().predict(plan).items() if key != "value"}


def reveal(client: Client, name: str, folder: str, revision: str) -> str:
    """The value of a secret by name and path, for the lookup."""
    secret = Secret(client, {"name": name, "path": folder})
    found = secret.find()
    value = secret.value(found["id"], revision) if found else None
    if value is None:
        raise Invalid(
            f"There is no secret {name!r} in {folder!r} in {client.settings.region}, or no version {revision}."
        )
    return value

# SPDX-License-Identifier: GPL-3.0-or-later
"""User data of servers: texts by key, each with a path of its own."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from ..engine import Resource
from ..errors import Invalid
from ..fields import plain_text

USER_DATA = ("user_data", "secret_user_data", "absent_user_data")


class UserData(Resource):
    """The layer of a server's description that reads and writes user data."""

    def texts(self, values: dict[str, Any]) -> dict[str, str]:
        """User data as it is sent. An empty value is no way to remove one: it may be what a look-up did not find."""
        texts = {}
        for key, content in values.items():
            if content in (None, ""):
                raise Invalid(f"{self}: user data {key!r} is empty. To remove it, name it in absent_user_data.")
            if key in (self.arguments.get("absent_user_data") or []):
                raise Invalid(f"{self}: user data {key!r} is both set and in absent_user_data.")
            texts[key] = plain_text(f"{self}: user data {key!r}", content)
        return texts

    def _keys(self, current: dict[str, Any]) -> set[str]:
        return set(self.client.get(self.url(current["id"], "/user_data"))["user_data"])

    def _user_data(self, current: dict[str, Any], key: str) -> str:
        return self.url(current["id"], f"/user_data/{quote(key, safe='')}")

    def resolve_user_data(self, name: str, value: Any) -> Any:
        return [] if name == "absent_user_data" else self.texts(value)

    def read_part(self, name: str, current: dict[str, Any]) -> Any:
        if name not in USER_DATA:
            return super().read_part(name, current)
        there = self._keys(current)
        keys = [key for key in self.arguments[name] if key in there]
        if name == "absent_user_data":
            return keys
        contents = self.client.each(lambda key: self.client.text(self._user_data(current, key)) or "", keys)
        return dict(zip(keys, contents, strict=True))

    def write_part(self, name: str, current: dict[str, Any], value: Any) -> None:
        if name not in USER_DATA:
            super().write_part(name, current, value)
        elif name == "absent_user_data":
            undesired = self.arguments[name] if self._current else []
            self.client.each(lambda key: self.client.delete(self._user_data(current, key)), undesired)
        else:
            self.client.each(
                lambda item: self.client.set_text(self._user_data(current, item[0]), item[1]), value.items()
            )

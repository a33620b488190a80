# SPDX-License-Identifier: GPL-3.0-or-later
"""One server of a fleet: what it does differently from a server on its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ..client import Client
from ..errors import Overtaken
from ..fields import REPLACES
from ..plan import Object, Plan, Values
from ..resources import disks
from ..resources.server import Server
from ..resources.server_user_data import USER_DATA
from .networks import NETWORK_TAG

DATA_TAG = "ensemble-user-data:"
TAGS_TAG = "ensemble-tags:"
MARKS = (DATA_TAG, TAGS_TAG)
"""Prefixes of tags that only fleets set."""


def short(tag: str) -> str:
    return hashlib.sha256(tag.encode()).hexdigest()[:6]


class Member(Server):
    """A server of a fleet: keeps tags that others gave it, and tells by a tag which user data it has."""

    parts_first = (*Server.parts_first, *USER_DATA)  # before the tags that tell of them

    def __init__(self, client: Client, arguments: Mapping[str, Any], check: bool = False) -> None:
        super().__init__(client, arguments, check)
        self.data_tag = self._data_tag()

    def _data_tag(self) -> str:
        """The tag that tells which user data a server has, "" where the task gives none.

        Everybody who may list servers sees it, and the secret data may be as weak as a word: so it is a slow digest,
        salted by the project and the fleet, of what is sent. Every operator with the same desired data gets the same.
        """
        names = ("user_data", "secret_user_data")
        data = {name: texts for name in names if (texts := self.texts(self.arguments.get(name) or {}))}
        absent = sorted(self.arguments.get("absent_user_data") or [])
        if not data and not absent:
            return ""
        sent = json.dumps([data, absent], sort_keys=True)
        salt = f"{self.client.settings.project_id} {self.arguments['tags'][0]}"

        def digest() -> str:
            return hashlib.scrypt(sent.encode(), salt=salt.encode(), n=2**14, r=8, p=1, dklen=8).hex()

        return DATA_TAG + self.client.once((DATA_TAG, salt, sent), digest)

    @property
    def own_tags(self) -> list[str]:
        return [*self.arguments["tags"], *self.arguments["network_tags"], *self._marks]

    @property
    def _marks(self) -> list[str]:
        """Tags that tell the next run what this one gave: which tags (as short digests), and which user data."""
        given = self.arguments["tags"][1:]
        told = sorted(short(tag) for tag in given if tag != self.owner_tag)
        return [*([TAGS_TAG + ".".join(told)] if told else []), *([self.data_tag] if self.data_tag else [])]

    def desired(self) -> Values:
        desired = super().desired()
        desired["tags"] = list(dict.fromkeys([*self.own_tags, *self._foreign_tags()]))
        return desired

    def _foreign_tags(self) -> list[str]:
        """Tags that no run of this fleet set, and tags that the task does not manage."""
        present = (self._current or {}).get("tags", [])
        told = {each for tag in present if tag.startswith(TAGS_TAG) for each in tag.removeprefix(TAGS_TAG).split(".")}
        if not self.arguments["gives_tags"]:
            told = set()
        return [tag for tag in present if not tag.startswith(self._spoken_of) and short(tag) not in told]

    @property
    def _spoken_of(self) -> tuple[str, ...]:
        """Prefixes of the marks that this task rewrites or removes."""
        gives_data = any(self.arguments.get(name) is not None for name in USER_DATA)
        gives_networks = self.arguments.get("private_networks") is not None
        spoken_of = {TAGS_TAG: self.arguments["gives_tags"], DATA_TAG: gives_data, NETWORK_TAG: gives_networks}
        return tuple(mark for mark, given in spoken_of.items() if given)

    def resolve(self, name: str, value: Any) -> Any:
        """The fleet gives references to addresses, also to one that it is about to reserve."""
        return value if name == "public_ips" else super().resolve(name, value)

    def read_part(self, name: str, current: Object) -> Any:
        if (
            name in ("user_data", "secret_user_data", "absent_user_data")
            and current["state"] != "stopped"
            and self.data_tag in current["tags"]
        ):
            return self.resolve(name, self.arguments[name])
        return super().read_part(name, current)

    def join_networks(self, plan: Plan) -> None:
        self.write_part("private_networks", plan.there, plan.changes["private_networks"])

    def fresh(self, current: Object) -> Object:
        """Return the object unread: the fleet lists all of its servers at once while it waits."""
        return current

    def refuse_held(self, address: str, holder: Object) -> None:
        """A server of the same name has the address: another run made it since the fleet was looked at."""
        if self._current is None and holder.get("name") == self.name:
            raise Overtaken(f"{self} was created by another run at the same time ({holder['id']}).")
        super().refuse_held(address, holder)

    def check_removal(self, current: Object) -> None:
        """Do nothing: the fleet decides which servers to replace, and calls :meth:`check_protection` for them."""

    def check_protection(self, current: Object) -> None:
        """Fail, or warn in check mode, if the server is protected."""
        super().check_removal(current)

    def frozen_changes(self, plan: Plan) -> list[str]:
        return [name for name in plan.changes if self.change_of(self.field(name), plan.there) == REPLACES]

    def left_behind(self) -> list[disks.Disk]:
        """The fleet looks for disks of interrupted removals once, for all of its servers."""
        return []

# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the existing servers of a fleet: their owner, twins, and servers that lost the fleet's tag."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from ..client import Client
from ..errors import Invalid
from ..ownership import carries
from ..plan import Object
from ..resources.existing import is_dying
from ..resources.server import Server
from ..twins import age_order, is_recent, patience
from .member import MARKS

FLEET_TAG = "ensemble-fleet:"


class Census:
    """The servers `<prefix>-<number>` as they were last seen; ours carry this fleet's tag and the owner's."""

    def __init__(self, client: Client, prefix: str, owner_tag: str) -> None:
        self.client = client
        self.prefix = prefix
        self.owner_tag = owner_tag
        self.tag = f"{FLEET_TAG}{prefix}"
        self.pattern = re.compile(rf"{re.escape(prefix)}-(\d+)")
        self.servers: list[Object] = []
        self._adopted: set[str] = set()

    def read(self) -> list[Object]:
        """All servers whose names have the fleet's pattern, ours or not."""
        named = Server(self.client, {}).list(name=f"{self.prefix}-")
        self.servers = [each for each in named if self.pattern.fullmatch(each["name"])]
        return self.servers

    def number(self, name: str) -> int:
        return int(self.pattern.fullmatch(name).group(1))  # type: ignore[union-attr]

    def owns(self, server: Object) -> bool:
        marked = self.tag in server["tags"] and carries(self.owner_tag, server["tags"])
        return marked or server["id"] in self._adopted

    def alive(self) -> dict[str, list[Object]]:
        """Our servers by name; twins are sorted oldest first."""
        found: dict[str, list[Object]] = {}
        for server in sorted(self.servers, key=age_order):
            if self.owns(server) and not is_dying(server):
                found.setdefault(server["name"], []).append(server)
        return found

    def eldest(self) -> dict[str, Object]:
        return {name: twins[0] for name, twins in self.alive().items()}

    def in_order(self) -> list[Object]:
        """Our servers in the order of the numbers."""
        ours = [each for each in self.servers if self.owns(each) and not is_dying(each)]
        return sorted(ours, key=lambda each: self.number(each["name"]))

    def look_past_twins(self) -> list[Object]:
        """Read the servers; if there are recent twins, wait for the run that created one to remove it."""
        pauses = patience()
        while True:
            there = self.read()
            younger = [each for twins in self.alive().values() for each in twins[1:]]
            pause = next(pauses, None) if younger and all(is_recent(each) for each in younger) else None
            if pause is None:
                return there
            self.client.pause(pause)

    def adopt(self, desired: Iterable[str], is_published: Callable[[Object], bool]) -> list[str]:
        """Take servers for ours that lost the fleet's tag but not every other mark; a warning for each.

        The owner's tag is enough where the name is wanted; otherwise it takes a tag that only fleets give, or a name
        of the fleet that leads there, as `is_published` tells.
        """
        names, warnings = set(desired), []
        for server in self._strangers():
            tags = server["tags"]
            if any(tag.startswith(FLEET_TAG) and tag != self.tag for tag in tags):
                continue
            owned = bool(self.owner_tag) and server["name"] in names
            told = owned or any(tag.startswith(MARKS) for tag in tags)
            if (told and carries(self.owner_tag, tags)) or is_published(server):
                self._adopted.add(server["id"])
                lost = f"{server['name']} ({server['id']}) had lost the tag {self.tag}"
                warnings.append(f"Server {lost}; it is treated as a member of this fleet.")
        return warnings

    def _strangers(self) -> list[Object]:
        return [each for each in self.servers if not is_dying(each) and not self.owns(each)]

    def refuse_foreign(self, desired: Iterable[str]) -> None:
        """Fail if a server of another owner has a name that the fleet needs."""
        names = set(desired)
        for server in self._strangers():
            if server["name"] in names:
                tags = " and ".join(filter(None, (self.tag, self.owner_tag)))
                raise Invalid(
                    f"Server {server['name']} ({server['id']}) is not of this fleet: it lacks the tag {tags}."
                )

    def refuse_twins(self, desired: Iterable[str]) -> None:
        alive = self.alive()
        for name in desired:
            twins = alive.get(name, [])
            if len(twins) > 1:
                raise Invalid(
                    f"There are {len(twins)} servers {name} in this fleet ({', '.join(each['id'] for each in twins)}, "
                    "oldest first): remove one of them, or set twins: keep_elder to remove all but the oldest."
                )

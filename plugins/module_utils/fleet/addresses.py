# SPDX-License-Identifier: GPL-3.0-or-later
"""Reserved addresses of a fleet: one for each server, named like it, which outlives power cycles and replacement."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..client import Client
from ..errors import Invalid
from ..fields import Ref
from ..plan import Object
from ..resources.ip import Ip, name_of


@dataclass
class AddressesPlan:
    """Names of servers whose address is to be reserved, and addresses that are to be given back."""

    missing: list[str] = field(default_factory=list)
    surplus: list[Object] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.missing or self.surplus)


class Addresses:
    """The reserved addresses `<prefix>-<number>` with the first of `tags`, or with the owner's."""

    def __init__(self, client: Client, arguments: Mapping[str, Any], pattern: re.Pattern[str], tags: list[str]) -> None:
        self.client = client
        self.pattern = pattern
        self.tags = tags
        self.desired = bool(arguments.get("reserved_ips"))
        self.quota: int | None = arguments.get("reserved_ips_quota")
        self.owner_tag: str = arguments.get("owner_tag") or ""
        self._all: list[Object] = []
        self._there: dict[str, Object] = {}

    def read(self) -> None:
        """Read the addresses that there are."""
        self._all = Ip(self.client, {}).list()
        named = {name_of(each): each for each in self._all if self.pattern.fullmatch(name_of(each))}
        self._there = {name: each for name, each in named.items() if self._is_own(each)}

    def _is_own(self, address: Object) -> bool:
        tags = address.get("tags") or []
        return self.owner_tag in tags if self.owner_tag else self.tags[0] in tags

    def plan(self, desired: Iterable[str], staying: Iterable[Object]) -> AddressesPlan:
        """What is to be reserved and given back; an address that a server keeps is never given back.

        Raises:
            Invalid: more addresses would be needed than may be had.
        """
        names = list(desired)
        held = {ip["id"] for server in staying for ip in server.get("public_ips") or []}
        missing = [name for name in names if name not in self._there] if self.desired else []
        kept = set(names) if self.desired else set()
        surplus = [each for name, each in self._there.items() if name not in kept and each["id"] not in held]
        if missing and self.quota is not None and len(self._all) + len(missing) > self.quota:
            raise Invalid(
                f"{len(missing)} addresses would be reserved in addition to the {len(self._all)} of this project in "
                f"{self.client.settings.zone}, and reserved_ips_quota is {self.quota}. Nothing was done. Ask Scaleway "
                "for a higher quota and set it, or turn reserved_ips off."
            )
        return AddressesPlan(missing, surplus)

    def reference(self, name: str) -> Ref:
        """A server's reserved address; one without an id that is still to be reserved."""
        found = self._there.get(name)
        return Ref(found["id"], found.get("address") or "") if found else Ref("", name)

    def reserve(self, name: str) -> Object:
        address = Ip(self.client, {"name": name, "tags": self.tags, "owner_tag": self.owner_tag, "type": "routed_ipv4"})
        made = address.apply(address.plan("present", address.claim("present", address.find()))) or {}
        self._there[name] = made
        return made

    def release(self, addresses: list[Object]) -> list[str]:
        """Give addresses back; a warning for each that cannot be given back now, which the next run tries again."""
        failed = self.client.failures(lambda each: Ip(self.client, {}).remove(each), addresses)
        return [f"Address {each.get('address')} was not deleted: {why}" for each, why in failed]

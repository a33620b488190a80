# SPDX-License-Identifier: GPL-3.0-or-later
"""The desired fleet of a task: names, tags, and the template of each server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..client import Client
from ..errors import Invalid
from .addresses import Addresses
from .census import Census
from .groups import Groups
from .member import Member
from .networks import Networks
from .records import FleetNames
from .wait import FleetWaiter

MOST_SERVERS = 1000


class FleetTemplate:
    """The layer of :class:`Fleet` that knows its arguments, and who else works on it."""

    def __init__(self, client: Client, arguments: Mapping[str, Any], check: bool) -> None:
        self.client = client
        self.arguments = arguments
        self.check = check
        self.prefix: str = arguments["prefix"]
        self.owner_tag: str = arguments.get("owner_tag") or ""
        self.census = Census(client, self.prefix, self.owner_tag)
        self.numbers = self._numbers()
        self.desired = dict.fromkeys(f"{self.prefix}-{number}" for number in self.numbers)
        self.failures: dict[str, str] = {}
        self.refusals: list[str] = []  # of what is no server
        self.warnings: list[str] = []
        self.waiter = FleetWaiter(client, self.census, arguments["wait_timeout"], self.failures)
        tag, pattern = self.census.tag, self.census.pattern
        owner = [self.owner_tag] if self.owner_tag else []
        self.tags = list(dict.fromkeys([tag, *(arguments.get("tags") or []), *owner]))
        self.groups = Groups(client, self.prefix, self.tags, arguments.get("placement_groups"), self.owner_tag)
        self.networks = Networks(arguments)
        self.addresses = Addresses(client, arguments, pattern, [tag])
        self.fleet_names = FleetNames(client, arguments, tag, pattern.pattern, check)
        self._validate()

    def _validate(self) -> None:
        self.networks.validate(self.numbers)
        if self.arguments["concurrency"] < 1:
            raise Invalid(f"concurrency is {self.arguments['concurrency']}: it must be at least 1.")
        if not 0 <= self.arguments["max_change"] <= 100:
            raise Invalid(f"max_change is {self.arguments['max_change']}: it must be a percentage, 0 to 100.")
        for slot, disk in (self.arguments.get("volumes") or {}).items():
            if isinstance(disk, dict) and (disk.get("id") or disk.get("name")):
                raise Invalid(f"volumes: the volume in slot {slot} cannot be attached to every server of a fleet.")

    def _numbers(self) -> list[int]:
        if self.arguments["state"] == "configured":
            return sorted(self.arguments.get("numbers") or [])
        if self.arguments["state"] != "present":
            return []
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", self.prefix):
            raise Invalid(
                f"prefix {self.prefix!r} cannot begin a DNS label: use lower-case letters, digits and dashes only."
            )
        count, numbers = self.arguments.get("count"), self.arguments.get("numbers")
        if numbers is None:
            if count is None or not 0 <= count <= MOST_SERVERS:
                raise Invalid(f"count is {count}: a fleet can have 0 to {MOST_SERVERS} servers.")
            return list(range(1, count + 1))
        if any(number < 0 for number in numbers) or len(set(numbers)) < len(numbers):
            raise Invalid("numbers must be unique and not negative.")
        return sorted(numbers)

    def member(self, name: str) -> Member:
        apart = ("id", "state", "count", "numbers", "prefix")
        template = {key: value for key, value in self.arguments.items() if key not in apart}
        if self.addresses.desired:
            template |= {"public_ips": [self.addresses.reference(name)], "dynamic_ip_required": False}
        template |= {"name": name, "tags": self.tags, "recreate": True, "wait": False}
        template |= self.networks.template(self.census.number(name))
        template["gives_tags"] = self.arguments.get("tags") is not None
        return Member(self.client, template, self.check)

    def collect_warnings(self, member: Member) -> None:
        """Collect the warnings of one server, without duplicates."""
        self.warnings += [warning for warning in member.warnings if warning not in self.warnings]

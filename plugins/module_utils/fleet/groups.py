# SPDX-License-Identifier: GPL-3.0-or-later
"""Placement groups of a fleet: each is filled before the next is created, and removed when it is empty."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..client import Client
from ..errors import Invalid
from ..ownership import carries
from ..plan import Object, Plan, Values
from ..resources.placement_group import PlacementGroup

MOST = 20
"""Servers in a group."""


def group_of(server: Object | None) -> str | None:
    """The id of the placement group that a server is in."""
    return ((server or {}).get("placement_group") or {}).get("id")


@dataclass
class GroupsPlan:
    """Changes to existing groups."""

    idle: list[str] = field(default_factory=list)
    changes: list[tuple[PlacementGroup, Plan]] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.idle or self.changes)


class Groups:
    """The groups `<prefix>-group-<number>` with the first of `tags`; `desired` has policy_type, _mode and size."""

    def __init__(
        self, client: Client, prefix: str, tags: list[str], desired: Values | None, owner_tag: str = ""
    ) -> None:
        self.client = client
        self.owner_tag = owner_tag
        self.prefix = prefix
        self.tags = tags
        self.desired = desired
        if desired and not 1 <= desired["size"] <= MOST:
            raise Invalid(f"placement_groups.size is {desired['size']}: a placement group holds 1 to {MOST} servers.")

    def there(self) -> dict[int, Object]:
        pattern = re.compile(rf"{re.escape(self.prefix)}-group-(\d+)")
        listed = PlacementGroup(self.client, {}).list(name=f"{self.prefix}-group-")
        return {
            int(found.group(1)): each
            for each in listed
            if (found := pattern.fullmatch(each["name"]))
            and self.tags[0] in each["tags"]
            and carries(self.owner_tag, each["tags"])
        }

    def plan(self, staying: Iterable[Object | None], growing: bool) -> GroupsPlan:
        """Groups whose policy changes, and those without any staying server, unless new ones may need them."""
        groups = self.there()
        used = {group_of(server) for server in staying}
        idle = [] if growing else sorted(group["id"] for group in groups.values() if group["id"] not in used)
        resources = [(self._resource(number), group) for number, group in groups.items() if group["id"] not in idle]
        plans = [(resource, resource.plan("present", group)) for resource, group in resources] if self.desired else []
        return GroupsPlan(idle, [(resource, plan) for resource, plan in plans if plan.changed])

    def _resource(self, number: int) -> PlacementGroup:
        policy = {key: value for key, value in (self.desired or {}).items() if key != "size"}
        named = {"name": f"{self.prefix}-group-{number}", "owner_tag": self.owner_tag}
        return PlacementGroup(self.client, {**named, **policy})

    def places(self, count: int, others: Iterable[Object]) -> list[str]:
        """Ids of groups for so many new servers, beside the others; groups are made as they are needed."""
        desired, groups = self.desired or {}, self.there()
        members = Counter(group_of(server) for server in others)
        numbers: list[int] = []
        number = 1
        while len(numbers) < count:
            group = groups.get(number)
            numbers += [number] * max(0, desired["size"] - (members[group["id"]] if group else 0))
            number += 1
        needed = sorted(set(numbers[:count]))
        idents = dict(zip(needed, self.client.each(lambda each: self._ident(each, groups), needed), strict=True))
        return [idents[number] for number in numbers[:count]]

    def _ident(self, number: int, groups: dict[int, Object]) -> str:
        if number in groups:
            return groups[number]["id"]
        resource = self._resource(number)
        resource.arguments = {**resource.arguments, "tags": self.tags}
        return (resource.apply(resource.plan("present", None)) or {})["id"]

    def change(self, plan: GroupsPlan) -> list[str]:
        """Carry out the changes of policy; what the API refused, and why."""
        failed = self.client.failures(lambda change: change[0].apply(change[1]), plan.changes)
        return [f"{resource}: {why}" for (resource, _plan), why in failed]

    def remove(self, plan: GroupsPlan) -> list[str]:
        """Remove groups that nobody is in; what the API refused, and why."""
        group = PlacementGroup(self.client, {})
        failed = self.client.failures(lambda ident: group.remove({"id": ident}), plan.idle)
        return [f"placement group {ident}: {why}" for ident, why in failed]

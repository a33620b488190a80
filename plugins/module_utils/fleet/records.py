# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of a fleet in DNS: each belongs to the server that it leads to, and says in its comment whose it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..client import Client
from ..plan import KEEP, Object, Plan, Values
from ..resources.dns_records import Records, Set
from ..resources.server import Server


class FleetRecords(Records):
    """One address record for each server of a fleet that has an address.

    `servers` are the fleet's own as they are now, `known` the names that it had servers of before this run began.
    """

    def __init__(
        self, client: Client, fleet: FleetNames, servers: Mapping[str, Object], desired: Iterable[str]
    ) -> None:
        represent = Server(client, {}).represent
        self.addresses = {name: represent(server)["public_address"] for name, server in servers.items()}
        listed = [
            {"name": name, "type": "A", "data": [self.addresses[name]]}
            for name in sorted(desired)
            if self.addresses.get(name)
        ]
        super().__init__(client, {**fleet.dns, "records": listed, "exclusive_names": fleet.pattern}, fleet.check)
        self.fleet = fleet

    @property
    def mark(self) -> str:
        return self.fleet.mark

    def owns(self, current: Object) -> bool:
        return current.get("comment") == self.mark

    def adopts(self, record: Object, desired: Mapping[Set, Mapping[str, int]]) -> bool:
        """Records from before the mark: those that lead to servers of the fleet, or did until these moved."""
        if record.get("comment") or record["type"] != "A":
            return False
        return record["data"] in self.addresses.values() or (
            record["name"] in self.fleet.known and record["name"] in self.addresses
        )


class Following(NamedTuple):
    """Records, and what changes in them."""

    records: FleetRecords
    plan: Plan


class FleetNames:
    """The names of one fleet; `dns` has zone and ttl."""

    def __init__(self, client: Client, arguments: Mapping[str, Any], tag: str, pattern: str, check: bool) -> None:
        dns = arguments.get("dns") or {}
        self.client = client
        self.check = check
        self.dns: Values = {"dns_zone": dns.get("zone"), "ttl": dns.get("ttl")}
        self.pattern = pattern
        self.mark = " ".join(filter(None, (tag, client.settings.zone, arguments.get("owner_tag"))))
        self.known: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self.dns["dns_zone"])

    def plan(
        self, servers: Mapping[str, Object], desired: Iterable[str], coming: Iterable[str]
    ) -> tuple[Plan, list[str]]:
        """What changes in the zone, as far as it is known before the servers change, and the names that get lost.

        A name is lost where no server stands behind it and none is `coming`: it is removed, and its server is not.
        """
        self.known |= set(servers)
        records = FleetRecords(self.client, self, servers, desired)
        current = records.find()
        self._refuse_foreign(records, current["records"], desired)
        plan = records.plan("present", current)
        own = {each["name"] for each in current["records"] if records.mine(each, ()) and records.owns(each)}
        lost = sorted(own - set(servers) - set(coming))
        return plan, lost

    def _refuse_foreign(self, records: FleetRecords, there: list[Object], desired: Iterable[str]) -> None:
        """Fail if a desired name, even of a server not created yet, belongs to another owner."""
        names: dict[Set, dict[str, int]] = {(name, "A"): {} for name in desired}
        records.touched(there, names, "present")

    def leads_to(self, server: Object) -> bool:
        """Whether the fleet's own record of this name leads to the server."""
        if not self:
            return False
        records = FleetRecords(self.client, self, {}, ())
        address = Server(self.client, {}).represent(server)["public_address"]
        there = self.client.once(("records of the fleet", self.mark), records.find)["records"]
        return any(
            records.owns(each) and (each["name"], each["type"], each["data"]) == (server["name"], "A", address)
            for each in there
        )

    def publish(self, servers: Mapping[str, Object], desired: Iterable[str]) -> Plan:
        """Update the zone to match the current fleet."""
        records = FleetRecords(self.client, self, servers, desired)
        plan = records.plan("present", records.find())
        if plan.action != KEEP and not self.check:
            records.apply(plan)
        return plan

    def plan_following(self, servers: Mapping[str, Object]) -> Plan:
        """Each server's name leads to where it is; names without a server stay as they are."""
        return self._following(servers).plan

    def follow(self, servers: Mapping[str, Object]) -> None:
        """Carry out :meth:`plan_following`."""
        following = self._following(servers)
        if following.plan.action != KEEP:
            following.records.apply(following.plan)

    def _following(self, servers: Mapping[str, Object]) -> Following:
        self.known |= set(servers)
        records = FleetRecords(self.client, self, servers, servers)
        records.arguments = {**records.arguments, "exclusive_names": None}
        return Following(records, records.plan("present", records.find()))

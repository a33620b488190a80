# SPDX-License-Identifier: GPL-3.0-or-later
"""DNS records: change any number of records of one zone atomically."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..engine import Resource
from ..errors import ApiError, Invalid, LostAnswer, ScalewayError
from ..fields import plain_text
from ..plan import KEEP, UPDATE, Plan
from ..retry import delays
from . import dns_data
from .dns_zone import owned_zone, owned_zones

TYPES = ("A", "AAAA", "ALIAS", "CAA", "CNAME", "DNAME", "MX", "NS", "PTR", "SRV", "TXT", "TLSA", "SSHFP")
LONGEST_CHANGE = 500
MOST_ROUNDS = 3
KEPT = ("comment", "geo_ip_config", "http_service_config", "weighted_config", "view_config")

Set = tuple[str, str]  # (name, type)
Value = tuple[str, int]  # (data, ttl)


class Records(Resource):
    """The records of one zone that a task speaks about."""

    word = "DNS records of"
    key = "records"
    fields = ()
    path = "/domain/v2beta1/dns-zones/{dns_zone}/records"

    def parents(self) -> dict[str, Any]:
        return {"dns_zone": self.zone}

    @property
    def domain(self) -> str:
        """What the names of the task are relative to."""
        return dns_data.ascii_name(self.arguments["dns_zone"]).rstrip(".")

    @property
    def zone(self) -> str:
        """The account's zone that holds the domain: the domain itself, or the closest above it."""
        found = self.client.once(("zone of", self.domain), self._holding_zone)
        if found is None:
            owned = ", ".join(owned_zones(self.client)) or "none"
            raise Invalid(f"The DNS zone {self.domain} does not belong to this account, which has {owned}.")
        return found

    def _holding_zone(self) -> str | None:
        if owned_zone(self.client, self.domain):
            return self.domain
        above = [each for each in owned_zones(self.client) if self.domain.endswith(f".{each}")]
        return max(above, key=len, default=None)

    @property
    def below(self) -> str:
        """What the zone's names have behind the domain's, "" where the domain is a zone."""
        return self.domain[: -len(self.zone) - 1]

    @property
    def exclusive(self) -> re.Pattern[str] | None:
        """The pattern of names that nothing but the desired records may have."""
        pattern = self.arguments.get("exclusive_names")
        try:
            return None if pattern is None else re.compile(pattern)
        except re.error as error:
            raise Invalid(f"exclusive_names {pattern!r} is not a regular expression: {error}.") from None

    def __str__(self) -> str:
        return f"{self.word} {self.domain}"

    def desired_sets(self) -> dict[Set, dict[str, int]]:
        """Desired data with TTL of each name and type."""
        sets: dict[Set, dict[str, int]] = {}
        for record in self.arguments["records"]:
            kind = record["type"]
            values = sets.setdefault((dns_data.relative_name(record["name"], self.domain), kind), {})
            for data in record.get("data") or []:
                what = f"{self}: the value of {record['name']} {kind}"
                if data in (None, ""):
                    self.fail_or_warn(f"{what} is empty, perhaps because a lookup found nothing.")
                    continue
                text = plain_text(what, data)
                value = dns_data.desired_value(kind, text, self.domain, record.get("priority"))
                values[value] = record.get("ttl") or self.arguments["ttl"]
        return sets

    def listed(self) -> list[dict[str, Any]]:
        """The records of the domain, their names and values in the form of comparison."""
        found = []
        for each in self.client.list(self.url(), "records", name=""):
            name = each["name"].lower()
            if self.below and name != self.below and not name.endswith(f".{self.below}"):
                continue
            data = dns_data.actual_value(each["type"], each["data"], self.zone, each.get("priority"))
            relative = name[: len(name) - len(self.below)].rstrip(".") if self.below else name
            found.append({**each, "name": relative, "data": data})
        return found

    def find(self) -> dict[str, Any]:
        ident = self.zone  # an error where there is none
        about_some = self.arguments["records"] or self.arguments.get("exclusive_names")
        return {"id": ident, "records": self.listed() if about_some else []}

    def mine(self, record: dict[str, Any], sets: Iterable[Set]) -> bool:
        """Whether the task speaks about a record that exists: by its name and type, or by the exclusive pattern."""
        if (record["name"], record["type"]) in sets:
            return True
        types = {kind for _name, kind in sets} or {"A"}
        return bool(self.exclusive and record["type"] in types and self.exclusive.fullmatch(record["name"]))

    @property
    def mark(self) -> str:
        """What the comment of an own record says; "" where no owner is told."""
        return self.arguments.get("owner_tag") or ""

    def claim(self, state: str, current: dict[str, Any] | None) -> dict[str, Any] | None:
        """The zone may be anybody's: each record has an owner of its own."""
        return current

    def owns(self, current: dict[str, Any]) -> bool:
        """Whether a record carries the owner's mark, alone or among other words."""
        return set(self.mark.split()) <= set((current.get("comment") or "").split())

    def adopts(self, record: dict[str, Any], desired: Mapping[Set, Mapping[str, int]]) -> bool:
        """Whether a record without any mark is taken for an own one: it says what the task says."""
        return not record.get("comment") and record["data"] in desired.get(self._key(record), {})

    def touched(
        self, records: Iterable[dict[str, Any]], sets: Mapping[Set, Mapping[str, int]], state: str
    ) -> list[Any]:
        """The records that the task compares with what is desired, and may touch.

        Raises:
            Invalid: a desired name leads to somewhere else for somebody else.
        """
        concerned = [each for each in records if self.mine(each, sets)]
        if self.arguments.get("append"):
            return [each for each in concerned if each["data"] in sets.get(self._key(each), {})]
        own = [each for each in concerned if self.owns(each) or self.adopts(each, sets)]
        foreign = [each for each in concerned if each not in own and self._key(each) in sets]
        if foreign and state != "absent":
            lines = "; ".join(self.lines(foreign))
            raise Invalid(
                f"{self}: records without the comment {self.mark!r} already exist ({lines}): "
                "choose another name, or remove them if they are not needed."
            )
        return own

    def plan(self, state: str, current: dict[str, Any] | None) -> Plan:
        current = current or {"records": []}
        sets = self.desired_sets()
        there = self.touched(current["records"], sets, state)
        if state == "absent":
            goal: dict[Set, dict[str, int]] = {
                key: {
                    each["data"]: each["ttl"]
                    for each in there
                    if self._key(each) == key and values and each["data"] not in values
                }
                for key, values in sets.items()
            }
        else:
            self._validate(sets)
            goal = sets
        changes = self.changes(there, goal)
        before, after = (
            self.lines(there),
            sorted(self._line(*key, *value) for key, values in goal.items() for value in values.items()),
        )
        return Plan(
            UPDATE if changes else KEEP,
            current,
            {"goal": goal},
            {"changes": changes},
            {"records": before},
            {"records": after},
        )

    def _validate(self, sets: dict[Set, dict[str, int]]) -> None:
        for (name, kind), values in sets.items():
            if not values:
                self.fail_or_warn(f"The record {name or '@'} {kind} has no data.")
            if kind == "CNAME" and (len(values) > 1 or not name):
                raise Invalid(f"The CNAME {name or '@'} must have exactly one target and must not be the zone itself.")

    @staticmethod
    def _key(record: dict[str, Any]) -> Set:
        return record["name"], record["type"]

    @staticmethod
    def _line(name: str, kind: str, data: str, ttl: int) -> str:
        return f"{name or '@'} {ttl} {kind} {data}"

    def lines(self, records: Iterable[dict[str, Any]]) -> list[str]:
        return sorted(self._line(each["name"], each["type"], each["data"], each["ttl"]) for each in records)

    def changes(self, there: list[dict[str, Any]], goal: dict[Set, dict[str, int]]) -> list[dict[str, Any]]:
        """The API's change operations that lead from what is there to the goal."""
        spare: dict[Set, list[dict[str, Any]]] = {}
        missing = {(key, data): ttl for key, values in goal.items() for data, ttl in values.items()}
        for record in there:
            desired = missing.get((self._key(record), record["data"]))
            if desired is not None and desired == record["ttl"] and self.marked(record):
                del missing[(self._key(record), record["data"])]
            else:
                spare.setdefault(self._key(record), []).append(record)
        operations, added = [], []
        for (key, data), ttl in missing.items():
            if spare.get(key):
                same_data = [each for each in spare[key] if each["data"] == data]
                chosen = (same_data or spare[key])[0]
                spare[key].remove(chosen)
                operations.append({"set": {"id": chosen["id"], "records": [self.body(key, data, ttl, chosen)]}})
            else:
                added.append(self.body(key, data, ttl))
        removed = [{"delete": {"id": each["id"]}} for records in spare.values() for each in records]
        return removed + operations + ([{"add": {"records": added}}] if added else [])

    def marked(self, record: dict[str, Any]) -> bool:
        """Whether a record's comment is as this task would write it."""
        return not self.mark or bool(record.get("comment"))

    def body(self, key: Set, data: str, ttl: int, there: dict[str, Any] | None = None) -> dict[str, Any]:
        """A record as it is written; one that is there keeps what the task does not speak of."""
        written, priority = dns_data.written(key[1], data)
        kept = {name: there[name] for name in KEPT if there and there.get(name)}
        comment = {"comment": self.mark} if self.mark and not kept.get("comment") else {}
        name = ".".join(filter(None, (key[0], self.below)))
        return {"name": name, "type": key[1], "data": written, "ttl": ttl, "priority": priority, **kept, **comment}

    def apply(self, plan: Plan) -> dict[str, Any]:
        """Send the changes and look again: after a lost answer, or beside a peer, something may be left to be done."""
        pauses = delays(0.3, 5, self.client.settings.api_retry_time)
        sets = plan.desired["goal"]
        concerned = {**self.desired_sets(), **sets}
        changes, records = plan.changes["changes"], plan.there["records"]
        rounds = MOST_ROUNDS
        while changes:
            refusal: ScalewayError | None = None
            try:
                for start in range(0, len(changes), LONGEST_CHANGE):
                    self.send(changes[start : start + LONGEST_CHANGE])
                rounds -= 1
            except ApiError as error:
                refusal = error
            except LostAnswer:
                pause = next(pauses, None)
                if pause is None:
                    raise
                self.client.pause(pause)
            records = self.listed()
            left = self.changes(self.touched(records, concerned, "absent"), sets)
            if refusal and left == changes:
                raise refusal
            changes = left if rounds else []
        return {"id": self.zone, "records": records}

    def send(self, changes: list[dict[str, Any]]) -> None:
        self.client.send_once(
            "PATCH", self.url(), {"changes": changes, "return_all_records": False, "disallow_new_zone_creation": True}
        )

    def predict(self, plan: Plan) -> dict[str, Any]:
        return plan.there

    def represent(self, current: dict[str, Any]) -> Any:
        sets = self.desired_sets()
        return [
            {key: each[key] for key in ("id", "name", "type", "data", "ttl")}
            for each in current["records"]
            if self.mine(each, sets) and (self.owns(each) or self.adopts(each, sets))
        ]

# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties of the engine: applying twice changes nothing, check mode tells what happens, order has its meaning."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from ansible_collections.ensemble.jitsi.plugins.module_utils.engine import reconcile
from ansible_collections.ensemble.jitsi.plugins.module_utils.errors import Invalid
from ansible_collections.ensemble.jitsi.plugins.module_utils.resources.dns_data import (
    actual_value,
    desired_value,
    relative_name,
)
from ansible_collections.ensemble.jitsi.plugins.module_utils.resources.dns_records import Records
from ansible_collections.ensemble.jitsi.plugins.module_utils.resources.security_group import (
    SecurityGroup,
    normal_rules,
)
from hypothesis import given
from hypothesis import strategies as st
from unit_cloud import Cloud

PORTS = st.integers(1, 65535)
NETWORKS = st.sampled_from(
    ["0.0.0.0/0", "10.0.0.0/8", "203.0.113.7", "203.0.113.7/32", "2001:db8::/32", "2001:db8::1/128"]
)


@st.composite
def rules(draw: st.DrawFn, actions: tuple[str, ...] = ("accept", "drop")) -> dict[str, Any]:
    first = draw(st.none() | PORTS)
    last = draw(st.none() | st.integers(first, 65535)) if first else None
    return {
        "action": draw(st.sampled_from(actions)),
        "direction": draw(st.sampled_from(("inbound", "outbound"))),
        "protocol": draw(st.sampled_from(("TCP", "UDP", "ICMP", "ANY"))),
        "ip_range": draw(NETWORKS),
        "dest_port_from": first,
        "dest_port_to": last,
    }


DESIRED = st.fixed_dictionaries(
    {"rules": st.lists(rules(), max_size=6)},
    optional={
        "description": st.sampled_from(["", "a", "b"]),
        "tags": st.lists(st.sampled_from("abc"), max_size=3),
        "stateful": st.booleans(),
        "inbound_default_policy": st.sampled_from(["accept", "drop"]),
    },
)


def passes(listed: list[dict[str, Any]], direction: str, protocol: str, source: str, port: int) -> str:
    """What the first matching rule says of a packet: the meaning of a list of rules, worked out the slow way."""
    import ipaddress

    address = ipaddress.ip_address(source)
    for rule in listed:
        network = ipaddress.ip_network(rule["ip_range"])
        first, last = rule["dest_port_from"], rule["dest_port_to"] or rule["dest_port_from"]
        ported = rule["protocol"] in ("TCP", "UDP") and first
        if (
            rule["direction"] == direction
            and rule["protocol"] in (protocol, "ANY")
            and address.version == network.version
            and address in network
            and (not ported or first <= port <= last)
        ):
            return rule["action"]
    return "default"


@given(st.lists(DESIRED, min_size=1, max_size=4))
def test_apply_is_idempotent_and_check_tells_what_it_does(in_turn: list[dict[str, Any]]) -> None:
    cloud = Cloud()
    for desired in in_turn:
        arguments = {"name": "web", **desired}
        before = len(cloud.writes)
        planned = reconcile(SecurityGroup(cloud, arguments, check=True), "present", check=True)
        assert len(cloud.writes) == before
        done = reconcile(SecurityGroup(cloud, arguments), "present", check=False)
        assert (planned.changed, planned.diff) == (done.changed, done.diff)
        assert (len(cloud.writes) > before) == done.changed
        again = reconcile(SecurityGroup(cloud, arguments), "present", check=False)
        assert not again.changed
        assert again.diff["before"] == again.diff["after"]
    assert reconcile(SecurityGroup(cloud, {"name": "web"}), "absent", check=False).changed
    assert not reconcile(SecurityGroup(cloud, {"name": "web"}), "absent", check=False).changed


@given(
    st.lists(rules(actions=("accept",)), max_size=6).flatmap(
        lambda listed: st.tuples(st.just(listed), st.permutations(listed))
    )
)
def test_order_of_rules_with_one_action_is_nothing(pair: tuple[list[Any], list[Any]]) -> None:
    assert normal_rules(pair[0]) == normal_rules(pair[1])


@given(
    st.lists(rules(), max_size=4),
    st.lists(rules(), max_size=4),
    st.sampled_from(["10.1.1.1", "203.0.113.7", "2001:db8::1", "192.0.2.1"]),
    st.sampled_from(["TCP", "UDP", "ICMP"]),
    PORTS,
)
def test_rules_that_count_as_equal_let_the_same_through(
    one: list[Any], other: list[Any], source: str, protocol: str, port: int
) -> None:
    candidates = [one, other, *itertools.islice(itertools.permutations(one), 6)]
    for left, right in itertools.combinations(candidates, 2):
        if normal_rules(list(left)) == normal_rules(list(right)):
            for direction in ("inbound", "outbound"):
                verdicts = {passes(list(side), direction, protocol, source, port) for side in (left, right)}
                assert len(verdicts) == 1


RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["", "@", "h-1", "h-2.example.org", "H-3", "other"]),
            "type": st.sampled_from(["A", "TXT", "MX"]),
        },
        optional={"ttl": st.sampled_from([60, 3600])},
    ).flatmap(
        lambda record: st.lists(
            st.sampled_from(
                {"A": ["10.0.0.1", "10.0.0.2"], "TXT": ["x", '"y"'], "MX": ["10 a.", "b."]}[record["type"]]
            ),
            min_size=1,
            max_size=2,
            unique=True,
        ).map(lambda data: {**record, "data": data})
    ),
    max_size=5,
)


@given(RECORDS, RECORDS, st.booleans())
def test_records_become_what_is_wished_in_one_change(first: list[Any], second: list[Any], exclusive: bool) -> None:
    cloud = Cloud()
    for records in (first, second):
        desired = {"dns_zone": "example.org", "records": records, "ttl": 300}
        if exclusive:
            desired["exclusive_names"] = "h-[0-9]+"
        before = len(cloud.writes)
        planned = reconcile(Records(cloud, desired, check=True), "present", check=True)
        done = reconcile(Records(cloud, desired), "present", check=False)
        assert planned.diff == done.diff
        assert len(cloud.writes) - before == done.changed
        assert not reconcile(Records(cloud, desired), "present", check=False).changed
        there = {
            (each["name"], each["type"], actual_value(each["type"], each["data"], "example.org"))
            for each in cloud.records.values()
        }
        for record in records:
            for data in record["data"]:
                value = desired_value(record["type"], data, "example.org")
                assert (relative_name(record["name"], "example.org"), record["type"], value) in there
    removal = {"dns_zone": "example.org", "ttl": 300, "records": [{**each, "data": []} for each in first + second]}
    reconcile(Records(cloud, removal), "absent", check=False)
    assert cloud.records == {}


def test_two_of_one_name_and_none_of_an_id() -> None:
    cloud = Cloud()
    for _ in range(2):
        cloud.send("POST", "/security_groups", body={"name": "web"})
    cloud.writes.clear()
    with pytest.raises(Invalid, match="2 of security group web"):
        reconcile(SecurityGroup(cloud, {"name": "web"}), "absent", check=False)
    with pytest.raises(Invalid, match="There is no security group"):
        reconcile(SecurityGroup(cloud, {"id": cloud.ident()}), "present", check=False)
    assert cloud.writes == []


def test_names_are_exact() -> None:
    cloud = Cloud()
    cloud.send("POST", "/security_groups", body={"name": "web-1"})
    assert not reconcile(SecurityGroup(cloud, {"name": "web"}), "absent", check=False).changed
    assert len(cloud.groups) == 1

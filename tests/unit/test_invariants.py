# SPDX-License-Identifier: GPL-3.0-or-later
"""Invariants of the engine for any resource and any desired state, tested with generated ones."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ensemble.jitsi.plugins.module_utils.engine import Resource, reconcile
from ansible_collections.ensemble.jitsi.plugins.module_utils.resources.lb_acl import LbAcl
from ansible_collections.ensemble.jitsi.plugins.module_utils.resources.lb_backend import LbBackend
from ansible_collections.ensemble.jitsi.plugins.module_utils.resources.placement_group import PlacementGroup
from ansible_collections.ensemble.jitsi.plugins.module_utils.resources.registry_namespace import RegistryNamespace
from ansible_collections.ensemble.jitsi.plugins.module_utils.resources.ssh_key import SshKey
from hypothesis import given
from hypothesis import strategies as st
from unit_shelves import Shelves

Desired = dict[str, Any]

TAGS = st.lists(st.sampled_from("abc"), max_size=3)
WORDS = st.sampled_from(["", "one", "two"])
KEYS = st.sampled_from([f"ssh-ed25519 AAAA{blob}{comment}" for blob in "xy" for comment in ("", " me@home")])
ADDRESSES = st.lists(st.sampled_from(["10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:DB8::1"]), max_size=4)
CHECKS = st.fixed_dictionaries(
    {"port": st.none() | st.just(81), "check_delay": st.sampled_from([1000, 5000])},
    optional={"transient_check_delay": st.sampled_from(["0.5s", "0.500s", "1s"]), "tcp_config": st.just({})},
) | st.fixed_dictionaries(
    {"http_config": st.fixed_dictionaries({"uri": st.sampled_from(["/", "/ok"]), "host_header": WORDS})}
)
MATCHES = st.fixed_dictionaries(
    {},
    optional={
        "ip_subnet": st.none() | st.lists(st.sampled_from(["203.0.113.7", "203.0.113.7/32", "10.0.0.0/8"]), max_size=3),
        "http_filter": st.none() | st.sampled_from(["acl_http_filter_none", "path_begin"]),
        "http_filter_value": st.none() | st.lists(WORDS, max_size=2),
        "invert": st.none() | st.booleans(),
    },
)
POLICIES = {
    "policy_type": st.sampled_from(["max_availability", "low_latency"]),
    "policy_mode": st.sampled_from(["optional", "enforced"]),
}
BACKEND = {"lb": "portal", "forward_protocol": "http", "forward_port": 80, "allow_empty": True}
ACL = {"lb": "portal", "frontend": "http", "index": 1, "action": {"type": "deny"}}

RESOURCES: dict[type[Resource], tuple[Desired, dict[str, st.SearchStrategy[Any]]]] = {
    PlacementGroup: ({}, {"tags": TAGS, **POLICIES}),
    RegistryNamespace: ({}, {"description": WORDS, "is_public": st.booleans()}),
    SshKey: ({"public_key": "ssh-ed25519 AAAAx", "recreate": True}, {"public_key": KEYS, "disabled": st.booleans()}),
    LbAcl: (ACL, {"index": st.integers(1, 3), "match": MATCHES, "description": WORDS}),
    LbBackend: (
        BACKEND,
        {
            "server_ip": ADDRESSES,
            "health_check": CHECKS,
            "timeout_queue": st.sampled_from(["5s", "5.000000000s", "0s"]),
            "timeout_server": st.integers(1, 3),
            "sticky_sessions_cookie_name": WORDS,
            "ssl_bridging": st.booleans(),
        },
    ),
}


def done(description: type[Resource], cloud: Shelves, desired: Desired, state: str = "present") -> bool:
    """Whether anything changed; check mode has told so before, and nothing is left to do."""
    writes = len(cloud.writes)
    planned = reconcile(description(cloud, desired, check=True), state, check=True)
    assert len(cloud.writes) == writes, "check mode wrote"
    outcome = reconcile(description(cloud, desired), state, check=False)
    assert (planned.changed, planned.diff) == (outcome.changed, outcome.diff)
    assert (len(cloud.writes) > writes) == outcome.changed
    again = reconcile(description(cloud, desired), state, check=False)
    assert not again.changed
    assert again.diff["before"] == again.diff["after"]
    return outcome.changed


@pytest.mark.parametrize("description", RESOURCES)
@given(data=st.data())
def test_applying_is_idempotent_and_check_mode_tells_what_it_does(
    description: type[Resource], data: st.DataObject
) -> None:
    cloud = Shelves()
    needed, optional = RESOURCES[description]
    for desired in data.draw(st.lists(st.fixed_dictionaries({}, optional=optional), min_size=1, max_size=3)):
        done(description, cloud, {**needed, "name": "web", **desired})
    assert done(description, cloud, {**needed, "name": "web"}, "absent")


@pytest.mark.parametrize("description", [each for each, (needed, _) in RESOURCES.items() if "recreate" not in needed])
@given(data=st.data())
def test_only_what_is_given_changes(description: type[Resource], data: st.DataObject) -> None:
    """Also where the API wants to be sent everything."""
    cloud = Shelves()
    needed, optional = RESOURCES[description]
    first, second = (data.draw(st.fixed_dictionaries({}, optional=optional)) for _ in range(2))
    for desired in (first, second):
        done(description, cloud, {**needed, "name": "web", **desired})
    untouched = {name: value for name, value in first.items() if name not in {*second, *needed}}
    assert not done(description, cloud, {"name": "web", **scope(needed), **untouched})


@pytest.mark.parametrize("description", RESOURCES)
@given(data=st.data())
def test_order_means_nothing(description: type[Resource], data: st.DataObject) -> None:
    cloud = Shelves()
    needed, optional = RESOURCES[description]
    desired = {**needed, "name": "web", **data.draw(st.fixed_dictionaries({}, optional=optional))}
    done(description, cloud, desired)
    assert not done(description, cloud, shuffled(desired, data))


def scope(needed: Desired) -> Desired:
    """What says which object is meant."""
    return {key: value for key, value in needed.items() if key in ("lb", "frontend", "allow_empty")}


def shuffled(value: Any, data: st.DataObject) -> Any:
    if isinstance(value, list):
        return data.draw(st.permutations(value))
    return {key: shuffled(inner, data) for key, inner in value.items()} if isinstance(value, dict) else value

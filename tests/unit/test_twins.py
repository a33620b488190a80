# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that want the same object at the same instant end with one object, in whatever order their requests arrive."""

from __future__ import annotations

import random
from typing import Any

import pytest
from ansible_collections.ensemble.jitsi.plugins.module_utils.engine import Resource, reconcile
from ansible_collections.ensemble.jitsi.plugins.module_utils.errors import Invalid
from ansible_collections.ensemble.jitsi.plugins.module_utils.plan import CREATE, Plan
from ansible_collections.ensemble.jitsi.plugins.module_utils.resources.ip import Ip
from ansible_collections.ensemble.jitsi.plugins.module_utils.resources.lb_backend import LbBackend
from ansible_collections.ensemble.jitsi.plugins.module_utils.resources.placement_group import PlacementGroup
from ansible_collections.ensemble.jitsi.plugins.module_utils.resources.registry_namespace import RegistryNamespace
from ansible_collections.ensemble.jitsi.plugins.module_utils.resources.ssh_key import SshKey
from ansible_collections.ensemble.jitsi.plugins.module_utils.twins import age_order, is_recent
from unit_peers import Peer, all_orders, play
from unit_shelves import Shelves

KINDS: dict[type[Resource], tuple[str, dict[str, Any]]] = {
    PlacementGroup: ("placement_groups", {"policy_mode": "enforced"}),
    Ip: ("ips", {}),
    SshKey: ("ssh-keys", {"public_key": "ssh-ed25519 AAAAx"}),
    RegistryNamespace: ("namespaces", {"description": "one"}),
    LbBackend: (
        "backends",
        {"lb": "portal", "forward_protocol": "http", "forward_port": 80, "server_ip": ["10.0.0.1"]},
    ),
}
kinds = pytest.mark.parametrize("description", KINDS)


class Exclusive(PlacementGroup):
    """Refuses its creation while any object of the name exists, as a server whose reserved address is taken does."""

    def validate(self, plan: Plan) -> None:
        if plan.action == CREATE and self.client.list(self.url(), self.plural):
            raise Invalid("The place is taken.")


def race(description: type[Resource], count: int, choose: Any, **how: Any) -> list[Peer]:
    """So many runs at once; afterwards there is exactly one object, and every run that lived ended with it."""
    crash, dated, refuses = how.get("crash"), how.get("dated", True), how.get("refuses", False)
    cloud = Shelves()
    peers = [Peer(cloud, dated, refuses) for _ in range(count)]
    shelf, desired = KINDS[description]
    desired = {**desired, "name": "web"}
    play(peers, lambda peer: reconcile(description(peer, desired), "present", check=False), choose, crash)
    lived = [peer for number, peer in enumerate(peers) if number != crash]
    failures = [peer.outcome for peer in lived if isinstance(peer.outcome, Exception)]
    assert not failures
    assert len(cloud.shelves[shelf]) == 1, cloud.shelves[shelf]
    assert {peer.outcome.result["id"] for peer in lived} == set(cloud.shelves[shelf])
    assert not reconcile(description(peers[0], desired), "present", check=False).changed
    return peers


@kinds
def test_two_runs_in_every_order(description: type[Resource]) -> None:
    orders = 0
    for choose in all_orders():
        race(description, 2, choose)
        orders += 1
    assert orders > 10


@kinds
def test_two_runs_in_every_order_where_the_api_refuses_a_second(description: type[Resource]) -> None:
    for choose in all_orders():
        race(description, 2, choose, refuses=True)


@kinds
@pytest.mark.parametrize("dated", [True, False])
def test_three_runs_in_many_orders(description: type[Resource], dated: bool) -> None:
    """Without dates it is the ids that decide, and whoever looked before its peer came cannot know of it."""
    for seed in range(150):
        choice = random.Random(seed)
        race(description, 3, choice.randrange, dated=dated)


@kinds
@pytest.mark.parametrize("dated", [True, False])
def test_two_runs_in_many_orders_without_dates_or_with(description: type[Resource], dated: bool) -> None:
    for seed in range(150):
        choice = random.Random(seed)
        race(description, 2, choice.randrange, dated=dated)


@kinds
@pytest.mark.parametrize("crash", [0, 1])
def test_a_run_that_dies_after_its_creation_leaves_no_twin_that_is_used(
    description: type[Resource], crash: int
) -> None:
    """What it made may stay beside the elder; where it is the elder itself, the other run goes on with it."""
    shelf, desired = KINDS[description]
    desired = {**desired, "name": "web"}
    for choose in all_orders():
        cloud = Shelves()
        peers = [Peer(cloud, dated=True, refuses=False) for _ in range(2)]
        play(peers, lambda peer: reconcile(description(peer, desired), "present", check=False), choose, crash)
        outcome = peers[1 - crash].outcome
        assert not isinstance(outcome, Exception)
        assert outcome.result["id"] == min(cloud.shelves[shelf].values(), key=age_order)["id"]


def test_a_creation_that_a_peer_stands_in_the_way_of_goes_on_with_what_the_peer_made() -> None:
    KINDS[Exclusive] = KINDS[PlacementGroup]
    try:
        for choose in all_orders():
            race(Exclusive, 2, choose)
    finally:
        del KINDS[Exclusive]


def test_a_creation_that_something_else_stands_in_the_way_of_stays_refused() -> None:
    cloud = Shelves()
    cloud._put("placement_groups", {"name": "other"})
    with pytest.raises(Invalid, match="taken"):
        reconcile(Exclusive(cloud, {"name": "web"}), "present", check=False)


def test_twins_that_were_there_before_are_told_with_their_ids() -> None:
    cloud = Shelves()
    old = {"name": "web", "created_at": "2020-01-01T00:00:00Z"}
    younger = cloud._put("placement_groups", {**old, "created_at": "2021-01-01T00:00:00Z"})["id"]
    elder = cloud._put("placement_groups", old)["id"]
    for state in ("present", "absent"):
        with pytest.raises(Invalid, match=f"2 of .*{elder}, {younger}, oldest first"):
            reconcile(PlacementGroup(cloud, {"name": "web"}), state, check=False)
    assert cloud.writes == []


def test_dates_of_all_apis_sort_alike() -> None:
    """Nanoseconds in one answer, microseconds in the next, whole seconds elsewhere."""
    dates = ["2026-07-30T12:55:26Z", "2026-07-30T12:55:26.540666+00:00", "2026-07-30T12:55:26.540666001Z"]
    assert sorted(dates, key=lambda date: age_order({"created_at": date})) == dates
    assert is_recent({"created_at": "2026-07-30T12:55:26.5Z"}, now=1785416126 + 20)
    assert not is_recent({"created_at": "2026-07-30T12:55:26.5Z"}, now=1785416126 + 200)

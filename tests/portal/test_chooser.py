"""The chooser: its properties, and how it compares in the simulator."""

from __future__ import annotations

from collections import Counter
from statistics import fmean

import pytest
from ensemble_portal.chooser import Chooser
from ensemble_portal.fleet import Server
from ensemble_portal.health import NONE, State
from ensemble_portal.peers import Peers, Share
from hypothesis import given
from hypothesis import strategies as st
from simulator.policies import POLICIES
from simulator.run import overload
from simulator.world import Traffic


def server(name: str, load: float | None) -> Server:
    return Server(name, f"{name}.test", "", "", State.READY, NONE, load, load, None, None, None, None, None)


loads = st.lists(st.floats(0, 2), min_size=1, max_size=40)


@given(loads, st.integers(1, 50), st.integers(0, 2**32))
def test_what_is_chosen_is_there(values: list[float], choices: int, seed: int) -> None:
    servers = [server(f"h-{number}", load) for number, load in enumerate(values)]
    chooser = Chooser(choices, 0.05, 100, seed)
    chooser.see(servers, 0)
    assert chooser.choose() in servers


@given(loads)
def test_with_all_compared_the_least_loaded_wins(values: list[float]) -> None:
    servers = [server(f"h-{number}", load) for number, load in enumerate(values)]
    chooser = Chooser(len(servers), 0.05, 100)
    chooser.see(servers, 0)
    chosen = chooser.choose()
    assert chosen is not None
    assert chosen.load == min(values)


@given(st.integers(1, 30), st.integers(1, 200), st.integers(0, 2**32))
def test_equal_servers_are_served_evenly(count: int, rooms: int, seed: int) -> None:
    chooser = Chooser(1000, 0.05, 100, seed)
    chooser.see([server(f"h-{number}", 0.3) for number in range(count)], 0)
    given_out = Counter(chosen.name for _ in range(rooms) if (chosen := chooser.choose()))
    assert max(given_out.values()) - min(given_out.get(f"h-{number}", 0) for number in range(count)) <= 1


def test_unknown_is_not_zero() -> None:
    chooser = Chooser(10, 0.05, 100)
    chooser.see([server("h-1", None), server("h-2", 0.9)], 0)
    assert {chosen.name for _ in range(50) if (chosen := chooser.choose())} == {"h-2"}
    chooser.see([server("h-1", None)], 1)
    assert chooser.choose() is None


def test_nothing_to_choose_from() -> None:
    chooser = Chooser(10, 0.05, 100)
    assert chooser.choose() is None
    chooser.see([], 0)
    assert chooser.choose() is None


def test_a_promise_counts_at_once_and_fades_with_the_measures() -> None:
    chooser = Chooser(10, 0.5, 100)
    servers = [server("h-1", 0.0), server("h-2", 0.3)]
    chooser.see(servers, 0)
    assert [chosen.name for _ in range(3) if (chosen := chooser.choose())] == ["h-1", "h-2", "h-1"]
    chooser.see(servers, 10)  # 1.0 and 0.5 promised 5 s ago are nearly all unseen
    assert chooser.choose().name == "h-2"
    chooser.see(servers, 200)  # all must be in the measures now
    assert chooser.choose().name == "h-1"


def test_invariants_of_other_portals_count() -> None:
    chooser = Chooser(10, 0.1, 100)
    servers = [server("h-1", 0.1), server("h-2", 0.3)]
    chooser.see(servers, 0)
    chooser.see(servers, 10, {"h-1": 5})
    assert chooser.choose().name == "h-2"


def test_what_other_portals_gave_out_since_the_last_look() -> None:
    peers = Peers("me")
    assert peers.since_last({("me", "h-1"): 3, ("other", "h-1"): 1000}) == {}
    assert peers.since_last({("me", "h-1"): 9, ("other", "h-1"): 1002, ("new", "h-2"): 4}) == {"h-1": 2, "h-2": 4}
    assert peers.since_last({("other", "h-1"): 1002}) == {}


def test_a_counter_that_was_out_of_sight_is_not_taken_for_new_rooms() -> None:
    peers = Peers("me")
    peers.since_last({("other", "h-1"): 1000})
    assert peers.since_last({}) == {}
    assert peers.since_last({("other", "h-1"): 1003}) == {"h-1": 3}


@given(st.sets(st.text(min_size=1), min_size=1, max_size=5))
def test_portals_that_see_each_other_share_the_fleet_evenly(portals: set[str]) -> None:
    """Each server is in exactly one portal's share, and the shares are about as large."""
    counters = {(portal, "h-1"): 1.0 for portal in portals}
    shares = []
    for portal in portals:
        peers = Peers(portal)
        peers.since_last(counters)
        shares.append(peers.share)
    held = [[share.holds(f"h-{number}") for share in shares] for number in range(1000)]
    assert all(sum(by_share) == 1 for by_share in held)
    assert all(sum(by_server) > 700 / len(portals) for by_server in zip(*held, strict=True))


def test_a_server_of_another_portals_share_counts_as_one_room_more() -> None:
    mine = Share(0, 2)
    names = {mine.holds(name): name for name in (f"h-{number}" for number in range(20))}
    chooser = Chooser(10, 0.1, 100)
    chooser.see([server(names[True], 0.35), server(names[False], 0.3)], 0, share=mine)
    assert [chosen.name for _ in range(2) if (chosen := chooser.choose())] == [names[True], names[False]]


@pytest.mark.parametrize("rooms_per_second", [0.5, 0.583])
def test_overload_against_least_cpu_and_the_oracle(rooms_per_second: float) -> None:
    """100 servers, two portals that do not talk: at most 1/4 of least CPU's overload, 1.5 times the oracle's."""

    def mean(policy: str, poll_every: float, seeds: int) -> float:
        traffic = Traffic(rooms_per_second=rooms_per_second)
        make = POLICIES[policy]
        return fmean(overload(make, traffic, poll_every=poll_every, hours=2, seed=seed) for seed in range(1, seeds + 1))

    oracle = mean("oracle", 10, 4)
    assert oracle > 0.005, "a fleet that is never overloaded proves nothing"
    for poll_every in (10, 30):
        ours = mean("ours", poll_every, 4)
        assert ours <= mean("least CPU at the last poll", poll_every, 1) / 4
        assert ours <= oracle * 1.5

"""Runs a policy through a simulated day and says how much of the servers' time was spent overloaded."""

from __future__ import annotations

from collections.abc import Callable

from .policies import DEFAULTS, Policy
from .world import Traffic, World

WARM_UP = 2 * 3600.0


def overload(
    make: Callable[[World, int, int], Policy],
    traffic: Traffic,
    *,
    servers: int = 100,
    portals: int = 2,
    poll_every: float = 10.0,
    hours: float = 4.0,
    seed: int = 1,
) -> float:
    """The share of server time above 80 % load; visitors reach the portals at random, polls are out of step."""
    world = World(servers, portals, traffic, seed, DEFAULTS.cpu_window)
    policies = [make(world, number, seed * 100 + number) for number in range(portals)]
    arrival, measured = 2 * world.scrape_every, False
    next_polls = [arrival + poll_every * (1 + number / portals) for number in range(portals)]
    world.run_until(arrival)
    for policy in policies:
        policy.poll()
    while arrival < WARM_UP + hours * 3600:
        arrival += world.dice.expovariate(traffic.rooms_per_second)
        size = traffic.size(world.dice)
        portal = world.dice.randrange(portals)
        while next_polls[soonest := next_polls.index(min(next_polls))] <= arrival:
            world.run_until(next_polls[soonest])
            policies[soonest].poll()
            next_polls[soonest] += poll_every
        if not measured and arrival > WARM_UP:
            world.run_until(WARM_UP)
            world.forget_the_past()
            measured = True
        world.run_until(arrival)
        world.open_room(policies[portal].choose(arrival), size)
    return world.overload()

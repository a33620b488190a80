"""The simulated world: rooms that come, fill up and end on servers, and a Prometheus that scrapes the servers' CPU.

Loads are shares of a server (1 is full) and may pass 1; the CPU that can be measured never does. Times are seconds.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from dataclasses import dataclass, field

OVERLOAD = 0.8


@dataclass(frozen=True, slots=True)
class Traffic:
    """What visitors do. Room sizes are lognormal; people arrive evenly during the first `fill` seconds."""

    rooms_per_second: float = 0.5
    room_minutes: float = 40.0
    room_load: float = 0.05
    size_spread: float = 0.9
    fill: float = 120.0

    def size(self, dice: random.Random) -> float:
        """The load that a room will have when everybody is there; `size_spread` is its coefficient of variation."""
        variance = math.log(1 + self.size_spread**2)
        return dice.lognormvariate(math.log(self.room_load) - variance / 2, math.sqrt(variance))

    def steps(self, size: float) -> int:
        """How many people the load is made of, at about 1 % each."""
        return max(2, round(size / 0.01))


@dataclass(slots=True)
class SimServer:
    """A server's true load, the load that its rooms will have when full, and its CPU counter as exporters show it."""

    name: str
    load: float = 0.0
    full_load: float = 0.0
    rooms: int = 0
    busy: float = 0.0
    overloaded: float = 0.0
    total: float = 0.0
    at: float = 0.0
    scrapes: deque[tuple[float, float]] = field(default_factory=deque)

    def advance(self, now: float) -> None:
        passed = now - self.at
        self.busy += min(1.0, self.load) * passed
        self.total += passed
        if self.load > OVERLOAD:
            self.overloaded += passed
        self.at = now

    def change(self, now: float, load: float) -> None:
        self.advance(now)
        self.load = max(0.0, self.load + load)

    def cpu(self, now: float, window: float) -> float:
        """CPU over the samples of the last `window` seconds, as rate() gives it."""
        while len(self.scrapes) > 2 and self.scrapes[0][0] <= now - window:
            self.scrapes.popleft()
        (first, busy_first), (last, busy_last) = self.scrapes[0], self.scrapes[-1]
        return (busy_last - busy_first) / (last - first) if last > first else min(1.0, self.load)


class World:
    """Runs events in order: people joining, rooms ending, scrapes.

    Prometheus asks every target once per `scrape_every`, one after the other: the servers for their CPU, the portals
    for their counters. Nobody else tells a portal anything.
    """

    def __init__(
        self, servers: int, portals: int, traffic: Traffic, seed: int, window: float, scrape_every: float = 10.0
    ) -> None:
        self.servers = [SimServer(f"h-{number}") for number in range(1, servers + 1)]
        self.traffic = traffic
        self.dice = random.Random(seed)
        self.now = 0.0
        self.scraped_rooms: dict[tuple[int, str], float] = {}
        self._rooms: list[dict[str, float]] = [{} for _ in range(portals)]
        self.scrape_every = scrape_every
        self._window = window
        self._targets: list[SimServer | int] = [*self.servers, *range(portals)]
        self.dice.shuffle(self._targets)
        self._between_scrapes = scrape_every / len(self._targets)
        self._scrapes = 0
        self._events: list[tuple[float, int, SimServer, float, bool, float]] = []
        self._count = 0

    def run_until(self, end: float) -> None:
        while True:
            event = self._events[0][0] if self._events else math.inf
            scrape = self._scrapes * self._between_scrapes
            if min(event, scrape) > end:
                break
            if scrape <= event:
                self._scrape(self._targets[self._scrapes % len(self._targets)], scrape)
                self._scrapes += 1
            else:
                at, _, server, load, ends, size = heapq.heappop(self._events)
                server.change(at, load)
                if ends:
                    server.full_load -= size
                    server.rooms -= 1
        self.now = end

    def open_room(self, server: SimServer, size: float) -> None:
        """A room begins on `server` now: its first person is there, the others follow, at the end all leave."""
        minutes = self.dice.expovariate(1 / self.traffic.room_minutes)
        people = self.traffic.steps(size)
        ends = self.now + max(60.0, minutes * 60)
        server.full_load += size
        server.rooms += 1
        joined = 0
        for person in range(people):
            at = self.now if person == 0 else self.now + self.dice.uniform(0, self.traffic.fill)
            if at < ends:
                self._plan(at, server, size / people, False, 0.0)
                joined += 1
        self._plan(ends, server, -joined * size / people, True, size)

    def cpu(self, server: SimServer) -> float:
        """What a poll of Prometheus tells now."""
        return server.cpu(self.now, self._window)

    def count_room(self, portal: int, server: str) -> None:
        """A portal's own counter of rooms given out, as it shows it to Prometheus."""
        self._rooms[portal][server] = self._rooms[portal].get(server, 0.0) + 1

    def forget_the_past(self) -> None:
        """Start the books anew, after the warm-up."""
        for server in self.servers:
            server.advance(self.now)
            server.overloaded = server.total = 0.0

    def overload(self) -> float:
        """The share of server time above the overload mark since the books began."""
        for server in self.servers:
            server.advance(self.now)
        return sum(server.overloaded for server in self.servers) / sum(server.total for server in self.servers)

    def _plan(self, at: float, server: SimServer, load: float, ends: bool, size: float) -> None:
        self._count += 1
        heapq.heappush(self._events, (at, self._count, server, load, ends, size))

    def _scrape(self, target: SimServer | int, now: float) -> None:
        if isinstance(target, SimServer):
            target.advance(now)
            target.scrapes.append((now, target.busy))
        else:
            self.scraped_rooms |= {(target, server): rooms for server, rooms in self._rooms[target].items()}

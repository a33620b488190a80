"""Ways of choosing a server. Each portal of a simulation has a policy object of its own; they share nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Protocol

from ensemble_portal.chooser import Chooser
from ensemble_portal.fleet import Server
from ensemble_portal.health import NONE, State
from ensemble_portal.peers import Peers
from ensemble_portal.settings import Settings

from .world import SimServer, World

DEFAULTS = Settings.from_environ({"ENSEMBLE_PROMETHEUS_URL": "http://localhost"})


class Policy(Protocol):
    def poll(self) -> None:
        """Prometheus has just been asked."""

    def choose(self, now: float) -> SimServer: ...


class Random:
    def __init__(self, world: World, portal: int, seed: int) -> None:
        self._servers = world.servers
        self._dice = random.Random(seed)

    def poll(self) -> None:
        pass

    def choose(self, now: float) -> SimServer:
        return self._dice.choice(self._servers)


class LeastCpu:
    """The 2020 service: the server with the least CPU at the last poll."""

    def __init__(self, world: World, portal: int, seed: int) -> None:
        self._world = world
        self._seen: list[tuple[float, float, SimServer]] = []
        self._dice = random.Random(seed)

    def poll(self) -> None:
        self._seen = [(self._world.cpu(server), self._dice.random(), server) for server in self._world.servers]

    def choose(self, now: float) -> SimServer:
        return min(self._seen)[2]


class TwoChoices(LeastCpu):
    """The less loaded of two random servers, by the last poll."""

    def choose(self, now: float) -> SimServer:
        return min(self._dice.sample(self._seen, 2))[2]


class Oracle:
    """Knows every server's true load now and all that its rooms will still bring; no portal can know that."""

    def __init__(self, world: World, portal: int, seed: int) -> None:
        self._servers = world.servers

    def poll(self) -> None:
        pass

    def choose(self, now: float) -> SimServer:
        return min(self._servers, key=lambda server: server.full_load)


class Ours:
    """The portal's own chooser on what the portal would know."""

    choices, room_load, promise_time = DEFAULTS.choices, DEFAULTS.room_load, DEFAULTS.promise_time

    def __init__(self, world: World, portal: int, seed: int) -> None:
        self._world = world
        self._by_name = {server.name: server for server in world.servers}
        self._chooser = Chooser(self.choices, self.room_load, self.promise_time, seed)
        self._portal = portal
        self._peers = Peers(str(portal))

    def poll(self) -> None:
        seen = [_as_seen(server.name, self._world.cpu(server)) for server in self._world.servers]
        elsewhere = self._peers.since_last(self.scraped_rooms())
        self._chooser.see(seen, self._world.now, elsewhere, self._peers.share)

    def scraped_rooms(self) -> dict[tuple[str, str], float]:
        return {(str(portal), server): rooms for (portal, server), rooms in self._world.scraped_rooms.items()}

    def choose(self, now: float) -> SimServer:
        chosen = self._chooser.choose()
        assert chosen is not None
        self._world.count_room(self._portal, chosen.name)
        return self._by_name[chosen.name]


class OursAlone(Ours):
    """The same, when Prometheus scrapes no portal: each knows only what it promised itself."""

    def scraped_rooms(self) -> dict[tuple[str, str], float]:
        return {}


def _as_seen(name: str, cpu: float) -> Server:
    return Server(name, name, "", "", State.READY, NONE, cpu, cpu, None, None, None, None, None)


POLICIES: dict[str, Callable[[World, int, int], Policy]] = {
    "random": Random,
    "least CPU at the last poll": LeastCpu,
    "two choices": TwoChoices,
    "ours, portals not scraped": OursAlone,
    "ours": Ours,
    "oracle": Oracle,
}

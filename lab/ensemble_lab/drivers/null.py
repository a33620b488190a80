# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing is real but the time it takes: recorded durations of the real cloud, scaled, from a seeded generator."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import itertools
import random
from collections.abc import Iterator
from typing import Any

from ensemble_lab.drivers.base import Api, Object
from ensemble_lab.drivers.names import NameServer, Zones
from ensemble_lab.times import drawn

# operation -> seconds (least, median, most) as recorded
DURATIONS = {
    "poweron": (1.6, 2.7, 17.0),
    "poweron_local": (2.9, 13.6, 35.0),
    "poweron_in_place": (1.3, 1.6, 1.7),
    "boot": (21.0, 30.0, 41.0),
    "host_keys": (60.0, 90.0, 120.0),
    "poweroff": (20.0, 33.0, 66.0),
    "poweroff_in_place": (0.4, 0.5, 0.6),
    "stop_in_place": (37.0, 41.0, 44.0),
    "reboot": (37.0, 37.0, 37.0),
    "terminate": (4.0, 5.0, 26.0),
    "delete": (0.0, 2.0, 5.0),
    "volume": (0.1, 0.2, 0.3),
    "resize": (5.0, 5.5, 6.0),
    "snapshot": (0.0, 0.5, 1.0),
    "snapshot_running": (28.0, 31.0, 34.0),
    "snapshot_running_local": (33.0, 44.0, 101.0),
    "security_group": (0.1, 0.2, 0.4),
    "lb_create": (2.3, 3.4, 5.8),
    "lb_change": (0.2, 0.3, 0.4),
    "lb_delete": (2.0, 8.0, 31.0),
    "database_create": (152.0, 212.0, 246.0),
    "database_change": (30.0, 31.0, 39.0),
    "database_part": (0.0, 0.2, 0.5),
    "database_restart": (10.0, 15.0, 30.0),
    "database_delete": (30.0, 31.0, 62.0),
    "database_dump": (2.0, 8.0, 32.0),
    "zone": (2.0, 3.0, 4.0),
    "namespace_delete": (0.0, 0.5, 1.0),
}
# What is about to vanish stays visible for this long at any speed: no client of the real cloud can count on missing it.
FAREWELL = 0.15

# The same holds for databases that are on their way to a state.
PASSING = 0.15

# A guest publishes the fingerprints of its host keys after it has booted, never with it.
HOST_KEYS = 3.0

# Engine -> bytes of a database with nothing in it
EMPTY_DATABASES = {"PostgreSQL-17": 7_739_059, "PostgreSQL-15": 7_713_583}

ADDRESSES = "198.18.0.0/15"
"""Reserved for benchmarks (RFC 2544): never routed, so nothing of a null lab's addresses reaches anyone."""


def _fingerprint(source: random.Random) -> bytes:
    """What Scaleway's images write: one line a key."""
    digest = base64.b64encode(source.randbytes(32)).decode().rstrip("=")
    return f"256 SHA256:{digest} root@server (ED25519)\n".encode()


class NullDriver:
    """Same API and state machines on timers; with ``dns_port``, names that are real: its DNS answers for the zones."""

    name = "null"

    def __init__(self, speed: float = 1.0, seed: int | None = None, dns_port: int | None = None):
        self.speed = speed
        self._random = random.Random(seed)
        self._dns_port = dns_port
        self._zones = Zones()
        self._names = NameServer(self._zones)
        self._api: Api
        self._addresses = self._free_addresses()
        self._known_lbs: set[str] = set()
        self._guests: set[asyncio.Task[None]] = set()

    async def _take(self, operation: str, least: float = 0.0) -> None:
        seconds = drawn(self._random, *DURATIONS[operation]) / self.speed if self.speed else 0.0
        if max(seconds, least) > 0:
            await asyncio.sleep(max(seconds, least))

    async def start(self, api: Api) -> None:
        self._api = api
        if self._dns_port:
            await self._names.listen("127.0.0.1", self._dns_port)
        for server in api.list("instance_server"):
            if server["state"] == "running" and server["state_detail"] == "booting kernel":
                self._boot(server["id"])

    async def stop(self) -> None:
        for guest in list(self._guests):
            guest.cancel()
        await self._names.stop()

    async def destroy(self) -> None:
        await self.stop()
        self._known_lbs.clear()
        self._zones.clear()

    def info(self) -> Object:
        return {
            "driver": self.name,
            "speed": self.speed,
            "gateway": None,
            "dns": f"127.0.0.1:{self._dns_port}" if self._dns_port else None,
            "registry": None,
            "ca_file": None,
        }

    def _free_addresses(self) -> Iterator[str]:
        """Round and round through the network, so that an address is not given again soon after it was freed."""
        network = ipaddress.ip_network(ADDRESSES)
        for offset in itertools.cycle(range(2, network.num_addresses - 1)):
            address = str(network[offset])
            if address not in self._taken():
                yield address

    def _taken(self) -> set[str]:
        found = {ip["address"] for ip in self._api.list("instance_ip")}
        found |= {ip["ip_address"] for ip in self._api.list("lb_ip")}
        for kind in ("rdb_instance", "rdb_replica"):
            found |= {endpoint["ip"] for owner in self._api.list(kind) for endpoint in owner["endpoints"]}
        return found

    def allocate_address(self, family: str) -> str:
        if family == "inet":
            return next(self._addresses)
        return f"2001:db8:{self._random.randrange(0x10000):x}:{self._random.randrange(0x10000):x}::/64"

    async def server_create(self, server: Object, root: Object | None) -> None: ...

    async def server_poweron(self, server: Object) -> None:
        local = (server["volumes"].get("0") or {}).get("volume_type") == "l_ssd"
        in_place = server["state"] == "stopped in place"
        await self._take("poweron_in_place" if in_place else "poweron_local" if local else "poweron")
        self._boot(server["id"])

    def _boot(self, server_id: str) -> None:
        async def guest() -> None:
            await self._take("boot")
            await asyncio.sleep(0)
            await self._api.guest_reports(server_id, "booted")
            await self._take("host_keys", least=HOST_KEYS)
            if self._api.get("instance_server", server_id) and "ssh-host-fingerprints" not in self._api.user_data(
                server_id
            ):
                await self._api.guest_set_user_data(server_id, "ssh-host-fingerprints", _fingerprint(self._random))

        task = asyncio.get_running_loop().create_task(guest())
        self._guests.add(task)
        task.add_done_callback(self._guests.discard)

    async def server_poweroff(self, server: Object) -> None:
        await self._take("poweroff_in_place" if server["state"] == "stopped in place" else "poweroff")

    async def server_stop_in_place(self, server: Object) -> None:
        await self._take("stop_in_place")

    async def server_reboot(self, server: Object) -> None:
        await self._take("reboot")
        self._boot(server["id"])

    async def server_delete(self, server: Object, terminate: bool = False) -> None:
        await self._take("terminate" if terminate else "delete", least=FAREWELL)

    async def server_update(self, server: Object) -> None: ...

    async def server_load(self, server: Object) -> Object | None:
        return None

    async def volume_create(
        self, volume: Object, snapshot: Object | None = None, image_label: str | None = None
    ) -> None:
        await self._take("volume")

    async def volume_resize(self, volume: Object) -> None:
        await self._take("resize")

    async def volume_delete(self, volume: Object) -> None: ...

    async def snapshot_create(self, snapshot: Object, volume: Object, server: Object | None) -> None:
        if server is None or server["state"] in ("stopped", "stopped in place"):
            await self._take("snapshot")
        else:
            await self._take("snapshot_running_local" if volume["volume_type"] == "l_ssd" else "snapshot_running")

    async def snapshot_delete(self, snapshot: Object) -> None: ...

    async def security_group_apply(self, group: Object, rules: list[Object], servers: list[Object]) -> None:
        await self._take("security_group")

    async def lb_apply(
        self,
        lb: Object,
        frontends: list[Object],
        backends: list[Object],
        certificates: list[Object],
        acls: list[Object],
        routes: list[Object],
    ) -> None:
        new = lb["id"] not in self._known_lbs
        self._known_lbs.add(lb["id"])
        await self._take("lb_create" if new else "lb_change")

    async def lb_delete(self, lb: Object) -> None:
        await self._take("lb_delete", least=FAREWELL)
        self._known_lbs.discard(lb["id"])

    async def lb_stats(self, lb: Object) -> list[Object]:
        """Every server of every backend is up: nothing is there that could be down."""
        stats: list[dict[str, Any]] = []
        for backend in self._api.list("lb_backend"):
            if backend["lb_id"] == lb["id"]:
                stats += [
                    {
                        "backend_id": backend["id"],
                        "ip": ip,
                        "server_state": "running",
                        "last_health_check_status": "passed",
                    }
                    for ip in backend["pool"]
                ]
        return stats

    async def database_apply(self, instance: Object, quick: bool) -> None:
        if quick:
            await self._take("database_part")
        else:
            await self._take(
                "database_create" if instance["status"] == "provisioning" else "database_change", least=PASSING
            )

    async def database_delete(self, instance: Object) -> None:
        await self._take("database_delete", least=FAREWELL)

    async def database_restart(self, instance: Object) -> None:
        await self._take("database_restart", least=PASSING)

    async def database_sizes(self, instance: Object) -> dict[str, int]:
        """As large as empty ones are."""
        empty = EMPTY_DATABASES.get(instance["engine"], 7_700_000)
        names = (one["name"] for one in self._api.list("rdb_database") if one["instance_id"] == instance["id"])
        return dict.fromkeys(names, empty)

    async def database_dump(self, instance: Object, ident: str, database: str | None) -> int:
        await self._take("database_dump", least=PASSING)
        return 1_255

    async def database_restore(self, instance: Object, ident: str, database: str) -> None:
        await self._take("database_dump", least=PASSING)

    async def database_dump_delete(self, ident: str) -> None:
        await self._take("namespace_delete", least=FAREWELL)

    async def database_replica(self, instance: Object, replica: Object) -> None:
        await self._take("database_create" if replica["status"] == "provisioning" else "database_change", least=PASSING)

    async def database_replica_delete(self, replica: Object) -> None:
        await self._take("database_delete", least=FAREWELL)

    async def zone_apply(self, zone: str, records: list[Object]) -> None:
        await self._take("zone")
        if self._dns_port:
            self._zones.apply(zone, records)

    async def zone_delete(self, zone: str) -> None:
        self._zones.delete(zone)

    async def namespace_delete(self, namespace: Object) -> None:
        await self._take("namespace_delete", least=FAREWELL)

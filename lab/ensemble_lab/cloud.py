# SPDX-License-Identifier: GPL-3.0-or-later
"""What every API file works on: settings, state, driver and jobs."""

from __future__ import annotations

import asyncio
import base64
import random
import uuid
from typing import Any

from ensemble_lab import errors
from ensemble_lab.drivers.base import Driver
from ensemble_lab.jobs import Jobs
from ensemble_lab.settings import Settings
from ensemble_lab.store import Object, Store
from ensemble_lab.times import drawn


class Cloud:
    """The state of one cloud, and the work that is under way in it."""

    def __init__(self, settings: Settings, driver: Driver, store: Store | None = None):
        self.settings, self.driver = settings, driver
        self.store = store or Store(settings.database)
        self.jobs = Jobs(self)
        self.begin_anew()

    def begin_anew(self) -> None:
        """Draw ids and durations from the beginning again: with a seed the same ones for the same state."""
        seed = self.settings.seed
        objects = sum(self.store.count(kind) for kind in self.store.kinds())
        self._random = random.Random() if seed is None else random.Random(f"{seed}/{objects}")

    @property
    def quotas(self) -> dict[str, int]:
        """Object kind -> how many may exist."""
        return dict((self.store.get("limits", "quotas") or {"value": {}})["value"])

    @property
    def out_of_stock(self) -> set[str]:
        """Server types that nobody can start."""
        return set((self.store.get("limits", "stock") or {"value": []})["value"])

    def limit(self, what: str, value: Any) -> None:
        """Set ``quotas`` (a dict) or ``stock`` (a list)."""
        self.store.put("limits", {"id": what, "value": value})
        self.store.commit()

    def new_id(self) -> str:
        """An id that no object has, also after a state was restored that another run of the same seed has made."""
        while self.store.holds(ident := str(uuid.UUID(int=self._random.getrandbits(128), version=4))):
            pass
        return ident

    def new_mac(self, prefix: str) -> str:
        """`prefix` ``de:00:00`` (server) or ``02:00:00`` (private NIC)."""
        return prefix + "".join(f":{self._random.randrange(256):02x}" for _ in range(3))

    def random_int(self, limit: int) -> int:
        return self._random.randrange(limit)

    def user_data(self, server_id: str) -> dict[str, bytes]:
        kept = self.store.get("user_data", server_id)
        return {key: base64.b64decode(value) for key, value in sorted(kept["keys"].items())} if kept else {}

    def set_user_data(self, server_id: str, key: str, value: bytes | None) -> None:
        """Keep (None: drop) one key of a server's user data."""
        kept = self.store.get("user_data", server_id) or {"id": server_id, "keys": {}}
        if value is None:
            kept["keys"].pop(key, None)
        else:
            kept["keys"][key] = base64.b64encode(value).decode()
        self.store.put("user_data", kept)

    async def pretend(self, least: float, median: float, most: float, floor: float = 0.0) -> None:
        """Let the recorded time of something pass that no driver does; only the null driver pretends.

        `floor`: what it takes at any speed.
        """
        speed = self.settings.speed
        if self.driver.name == "null":
            seconds = drawn(self._random, least, median, most) / speed if speed else 0.0
            await asyncio.sleep(max(seconds, floor))

    # small helpers that many API files share

    def project_of(self, ident: str | None) -> str:
        """The project asked for, or the default one; raises permissions_denied for one that does not exist."""
        ident = ident or self.settings.project
        if not self.store.get("project", ident):
            raise errors.denied("project", "write")
        return ident

    def check_quota(self, kind: str, resource: str) -> None:
        limit = self.quotas.get(kind)
        if limit is not None and self.store.count(kind) >= limit:
            raise errors.quota(resource, limit, self.store.count(kind))


def driver_volume(volume: Object) -> Object:
    """A volume or snapshot in the form drivers know: block objects get a ``volume_type`` too."""
    extra: dict[str, Any] = (
        {} if "volume_type" in volume else {"volume_type": "sbs_volume" if "specs" in volume else "sbs_snapshot"}
    )
    return {**volume, **extra}

# SPDX-License-Identifier: GPL-3.0-or-later
"""One lab: settings, state, driver and jobs; and what the driver may ask the API layer for."""

from __future__ import annotations

import asyncio
import base64
import logging
import random
import uuid
from typing import Any

from ensemble_lab.drivers.base import Driver
from ensemble_lab.jobs import Jobs
from ensemble_lab.settings import Settings
from ensemble_lab.store import Object, State, Store
from ensemble_lab.times import now

log = logging.getLogger(__name__)


class Cloud:
    """What every API file works on. It also is the :class:`~ensemble_lab.drivers.base.Api` of the driver."""

    def __init__(self, settings: Settings, driver: Driver, store: Store | None = None):
        self.settings, self.driver = settings, driver
        self.store = store or Store(settings.database)
        self.jobs = Jobs(self)
        self._random = self._fresh_random()

    def _fresh_random(self) -> random.Random:
        seed = self.settings.seed
        objects = sum(self.store.count(kind) for kind in self.store.kinds())
        return random.Random() if seed is None else random.Random(f"{seed}/{objects}")

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

    async def start(self) -> None:
        """Make the driver and the state agree, and go on with what was under way."""
        await self.driver.start(self)
        resumed = self.jobs.resume()
        if resumed:
            log.info("took up %d jobs of an earlier run", resumed)
        self._ensure_basics()
        self._apply_again()
        self.store.commit()

    async def stop(self) -> None:
        """Stop working; state and machines stay."""
        await self.jobs.cancel()
        await self.driver.stop()
        self.store.commit()

    async def reset(self, state: State | None = None) -> None:
        """Begin anew with an empty cloud (or with a dumped state)."""
        await self.jobs.cancel()
        await self.driver.destroy()
        self.store.restore(state or {})
        self._random = self._fresh_random()
        await self.start()

    def _ensure_basics(self) -> None:
        """The default project and the root DNS zone that the account owns."""
        from ensemble_lab.api import domain

        settings = self.settings
        if not self.store.get("project", settings.project):
            moment = now()
            self.store.put(
                "project",
                {
                    "id": settings.project,
                    "name": "default",
                    "organization_id": settings.organization,
                    "created_at": moment,
                    "updated_at": moment,
                    "description": "",
                },
            )
        domain.ensure_root_zone(self, settings.dns_domain)

    def _apply_again(self) -> None:
        """What a driver holds in processes of its own it may have lost with the last run: names and balancers."""
        from ensemble_lab.api import domain, lb

        for zone in self.store.list("dns_zone"):
            self.jobs.start(domain.zone_sync, [zone["id"]], zone_name=zone["id"])
        for balancer in self.store.list("lb"):
            self.jobs.start(lb.lb_sync, [balancer["id"]], lb_id=balancer["id"])

    def new_id(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def new_mac(self, prefix: str) -> str:
        """`prefix` ``de:00:00`` (server) or ``02:00:00`` (private NIC)."""
        return prefix + "".join(f":{self._random.randrange(256):02x}" for _ in range(3))

    def random_int(self, limit: int) -> int:
        return self._random.randrange(limit)

    # what the driver may ask for

    def get(self, kind: str, ident: str) -> Object | None:
        obj = self.store.get(kind, ident)
        return obj and self._shown(kind, obj)

    def list(self, kind: str) -> list[Object]:
        return [self._shown(kind, obj) for obj in self.store.list(kind)]

    def _shown(self, kind: str, obj: Object) -> Object:
        """Servers hold references; the driver sees them as the API shows them."""
        if kind == "instance_server":
            from ensemble_lab.api.instance_views import server_view

            return server_view(self, obj)
        return obj

    def server_conf(self, server: Object) -> Object:
        from ensemble_lab.api.instance_views import server_conf

        return server_conf(self, server["id"])

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

    async def guest_set_user_data(self, server_id: str, key: str, value: bytes | None) -> None:
        self.set_user_data(server_id, key, value)
        self.store.commit()

    async def guest_reports(self, server_id: str, event: str) -> None:
        from ensemble_lab.api.instance_actions import guest_reported

        guest_reported(self, server_id, event)
        self.store.commit()

    def check_registry_login(self, user: str, password: str) -> bool:
        return password == self.settings.secret_key

    def namespace_is_public(self, name: str) -> bool:
        return any(space["name"] == name and space["is_public"] for space in self.store.iterate("registry_namespace"))

    async def registry_pushed(self, namespace: str, image: str, tag: str, digest: str, size: int) -> None:
        from ensemble_lab.api.registry import image_pushed

        image_pushed(self, namespace, image, tag, digest, size)
        self.store.commit()

    async def pretend(self, low: float, high: float, least: float = 0.0) -> None:
        """Let the recorded time of something pass that no driver does; only the null driver pretends."""
        speed = self.settings.speed
        if self.driver.name == "null":
            await asyncio.sleep(max(self._random.uniform(low, high) / speed if speed else 0.0, least))

    # small helpers that many API files share

    def project_of(self, ident: str | None) -> str:
        """The project asked for, or the default one; raises permissions_denied for one that does not exist."""
        from ensemble_lab.errors import denied

        ident = ident or self.settings.project
        if not self.store.get("project", ident):
            raise denied("project", "write")
        return ident

    def check_quota(self, kind: str, resource: str) -> None:
        from ensemble_lab.errors import quota

        limit = self.quotas.get(kind)
        if limit is not None and self.store.count(kind) >= limit:
            raise quota(resource, limit, self.store.count(kind))

    def machine_of(self, volume: Object) -> Object | None:
        """The server that a volume (of either kind) is attached to, as the API shows it."""
        ident = (
            volume.get("server")
            if "volume_type" in volume
            else next(
                (
                    reference["product_resource_id"]
                    for reference in volume["references"]
                    if reference["product_resource_type"] == "instance_server"
                ),
                None,
            )
        )
        return self.get("instance_server", ident) if ident else None


def driver_volume(volume: Object) -> Object:
    """A volume or snapshot in the form drivers know: block objects get a ``volume_type`` too."""
    extra: dict[str, Any] = (
        {} if "volume_type" in volume else {"volume_type": "sbs_volume" if "specs" in volume else "sbs_snapshot"}
    )
    return {**volume, **extra}

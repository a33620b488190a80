# SPDX-License-Identifier: GPL-3.0-or-later
"""A cloud that runs: how it starts, stops and begins anew, and what its driver may ask of it."""

from __future__ import annotations

import logging

from ensemble_lab import access
from ensemble_lab.api import domain, lb, rdb
from ensemble_lab.api.account import ensure_project
from ensemble_lab.api.instance_actions import guest_reported
from ensemble_lab.api.instance_views import server_conf, server_seen
from ensemble_lab.api.registry import image_pushed
from ensemble_lab.cloud import Cloud
from ensemble_lab.errors import ApiError
from ensemble_lab.store import Object, State

log = logging.getLogger(__name__)


class Lab:
    """The :class:`~ensemble_lab.drivers.base.Api` of the driver, over one :class:`Cloud`."""

    def __init__(self, cloud: Cloud):
        self.cloud = cloud

    async def start(self) -> None:
        """Make the driver and the state agree, and go on with what was under way."""
        await self.cloud.driver.start(self)
        resumed = self.cloud.jobs.resume()
        if resumed:
            log.info("took up %d jobs of an earlier run", resumed)
        ensure_project(self.cloud)
        domain.ensure_root_zone(self.cloud, self.cloud.settings.dns_domain)
        self._apply_again()
        self.cloud.store.commit()

    def _apply_again(self) -> None:
        """What a driver holds in processes of its own it may have lost with the last run: names, balancers ..."""
        store, jobs = self.cloud.store, self.cloud.jobs
        for zone in store.list("dns_zone"):
            jobs.start(domain.zone_sync, [zone["id"]], zone_name=zone["id"])
        for instance in store.list(rdb.INSTANCE):
            if instance["status"] == "ready":
                jobs.start(rdb.rdb_sync, [instance["id"]], instance_id=instance["id"], quick=True)
        for balancer in store.list("lb"):
            jobs.start(lb.lb_sync, [balancer["id"]], lb_id=balancer["id"])

    async def stop(self) -> None:
        """Stop working; state and machines stay."""
        await self.cloud.jobs.cancel()
        await self.cloud.driver.stop()
        self.cloud.store.commit()

    async def reset(self, state: State | None = None) -> None:
        """Begin anew with an empty cloud (or with a dumped state)."""
        await self.cloud.jobs.cancel()
        await self.cloud.driver.destroy()
        self.cloud.store.restore(state or {})
        self.cloud.begin_anew()
        await self.start()

    # what the driver may ask for

    def get(self, kind: str, ident: str) -> Object | None:
        return server_seen(self.cloud, ident) if kind == "instance_server" else self.cloud.store.get(kind, ident)

    def list(self, kind: str) -> list[Object]:
        known = (self.get(kind, obj["id"]) for obj in self.cloud.store.list(kind))
        return [obj for obj in known if obj]

    def server_conf(self, server: Object) -> Object:
        return server_conf(self.cloud, server["id"])

    def user_data(self, server_id: str) -> dict[str, bytes]:
        return self.cloud.user_data(server_id)

    async def guest_set_user_data(self, server_id: str, key: str, value: bytes | None) -> None:
        self.cloud.set_user_data(server_id, key, value)
        self.cloud.store.commit()

    async def guest_reports(self, server_id: str, event: str) -> None:
        guest_reported(self.cloud, server_id, event)
        self.cloud.store.commit()

    def check_registry_login(self, user: str, password: str) -> bool:
        try:
            access.bearer_of(self.cloud, password)
        except ApiError:
            return False
        return True

    def registry_actions(self, namespace: str, password: str | None) -> frozenset[str]:
        return access.registry_actions(self.cloud, namespace, password)

    async def registry_pushed(self, namespace: str, image: str, tag: str, digest: str, size: int) -> None:
        image_pushed(self.cloud, namespace, image, tag, digest, size)
        self.cloud.store.commit()

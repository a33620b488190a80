# SPDX-License-Identifier: GPL-3.0-or-later
"""The docker driver: each part does one thing; this puts them together behind the driver interface."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from ensemble_lab.ca import load_or_create
from ensemble_lab.drivers.base import Api, DriverError, Object
from ensemble_lab.drivers.docker.balancer import Balancers
from ensemble_lab.drivers.docker.databases import SUITES, Databases
from ensemble_lab.drivers.docker.dhcp import Dhcp
from ensemble_lab.drivers.docker.disks import Disks
from ensemble_lab.drivers.docker.firewall import OPEN, Firewall, policy
from ensemble_lab.drivers.docker.images import Images
from ensemble_lab.drivers.docker.kept_zones import KeptZones
from ensemble_lab.drivers.docker.layout import Layout
from ensemble_lab.drivers.docker.lxcfs import Lxcfs
from ensemble_lab.drivers.docker.metadata import metadata_app
from ensemble_lab.drivers.docker.network import Network
from ensemble_lab.drivers.docker.private_networks import PrivateNetworks
from ensemble_lab.drivers.docker.processes import Processes
from ensemble_lab.drivers.docker.records import Record, Records
from ensemble_lab.drivers.docker.registry import Registry
from ensemble_lab.drivers.docker.servers import POWERED_OFF, REBOOTED, Servers
from ensemble_lab.drivers.docker.web import Service
from ensemble_lab.drivers.names import NameServer
from ensemble_lab.settings import Settings

log = logging.getLogger(__name__)

FIRST_LABEL = "debian_trixie"
"""The image that is made when the lab starts, so that the first server does not wait for it."""


class DockerDriver:
    """Implements :class:`ensemble_lab.drivers.base.Driver`. Needs root and a Docker daemon on this machine."""

    name = "docker"

    def __init__(self, settings: Settings):
        self.layout = layout = Layout.of(settings)
        self._api: Api
        self._ca = load_or_create(layout.cache / "ca")
        self._groups = Records(layout.folder("groups"))
        self._processes = Processes(layout.folder("processes"))
        self._network = Network(layout)
        self._private_networks = PrivateNetworks(layout)
        self._firewall = Firewall(layout)
        self._dhcp = Dhcp(layout.gateway)
        self._lxcfs = Lxcfs(layout, self._processes)
        self._images = Images(layout, self._ca.file)
        self._disks = Disks(layout, self._images)
        self._servers = Servers(
            layout,
            self._network,
            self._private_networks,
            self._firewall,
            self._dhcp,
            self._disks,
            self._lxcfs,
            self._group_of,
        )
        self._zones = KeptZones(Records(layout.folder("zones")))
        self._names = NameServer(self._zones, self._internal_name)
        self._balancers = Balancers(
            self._network,
            self._private_networks,
            self._processes,
            Records(layout.folder("balancers")),
            layout.folder("haproxy"),
        )
        self._databases = Databases(layout, self._network, self._private_networks, self._firewall)
        self._registry = Registry(layout, self._ca, self._processes)
        self._services: list[Service] = []
        self._watch: asyncio.Task[None] | None = None

    async def start(self, api: Api) -> None:
        self._api = api
        self._private_networks.start(api)
        self._databases.start(api)
        await self._network.start()
        await self._firewall.start()
        await self._lxcfs.start()
        metadata = metadata_app(api, self._servers.at)
        await self._serve(Service(metadata, self.layout.gateway, self.layout.metadata_port, close_first=True))
        await self._names.listen("127.0.0.1", self.layout.dns_port)
        await self._names.listen(self.layout.gateway, 53)
        await self._balancers.start()
        await self._registry.start(api)
        await self._images.ensure(FIRST_LABEL)
        await self._take_over()
        self._watch = asyncio.create_task(self._servers.watch(self._server_ended))

    async def _serve(self, service: Service) -> None:
        self._services.append(service)
        await service.start()

    async def _take_over(self) -> None:
        """Servers that should run: those that do are adopted, those that do not (the machine was off) are started."""
        for server in self._api.list("instance_server"):
            if server["state"] != "running":
                continue
            record = self._servers.records.get(server["id"])
            code = await self._servers.exit_status(record["container"]) if record else None
            try:
                if code == POWERED_OFF:
                    await self._api.guest_reports(server["id"], "powered-off")
                else:
                    await self._servers.take_over(server)
            except DriverError as problem:
                log.error("%s cannot be taken over: %s", server["name"], problem)

    async def stop(self) -> None:
        if self._watch:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
            self._watch = None
        for service in self._services:
            await service.stop()
        self._services.clear()
        await self._names.stop()
        await self._registry.stop()
        self._dhcp.close()

    async def destroy(self) -> None:
        await self.stop()
        await self._databases.destroy()
        await self._servers.destroy()
        await self._disks.destroy()
        await self._balancers.destroy()
        await self._registry.destroy()
        await self._processes.end_all()
        await self._lxcfs.destroy()
        await self._firewall.destroy()
        await self._network.destroy()
        await self._private_networks.destroy()
        self._groups.clear()
        self._zones.clear()

    def info(self) -> Object:
        layout = self.layout
        return {
            "driver": self.name,
            "gateway": layout.gateway,
            "dns": f"127.0.0.1:{layout.dns_port}",
            "registry": layout.registry,
            "ca_file": str(self._ca.file),
            "network": layout.lab,
            "database_engines": list(SUITES),
        }

    def allocate_address(self, family: str) -> str:
        if family == "inet6":
            return self._network.next_prefix()
        taken = [ip["address"] for ip in self._api.list("instance_ip")]
        taken += [ip["ip_address"] for ip in self._api.list("lb_ip")]
        taken += [one["ip"] for instance in self._api.list("rdb_instance") for one in instance["endpoints"]]
        return self._network.next_address(taken)

    # servers

    async def server_create(self, server: Object, root: Object | None) -> None:
        """Nothing to do before the first boot: the container is made when server and disk meet."""

    async def server_poweron(self, server: Object) -> None:
        await self._servers.power_on(server)

    async def server_poweroff(self, server: Object) -> None:
        await self._servers.power_off(server)

    async def server_stop_in_place(self, server: Object) -> None:
        await self._servers.power_off(server)

    async def server_reboot(self, server: Object) -> None:
        await self._servers.power_off(server)
        await self._servers.power_on(server)

    async def server_delete(self, server: Object, terminate: bool = False) -> None:
        await self._servers.delete(server)

    async def server_update(self, server: Object) -> None:
        if server:
            await self._servers.update(server)

    async def server_load(self, server: Object) -> Object | None:
        return await self._servers.load(server)

    async def _server_ended(self, ident: str, code: int) -> None:
        server = self._api.get("instance_server", ident)
        if server and code == REBOOTED:
            log.info("%s reboots", server["name"])
            await self._servers.power_on(server)
        elif server:
            log.info("%s ended by itself (%d)", server["name"], code)
            await self._servers.power_off(server)
            await self._api.guest_reports(ident, "powered-off")

    # disks

    async def volume_create(
        self, volume: Object, snapshot: Object | None = None, image_label: str | None = None
    ) -> None:
        await self._disks.create(volume, snapshot, image_label)

    async def volume_resize(self, volume: Object) -> None:
        """Disks here have no size."""

    async def volume_delete(self, volume: Object) -> None:
        await self._disks.delete(volume["id"])

    async def snapshot_create(self, snapshot: Object, volume: Object, server: Object | None) -> None:
        await self._disks.snapshot(snapshot, volume)

    async def snapshot_delete(self, snapshot: Object) -> None:
        await self._disks.delete_snapshot(snapshot["id"])

    # packets

    def _group_of(self, server: Object) -> Record:
        group = server.get("security_group")
        return (self._groups.get(group["id"]) if group else None) or OPEN

    async def security_group_apply(self, group: Object, rules: list[Object], servers: list[Object]) -> None:
        self._groups.put(group["id"], policy(group, rules))
        for server in servers:
            await self._servers.update(server)

    # load balancers

    async def lb_apply(
        self,
        lb: Object,
        frontends: list[Object],
        backends: list[Object],
        certificates: list[Object],
        acls: list[Object],
        routes: list[Object],
    ) -> None:
        await self._balancers.apply(lb, frontends, backends, certificates, acls, routes)

    async def lb_delete(self, lb: Object) -> None:
        await self._balancers.delete(lb["id"])

    async def lb_stats(self, lb: Object) -> list[Object]:
        return await self._balancers.stats(lb["id"])

    # managed databases

    async def database_apply(self, instance: Object, quick: bool) -> None:
        await self._databases.apply(instance)

    async def database_delete(self, instance: Object) -> None:
        await self._databases.delete(instance["id"])

    async def database_restart(self, instance: Object) -> None:
        await self._databases.restart(instance["id"])

    async def database_sizes(self, instance: Object) -> dict[str, int]:
        return await self._databases.sizes(instance["id"])

    async def database_dump(self, instance: Object, ident: str, database: str | None) -> int:
        return await self._databases.dump(instance["id"], ident, database)

    async def database_restore(self, instance: Object, ident: str, database: str) -> None:
        await self._databases.restore(instance["id"], ident, database)

    async def database_dump_delete(self, ident: str) -> None:
        self._databases.forget_dump(ident)

    async def database_replica(self, instance: Object, replica: Object) -> None:
        raise DriverError("the docker driver makes no read replicas")

    async def database_replica_delete(self, replica: Object) -> None:
        """There is nothing of it."""

    # names and registry

    def _internal_name(self, name: str, client: str) -> list[str]:
        """What a server is told of names in its private networks."""
        asking = self._servers.at(client)
        return self._private_networks.lookup(name, self._private_networks.vpcs_of(asking)) if asking else []

    async def zone_apply(self, zone: str, records: list[Object]) -> None:
        self._zones.apply(zone, records)

    async def zone_delete(self, zone: str) -> None:
        self._zones.delete(zone)

    async def namespace_delete(self, namespace: Object) -> None:
        self._registry.delete_namespace(namespace["name"])

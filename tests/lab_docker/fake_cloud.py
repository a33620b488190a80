# SPDX-License-Identifier: GPL-3.0-or-later
"""The least that a driver wants of the API layer, kept in dictionaries: so that these tests are about machines only."""

from __future__ import annotations

import uuid
from typing import Any

from ensemble_lab.drivers.docker import DockerDriver

Object = dict[str, Any]
SECRET_KEY = "22222222-2222-4222-8222-222222222222"
PULL_KEY = "33333333-3333-4333-8333-333333333333"


class FakeCloud:
    """Objects by kind, what guests reported, and short ways to make servers through the driver."""

    def __init__(self, driver: DockerDriver, public_key: str):
        self.driver, self.public_key = driver, public_key
        self.objects: dict[str, dict[str, Object]] = {}
        self.keys: dict[str, dict[str, bytes]] = {}
        self.reports: list[tuple[str, str]] = []
        self.pushes: list[tuple[str, str, str]] = []
        self.public_namespaces: set[str] = set()

    def put(self, kind: str, obj: Object) -> Object:
        self.objects.setdefault(kind, {})[obj["id"]] = obj
        return obj

    # the driver's view

    def get(self, kind: str, ident: str) -> Object | None:
        return self.objects.get(kind, {}).get(ident)

    def list(self, kind: str) -> list[Object]:
        return list(self.objects.get(kind, {}).values())

    def server_conf(self, server: Object) -> Object:
        return {
            **{
                key: server[key]
                for key in ("id", "name", "hostname", "commercial_type", "tags", "zone", "public_ips", "state")
            },
            "private_ip": None,
            "ipv6": None,
            "public_ip": server["public_ips"][0] if server["public_ips"] else None,
            "ssh_public_keys": [{"id": "1", "key": self.public_key}],
        }

    def user_data(self, server_id: str) -> dict[str, bytes]:
        return self.keys.setdefault(server_id, {})

    async def guest_set_user_data(self, server_id: str, key: str, value: bytes | None) -> None:
        if value is None:
            self.user_data(server_id).pop(key, None)
        else:
            self.user_data(server_id)[key] = value

    async def guest_reports(self, server_id: str, event: str) -> None:
        self.reports.append((server_id, event))

    def check_registry_login(self, user: str, password: str) -> bool:
        return password in (SECRET_KEY, PULL_KEY)

    def registry_actions(self, namespace: str, password: str | None) -> frozenset[str]:
        known = namespace in self.objects.get("registry_namespace", {})
        mine = {SECRET_KEY: {"pull", "push", "*"}, PULL_KEY: {"pull"}}.get(password or "", set()) if known else set()
        return frozenset(mine | ({"pull"} if namespace in self.public_namespaces else set()))

    async def registry_pushed(self, namespace: str, image: str, tag: str, digest: str, size: int) -> None:
        self.pushes.append((namespace, image, tag))

    # making things

    async def volume(self, snapshot: Object | None = None, image_label: str | None = None) -> Object:
        volume = self.put("instance_volume", {"id": str(uuid.uuid4()), "size": 10_000_000_000, "volume_type": "l_ssd"})
        await self.driver.volume_create(volume, snapshot, image_label)
        return volume

    def address(self) -> Object:
        address = self.driver.allocate_address("inet")
        return self.put("instance_ip", {"id": str(uuid.uuid4()), "address": address, "family": "inet", "netmask": "32"})

    async def server(self, name: str, snapshot: Object | None = None, group: Object | None = None) -> Object:
        """A server that has been told to boot."""
        volume = await self.volume(snapshot, None if snapshot else "debian_trixie")
        ident = str(uuid.uuid4())
        server = self.put(
            "instance_server",
            {
                "id": ident,
                "name": name,
                "hostname": name,
                "zone": "fr-par-1",
                "commercial_type": "DEV1-S",
                "tags": [],
                "state": "running",
                "volumes": {"0": volume},
                "public_ips": [self.address()],
                "security_group": group,
                "mac_address": f"de:00:00:{ident[0:2]}:{ident[2:4]}:{ident[4:6]}",
            },
        )
        await self.driver.server_create(server, volume)
        await self.driver.server_poweron(server)
        return server

    async def snapshot(self, server: Object) -> Object:
        snapshot = self.put("instance_snapshot", {"id": str(uuid.uuid4()), "size": 10_000_000_000})
        await self.driver.snapshot_create(snapshot, server["volumes"]["0"], server)
        return snapshot

    async def remove(self, server: Object) -> None:
        await self.driver.server_delete(server, terminate=True)
        await self.driver.volume_delete(server["volumes"]["0"])
        del self.objects["instance_server"][server["id"]]

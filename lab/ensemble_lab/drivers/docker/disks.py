# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes and snapshots.

A root disk is a Docker image (what it was made from), the container that writes on top of it once a server has booted,
and a Docker volume on /var/lib/docker, where a nested Docker Engine needs a file system of its own. A snapshot is an
image of both layers and a copy of that volume. A volume that never was a root is just the Docker volume.

Layers of nested images never change, so copies share them by hard links: an image with many containers' worth of layers
boots in the time it takes to link them.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from ensemble_lab.drivers.base import DriverError, Object
from ensemble_lab.drivers.docker.images import Images
from ensemble_lab.drivers.docker.layout import Layout
from ensemble_lab.drivers.docker.records import Record, Records
from ensemble_lab.drivers.docker.shell import attempt, run


class Disks:
    def __init__(self, layout: Layout, images: Images):
        self._layout, self._images = layout, images
        self.volumes = Records(layout.folder("volumes"))
        self._snapshots = Records(layout.folder("snapshots"))
        self._copying = asyncio.Semaphore(2)

    async def create(self, volume: Object, snapshot: Object | None, image_label: str | None) -> None:
        ident = volume["id"]
        if self.volumes.get(ident):
            return
        source = self._snapshots.get(snapshot["id"]) if snapshot else None
        if snapshot and not source:
            raise DriverError(f"snapshot {snapshot['id']} holds nothing")
        record: Record = {"root": None, "data": self._name("volume", ident), "container": None}
        await self._new_data(record["data"], source["data"] if source else None)
        base = source["root"] if source else image_label and await self._images.ensure(image_label)
        if base:
            record["root"] = self._reference("volume", ident)
            await run("docker", "tag", base, record["root"])
        self.volumes.put(ident, record)

    async def delete(self, ident: str) -> None:
        record = self.volumes.get(ident)
        if record and record["container"]:
            await attempt("docker", "rm", "--force", record["container"])
        await self._drop("volume", ident)
        self.volumes.drop(ident)

    def root(self, ident: str) -> Record:
        """The record of a root disk. Raises DriverError where nothing can boot."""
        record = self.volumes.get(ident)
        if not record or not record["root"]:
            raise DriverError(f"volume {ident} holds no system to boot")
        return record

    async def bind(self, ident: str, container: str | None) -> None:
        """The disk is now written by this container; what another one wrote on it is kept in its image."""
        record = self.root(ident)
        if record["container"] and record["container"] != container:
            await run(
                "docker", "commit", "--change", f"LABEL {self._layout.label}", record["container"], record["root"]
            )
            await run("docker", "rm", "--force", record["container"])
        self.volumes.put(ident, {**record, "container": container})

    async def snapshot(self, snapshot: Object, volume: Object) -> None:
        """Freeze everything on a volume; a running server stands still meanwhile."""
        ident, record = snapshot["id"], self.volumes.get(volume["id"])
        if self._snapshots.get(ident):
            return
        if not record:
            raise DriverError(f"volume {volume['id']} does not exist on this machine")
        frozen = {"root": record["root"] and self._reference("snapshot", ident), "data": self._name("snapshot", ident)}
        container = record["container"]
        if container:
            await attempt("docker", "pause", container)
        try:
            await self._new_data(frozen["data"], record["data"])
            if container:
                await run(
                    *("docker", "commit", "--pause=false", "--change", f"LABEL {self._layout.label}"),
                    *(container, frozen["root"]),
                )
            elif record["root"]:
                await run("docker", "tag", record["root"], frozen["root"])
        finally:
            if container:
                await attempt("docker", "unpause", container)
        self._snapshots.put(ident, frozen)

    async def delete_snapshot(self, ident: str) -> None:
        await self._drop("snapshot", ident)
        self._snapshots.drop(ident)

    async def destroy(self) -> None:
        """Remove all volumes, images and records; containers must be gone."""
        tagged = ("--format", "{{.Repository}}:{{.Tag}}", f"{self._layout.lab}/disk")
        untagged = ("--quiet", "--filter", f"label={self._layout.label}")
        for which in (tagged, untagged):
            images = await run("docker", "image", "ls", *which)
            if images:
                await attempt("docker", "rmi", "--force", *images.split())
        volumes = await run("docker", "volume", "ls", "--quiet", "--filter", f"label={self._layout.label}")
        if volumes:
            await attempt("docker", "volume", "rm", "--force", *volumes.split())
        self.volumes.clear()
        self._snapshots.clear()

    def _reference(self, kind: str, ident: str) -> str:
        return f"{self._layout.lab}/disk:{kind}-{ident}"

    def _name(self, kind: str, ident: str) -> str:
        return f"{self._layout.lab}-{kind}-{ident}"

    async def _new_data(self, name: str, source: str | None) -> None:
        """A fresh Docker volume, with the content of another one if asked. Leftovers of an interrupted try go first."""
        await attempt("docker", "volume", "rm", "--force", name)
        await run("docker", "volume", "create", "--label", self._layout.label, name)
        if source:
            async with self._copying:
                await copy_tree(await self._path(source), await self._path(name))

    async def _path(self, volume: str) -> Path:
        return Path(await run("docker", "volume", "inspect", "--format", "{{.Mountpoint}}", volume))

    async def _drop(self, kind: str, ident: str) -> None:
        """Remove what a volume or snapshot is made of, also where its making was interrupted."""
        await attempt("docker", "rmi", self._reference(kind, ident))
        await attempt("docker", "volume", "rm", "--force", self._name(kind, ident))


async def copy_tree(source: Path, target: Path) -> None:
    """Copy a folder with owners, modes, times and extended attributes; nested image layers are shared by hard links."""
    layers = finished_layers(source)
    for entry in sorted(source.iterdir()):
        if entry.name != "overlay2":
            await run("cp", "--archive", "--reflink=auto", str(entry), str(target))
    if not (source / "overlay2").is_dir():
        return
    (target / "overlay2").mkdir()
    shutil.copystat(source / "overlay2", target / "overlay2")
    for linked in (True, False):
        names = [str(entry) for entry in (source / "overlay2").iterdir() if (entry.name in layers) == linked]
        how = ["--link"] if linked else ["--reflink=auto"]
        if names:
            await run("cp", "--archive", *how, "--target-directory", str(target / "overlay2"), *names)


def finished_layers(graph: Path) -> set[str]:
    """Names of the overlay2 layers that belong to images, not to containers: they are never written again."""
    return {path.read_text().strip() for path in graph.glob("image/overlay2/layerdb/sha256/*/cache-id")}

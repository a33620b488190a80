# SPDX-License-Identifier: GPL-3.0-or-later
"""Marketplace images: root file systems made from the recipe in lab/images/machine, known by a hash of what goes in."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import shutil
import tempfile
from pathlib import Path

from ensemble_lab.drivers.base import DriverError
from ensemble_lab.drivers.docker.layout import Layout
from ensemble_lab.drivers.docker.shell import attempt, run, succeeds

log = logging.getLogger(__name__)

RECIPE = Path(__file__).resolve().parents[3] / "images" / "machine"
SUITES = {"debian_trixie": "trixie"}
"""Marketplace label -> Debian suite."""
REPOSITORY = "ensemble-lab"
"""Docker repository of root file systems; shared by all labs of a machine, and kept when a lab goes, as a cache."""
OPTIONS = ("--variant=minbase", "--dpkgopt=force-unsafe-io", "--skip=cleanup/apt/lists")
"""Of mmdebstrap. Package lists stay: a machine's images come with lists that are as old as the image."""
CA_PATH = "usr/local/share/ca-certificates/ensemble-lab.crt"


class Images:
    def __init__(self, layout: Layout, ca_file: Path, recipe: Path = RECIPE):
        self._layout, self._ca_file, self._recipe = layout, ca_file, recipe
        self._locks: dict[str, asyncio.Lock] = {}
        self._known: dict[str, str] = {}

    def reference(self, label: str) -> str:
        """Docker reference of a marketplace image as recipe and CA are now. Raises DriverError for unknown labels."""
        if label not in SUITES:
            raise DriverError(f"the docker driver has no image {label}; it has {', '.join(SUITES)}")
        digest = hashlib.sha256(repr((label, OPTIONS)).encode())
        parts = [
            self._recipe / "packages.txt",
            self._recipe / "finish.sh",
            *sorted((self._recipe / "files").rglob("*")),
        ]
        for path in parts:
            if path.is_file():
                digest.update(
                    f"{path.relative_to(self._recipe)} {path.stat().st_mode & 0o111:o}\n".encode() + path.read_bytes()
                )
        digest.update(self._ca_file.read_bytes())
        return f"{REPOSITORY}/{label}:{digest.hexdigest()[:12]}"

    async def ensure(self, label: str) -> str:
        """Make a marketplace image unless Docker or the cache has it; returns its Docker reference.

        A lab keeps the recipe that it first used: a change counts from the next start on.
        """
        async with self._locks.setdefault(label, asyncio.Lock()):
            reference = self._known.setdefault(label, self.reference(label))
            if not await succeeds("docker", "image", "inspect", reference):
                archive = self._layout.cache / "machines" / f"{reference.replace('/', '-').replace(':', '-')}.tar"
                if not archive.exists():
                    await self._build(label, archive)
                await run(
                    *("docker", "import", "--change", 'CMD ["/usr/lib/ensemble-lab/init"]'),
                    *("--change", "ENV container=docker", str(archive), reference),
                )
                await self._publish(label, reference)
        return reference

    async def _publish(self, label: str, reference: str) -> None:
        """Make it the latest one; older ones go, unless something still uses them."""
        repository = f"{REPOSITORY}/{label}"
        older = (await run("docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository)).split()
        await run("docker", "tag", reference, f"{repository}:latest")
        for image in older:
            if image not in (reference, f"{repository}:latest"):
                await attempt("docker", "rmi", image)

    async def _build(self, label: str, archive: Path) -> None:
        """Make the root file system as a tar file. Raises DriverError with the end of the builder's log."""
        log.info("making the root file system %s (about a minute)", label)
        archive.parent.mkdir(parents=True, exist_ok=True)
        for old in archive.parent.glob(f"{REPOSITORY}-{label}-*.tar"):
            old.unlink()
        packages = ",".join((self._recipe / "packages.txt").read_text().split())
        with tempfile.TemporaryDirectory() as scratch:
            files = Path(scratch) / "files"
            shutil.copytree(self._recipe / "files", files)
            (files / CA_PATH).parent.mkdir(parents=True)
            shutil.copy(self._ca_file, files / CA_PATH)
            draft = archive.with_suffix(".new.tar")
            await run(
                *("mmdebstrap", *OPTIONS, f"--include={packages}"),
                f"--customize-hook=copy-in {files}/. /",
                f'--customize-hook={self._recipe / "finish.sh"} "$1"',
                *(SUITES[label], str(draft)),
            )
            draft.replace(archive)

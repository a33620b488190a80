# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lab is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

ACCESS_KEY = "SCWLABLABLABLABLABLA"
SECRET_KEY = "22222222-2222-4222-8222-222222222222"
PROJECT = "11111111-1111-4111-8111-111111111111"

ZONES = (
    "fr-par-1",
    "fr-par-2",
    "fr-par-3",
    "nl-ams-1",
    "nl-ams-2",
    "nl-ams-3",
    "pl-waw-1",
    "pl-waw-2",
    "pl-waw-3",
    "it-mil-1",
)
REGIONS = ("fr-par", "nl-ams", "pl-waw", "it-mil")


@dataclass
class Settings:
    """Everything that can be chosen at start; the defaults are the credentials that the whole project uses."""

    driver: str = "null"
    port: int = 8900
    tls_port: int | None = None
    dns_port: int | None = None
    """Of the DNS on 127.0.0.1; not given: none with the null driver, 5300 and the subnet's number with docker."""
    listen: list[str] = field(default_factory=lambda: ["127.0.0.1"])
    state: Path = Path(".lab")
    cache: Path = field(default_factory=lambda: Path("~/.cache/ensemble-lab").expanduser())
    speed: float = 1.0
    """Recorded durations are divided by it; 0: no waiting at all."""
    seed: int | None = None
    dns_domain: str = "ensemble.test"
    """The root zone that the default project owns."""
    project: str = PROJECT
    organization: str = PROJECT
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY
    subnet: str = "10.86.0.0/16"
    files: Path | None = None
    """Folder served below ``/_emulator/files/``; default ``<state>/files``."""

    @property
    def files_folder(self) -> Path:
        return self.files or self.state / "files"

    @property
    def database(self) -> Path:
        return self.state / "lab.sqlite"


def region_of(zone: str) -> str:
    """``fr-par-1`` -> ``fr-par``."""
    return zone.rsplit("-", 1)[0]

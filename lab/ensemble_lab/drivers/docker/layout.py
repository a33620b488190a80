# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, addresses and ports of one lab: all that keeps two labs on one machine apart follows from the subnet."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from ensemble_lab.settings import Settings

DEFAULT_SUBNET = "10.86.0.0/16"
METADATA_ADDRESS = "169.254.42.42"
LABEL = "ensemble.lab"


@dataclass(frozen=True)
class Layout:
    """One lab's place on the machine. `subnet` is a /16; `number` is 0 for the default one."""

    subnet: ipaddress.IPv4Network
    number: int
    state: Path
    cache: Path
    dns_port: int
    """On loopback, beside port 53 of the gateway."""

    @classmethod
    def of(cls, settings: Settings) -> Layout:
        subnet = ipaddress.IPv4Network(settings.subnet)
        number = 0 if settings.subnet == DEFAULT_SUBNET else subnet.network_address.packed[1]
        dns_port = settings.dns_port or 5300 + number
        return cls(subnet, number, settings.state.resolve(), settings.cache.resolve(), dns_port)

    @property
    def lab(self) -> str:
        """Id of the lab: value of the label on everything in Docker, name of its network."""
        return "ensemble-lab" if self.number == 0 else f"ensemble-lab-{self.number}"

    @property
    def label(self) -> str:
        return f"{LABEL}={self.lab}"

    @property
    def bridge(self) -> str:
        return f"ens-lab{self.number}"

    @property
    def nic_prefix(self) -> str:
        """Start of the names of the host's ends of the servers' network interfaces."""
        return f"el{self.number}-"

    @property
    def table(self) -> str:
        """nftables table (family inet)."""
        return self.lab.replace("-", "_")

    @property
    def gateway(self) -> str:
        return str(self.subnet[1])

    @property
    def docker_range(self) -> str:
        """Where Docker takes addresses for containers that others put on the lab's network."""
        return f"{self.subnet[250 * 256]}/24"

    @property
    def metadata_port(self) -> int:
        return 8042

    @property
    def registry_port(self) -> int:
        return 5000

    @property
    def registry_backend_port(self) -> int:
        """Where docker-registry itself listens on loopback, behind TLS and logins."""
        return 5400 + self.number

    @property
    def registry_tokens_port(self) -> int:
        return 5500 + self.number

    @property
    def registry(self) -> str:
        return f"{self.gateway}:{self.registry_port}"

    def folder(self, name: str) -> Path:
        """A folder of the lab's state, made if need be."""
        folder = self.state / name
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

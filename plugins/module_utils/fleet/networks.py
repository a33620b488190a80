# SPDX-License-Identifier: GPL-3.0-or-later
"""Assign the servers of a fleet to private networks, each of which can hold only some hundreds of servers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import Invalid

NETWORK_TAG = "ensemble-network:"
"""What the tag begins with that tells the network: what is asked by the name `<server>.<network>.internal` needs it."""


class Networks:
    """The arguments `private_networks` and `private_network_size` of a fleet."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self.names: list[str] | None = arguments.get("private_networks")
        self.size: int | None = arguments.get("private_network_size")

    def validate(self, numbers: Iterable[int]) -> None:
        if self.size is None:
            return
        if not self.names:
            raise Invalid("private_network_size needs private_networks.")
        if self.size < 1:
            raise Invalid(f"private_network_size is {self.size}: it must be at least 1.")
        highest = max(numbers, default=0)
        if highest > self.size * len(self.names):
            raise Invalid(
                f"Server {highest} has no private network: {len(self.names)} networks of {self.size} servers each "
                f"cover the numbers up to {self.size * len(self.names)}. Add more private_networks."
            )

    def template(self, number: int) -> dict[str, Any]:
        """The arguments of one server: its networks, and the tag that tells which one."""
        if not self.size or not self.names:
            return {"private_networks": self.names, "network_tags": []}
        name = self.names[min((max(number, 1) - 1) // self.size, len(self.names) - 1)]
        return {"private_networks": [name], "network_tags": [NETWORK_TAG + name]}

# SPDX-License-Identifier: GPL-3.0-or-later
"""Zones that the servers can ask for as soon as a killed lab is back, before the API has applied them anew."""

from __future__ import annotations

from ensemble_lab.drivers.base import Object
from ensemble_lab.drivers.docker.records import Records
from ensemble_lab.drivers.names import Zones

_ESSENTIALS = ("name", "type", "data", "ttl", "priority")


class KeptZones(Zones):
    """As :class:`Zones`, on the disk too."""

    def __init__(self, kept: Records):
        super().__init__()
        self._kept = kept
        for zone, content in kept.entries():
            super().apply(zone, content["records"])

    def apply(self, zone: str, records: list[Object]) -> None:
        super().apply(zone, records)
        self._kept.put(zone, {"records": [{key: record.get(key) for key in _ESSENTIALS} for record in records]})

    def delete(self, zone: str) -> None:
        super().delete(zone)
        self._kept.drop(zone)

    def clear(self) -> None:
        super().clear()
        self._kept.clear()

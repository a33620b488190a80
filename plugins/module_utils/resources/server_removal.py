# SPDX-License-Identifier: GPL-3.0-or-later
"""Removal of servers and of their own disks."""

from __future__ import annotations

from typing import Any

from . import disks, server_disks
from .existing import is_dying
from .server_power import PoweredServer


class RemovableServer(PoweredServer):
    """The layer of a server's description that removes it."""

    _leftovers: list[disks.Disk]

    def left_behind(self) -> list[disks.Disk]:
        if not self.name:
            return []
        return disks.marked(self.client, lambda server: server == self.name, self.owner_tag)

    def check_removal(self, current: dict[str, Any]) -> None:
        if current.get("protected") and self.arguments.get("protected") is not False:
            self.fail_or_warn(f"{self} is protected: removing it needs protected: false.")

    def remove(self, current: dict[str, Any]) -> None:
        doomed = [*self._leftovers, *(self.begin_removal(current) if current else [])]
        if current and (self.wait or doomed):
            self.gone(current["id"])
        disks.delete(self.client, doomed, self.waiter)

    def begin_removal(self, current: dict[str, Any]) -> list[disks.Disk]:
        """Begin the end of a server; the disks that are to be deleted as soon as it is gone."""
        if current.get("protected"):
            self.client.patch(self.url(current["id"]), {"protected": False})
        doomed = [] if self.arguments.get("keep_volumes") else disks.of_server(self.client, current)
        disks.mark(self.client, doomed, current["name"], self.owner_tag)
        steady = self.wait_until_at_rest(current)
        if steady is None or is_dying(steady):
            return doomed
        if steady["state"] != "stopped" and server_disks.would_be_lost(current, doomed):
            self.act(steady, "poweroff", "stopping", "stopped")
            steady = self.wait_until_at_rest({**steady, "state": "stopping"}) or steady
        if steady["state"] == "stopped":
            self.client.delete(self.url(steady["id"]))
        else:
            self.act(steady, "terminate", "stopping")
        return doomed

# SPDX-License-Identifier: GPL-3.0-or-later
"""Power actions of servers, and waiting for their results."""

from __future__ import annotations

import time
from typing import Any

from ..errors import ApiError, ScalewayError
from .existing import ExistingServer, is_dying

RUNNING, STOPPED, REBOOTED, REBUILT = "running", "stopped", "rebooted", "rebuilt"
POWER = {RUNNING: RUNNING, STOPPED: STOPPED, REBOOTED: REBOOTED, REBUILT: RUNNING}
START_GRACE = 15.0


def arrived(server: dict[str, Any], wait_for: str | None) -> bool:
    """Whether a started server counts as started: it runs, and with `booted` its system has reported itself."""
    return server["state"] == RUNNING and (wait_for != "booted" or server.get("state_detail") == "booted")


class PoweredServer(ExistingServer):
    """The layer of a server's description that switches it on and off."""

    transient = ("starting", "stopping")
    failed = ("locked",)

    def act(self, current: dict[str, Any], action: str, *done: str) -> None:
        """A power action, once: after a lost answer the states in `done` tell that the first try arrived."""

        def arrived() -> dict[str, Any] | None:
            actual = self.get(current["id"])
            return {} if self.status(actual) in (*done, "gone") else None

        try:
            self.client.post(self.url(current["id"], "/action"), {"action": action}, recover=arrived)
        except ApiError as refusal:  # perhaps since a peer was faster
            if refusal.status not in (400, 409, 412) or arrived() is None:
                raise

    def set_power(self, current: dict[str, Any], desired: str) -> None:
        state = current["state"]
        if desired == STOPPED:
            if state != "stopped":
                self.act(current, "poweroff", "stopping", "stopped")
                self.wait_for_power(current, STOPPED)
        elif state != "running":
            self.act(current, "poweron", "starting", "running")
            self.wait_for_power(current, RUNNING)
        elif desired == REBOOTED:
            self.act(current, "reboot", "stopping", "starting")
            self.wait_for_power({**current, "state": "stopping"}, RUNNING)

    def wait_for_power(self, current: dict[str, Any], state: str) -> dict[str, Any]:
        wait_for = self.arguments.get("wait_for")
        started = time.monotonic()

        def done(actual: dict[str, Any]) -> bool:
            if state != RUNNING:
                return actual["state"] == state
            if actual["state"] == STOPPED and time.monotonic() - started > START_GRACE:
                detail = actual.get("state_detail") or "no detail given"
                raise ScalewayError(
                    f"{self} did not start: it is stopped again ({detail}). Scaleway may be out of stock."
                )
            return arrived(actual, wait_for)

        if not self.wait or (state == RUNNING and arrived(current, wait_for)):
            return current
        what = wait_for if state == RUNNING and wait_for else state
        return self.wait_for_state(f"{self} to be {what}", lambda: self.read(current["id"]), done)

    def read(self, ident: str) -> dict[str, Any] | None:
        """One look at the server while waiting; a fleet looks at all of its servers at once."""
        return self.get(ident)

    def status(self, current: dict[str, Any] | None) -> str:
        return "gone" if current is None else str(current.get("state") or "gone")

    def wait_until_stable(self, current: dict[str, Any]) -> dict[str, Any]:
        return current if current["state"] not in self.transient else super().wait_until_stable(current)

    def wait_until_at_rest(self, current: dict[str, Any]) -> dict[str, Any] | None:
        """Wait until the server accepts actions (no transient state), or is being removed."""
        return self.waiter.until(
            f"{self} to be at rest",
            lambda: self.read(current["id"]) if self.status(current) in self.transient else current,
            lambda actual: self.status(actual) not in self.transient or is_dying(actual),
            self.status,
        )

    def gone(self, ident: str) -> None:
        self.waiter.until(f"{self} to be gone", lambda: self.read(ident), lambda actual: actual is None, self.status)

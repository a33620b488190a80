# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for many servers: one list for all of them instead of one request for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..client import Client
from ..errors import ScalewayError, WaitTimeout
from ..plan import Object
from ..resources.server_power import START_GRACE, arrived
from ..retry import delays
from ..twins import age_order
from .census import Census

Judge = Callable[["Object | None", float], bool]


class FleetWaiter:
    """Waits for servers of a census; `failures` gets the reason for each that does not arrive."""

    def __init__(self, client: Client, census: Census, timeout: float, failures: dict[str, str]) -> None:
        self.client = client
        self.census = census
        self.timeout = timeout
        self.failures = failures

    def gone(self, idents: dict[str, str]) -> None:
        """Wait until no server has these ids (id: name)."""
        self._watch(dict(idents), "to be gone", lambda actual, _waited: actual is None)

    def running(self, names: Iterable[str], wait_for: str) -> None:
        """Wait until all of these servers run, or, with `booted`, have booted."""

        def judge(actual: Object | None, waited: float) -> bool:
            if actual is None:
                raise ScalewayError("The server disappeared while it was starting.")
            if actual["state"] == "stopped" and waited > START_GRACE:
                detail = actual.get("state_detail") or "no detail given"
                raise ScalewayError(f"It did not start and is stopped again ({detail}). Scaleway may be out of stock.")
            return arrived(actual, wait_for)

        self._watch({name: name for name in names}, f"to be {wait_for}", judge)

    def joined(self, names: Iterable[str]) -> None:
        """Wait until all of these servers have joined their private networks."""

        def judge(actual: Object | None, _waited: float) -> bool:
            if actual is None:
                raise ScalewayError("The server disappeared while it was joining a private network.")
            return all(nic.get("state") != "attaching" for nic in actual.get("private_nics") or [])

        self._watch({name: name for name in names}, "to be in its private networks", judge)

    def _watch(self, waiting: dict[str, str], what: str, judge: Judge) -> None:
        """Look at the list until `judge` lets every one of `waiting` (key: name) go; it may raise for one."""
        pauses = delays(0.5, 2, self.timeout, spread=0.2)
        waited = 0.0
        while waiting:
            listed = sorted(self.census.read(), key=age_order, reverse=True)
            actual = {**{each["name"]: each for each in listed}, **{each["id"]: each for each in listed}}
            for key, name in list(waiting.items()):
                try:
                    if judge(actual.get(key), waited):
                        del waiting[key]
                except ScalewayError as error:
                    self.failures[name] = str(error)
                    del waiting[key]
            if not waiting:
                return
            pause = next(pauses, None)
            if pause is None:
                for key, name in waiting.items():
                    state = actual[key]["state"] if key in actual else "gone"
                    self.failures[name] = str(
                        WaitTimeout(f"Waited {waited:.0f} s for {name} {what}; its last state was {state}.")
                    )
                return
            self.client.pause(pause)
            waited += pause

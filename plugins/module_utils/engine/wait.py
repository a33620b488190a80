# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait: for a state of an object, or for its end."""

from __future__ import annotations

from typing import Any

from ..errors import ScalewayError
from ..plan import Object
from .read import Reader


class Awaiting(Reader):
    """The layer of :class:`Resource` that waits."""

    def status(self, current: Object | None) -> str:
        return "gone" if current is None else str(current.get(self.status_key) or "present")

    def wait_until_stable(self, current: Object) -> Object:
        """Wait until the object is in none of its transient states."""
        if not self.transient or not self.wait:
            return current
        pending: Object | None = current

        def look() -> Object | None:
            nonlocal pending
            seen, pending = pending, None
            return seen if seen is not None else self.get(current["id"])

        return self.wait_for_state(f"{self} to settle", look, lambda seen: self.status(seen) not in self.transient)

    def wait_for_state(self, what: str, look: Any, done: Any) -> Object:
        """Wait for a state of an object that must not vanish or fail meanwhile."""

        def judged(seen: Object | None) -> bool:
            if seen is None:
                raise ScalewayError(f"Waited for {what}, but it vanished.")
            if self.status(seen) in self.failed:
                raise ScalewayError(
                    f"Waited for {what}, but its {self.status_key} is {self.status(seen)!r}. {self.why(seen)}".strip()
                )
            return done(seen)

        return self.waiter.until(what, look, judged, self.status) or {}

    def why(self, seen: Object) -> str:
        """What the object itself tells about its failure."""
        return str(seen.get("status_details") or seen.get("error_message") or "")

    def gone(self, ident: str) -> None:
        self.waiter.until(f"{self} to be gone", lambda: self.get(ident), lambda seen: seen is None, self.status)

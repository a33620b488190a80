# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for a state of an object, or for its removal."""

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

        def read() -> Object | None:
            nonlocal pending
            actual, pending = pending, None
            return actual if actual is not None else self.get(current["id"])

        return self.wait_for_state(f"{self} to settle", read, lambda actual: self.status(actual) not in self.transient)

    def wait_for_state(self, what: str, read: Any, done: Any) -> Object:
        """Wait for a state of an object, which must neither disappear nor fail in the meantime."""

        def judged(actual: Object | None) -> bool:
            if actual is None:
                raise ScalewayError(f"Waited for {what}, but it vanished.")
            if self.status(actual) in self.failed:
                status = f"its {self.status_key} is {self.status(actual)!r}"
                raise ScalewayError(f"Waited for {what}, but {status}. {self.why(actual)}".strip())
            return done(actual)

        return self.waiter.until(what, read, judged, self.status) or {}

    def why(self, actual: Object) -> str:
        """Return the reason that the API gives for the object's failure, or ""."""
        return str(actual.get("status_details") or actual.get("error_message") or "")

    def gone(self, ident: str) -> None:
        self.waiter.until(f"{self} to be gone", lambda: self.get(ident), lambda actual: actual is None, self.status)

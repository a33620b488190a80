# SPDX-License-Identifier: GPL-3.0-or-later
"""What was asked of the lab: tests read it to see what a client really sent."""

from __future__ import annotations

import itertools
import re
import time
from collections import deque
from typing import Any

MOST = 100_000


class RequestLog:
    """The last requests to the API, oldest first (the admin API itself is not among them)."""

    def __init__(self) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=MOST)
        self._numbers = itertools.count(1)

    def begin(self, method: str, path: str, query: str, user_agent: str) -> dict[str, Any]:
        """Note a request as it arrives; `status` is filled in later (None: it never got an answer)."""
        entry = {
            "number": next(self._numbers),
            "at": round(time.time(), 6),
            "method": method,
            "path": path,
            "query": query,
            "user_agent": user_agent,
            "status": None,
            "fault": None,
        }
        self._entries.append(entry)
        return entry

    def list(self, method: str | None = None, path: str | None = None, since: int = 0) -> list[dict[str, Any]]:
        """`path`: a regular expression that must be found in the path; `since`: a number, only later ones."""
        return [
            entry
            for entry in self._entries
            if entry["number"] > since
            and method in (None, entry["method"])
            and (path is None or re.search(path, entry["path"]))
        ]

    def clear(self) -> None:
        self._entries.clear()

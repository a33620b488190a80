# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP client for all Scaleway APIs: pooled, thread-safe, retrying while the API is busy, never writing twice."""

from __future__ import annotations

import builtins
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from .errors import ApiError, Invalid, LostAnswer, ScalewayError, is_missing
from .retry import delays
from .settings import Settings
from .transport import IN_FLIGHT, Json, Transport

Item = TypeVar("Item")
Result = TypeVar("Result")

PAGE = 100


class Client(Transport):
    """Talks to one account.

    Reads, PUT, PATCH and DELETE are repeated on 429, 5xx and broken connections for `settings.api_retry_time` seconds.
    A POST is repeated only when it certainly had no effect, or when its `recover` looked and found nothing.
    """

    def __init__(self, settings: Settings, sleep: Callable[[float], None] | None = None) -> None:
        super().__init__(settings, sleep)
        self._cache: dict[Any, Any] = {}
        self._locks: dict[Any, threading.Lock] = {}
        self._lock = threading.Lock()

    @property
    def project(self) -> str:
        """The project to work in. Without one a name could be that of any project's object.

        Raises:
            Invalid: none is known; says which ones the key sees.
        """
        try:
            return self.settings.project
        except Invalid as error:
            raise Invalid(f"{error} {self._projects_seen()}".strip()) from None

    @property
    def organization(self) -> str:
        """The organization, to which what is in no project belongs; the project tells it where it was not given."""
        if self.settings.organization_id:
            return self.settings.organization_id
        return str(self.once("project", lambda: self.get(f"/account/v3/projects/{self.project}"))["organization_id"])

    def _projects_seen(self) -> str:
        """Every project that was used has a security group in the zone, if only the default one."""
        try:
            groups = self.list(f"/instance/v1/zones/{self.settings.zone}/security_groups", "security_groups")
        except ScalewayError:
            return ""
        projects = sorted({group["project"] for group in groups})
        return f"The key can see objects of {', '.join(projects)}." if projects else ""

    # --- single requests

    def get(self, path: str, /, **query: Any) -> Json:
        """One object or page, parsed."""
        return self.send("GET", path, query=query)

    def find(self, path: str, /, **query: Any) -> Json | None:
        """Like :meth:`get`, but None if the API answers 404."""
        try:
            return self.get(path, **query)
        except ApiError as error:
            if is_missing(error):
                return None
            raise

    def post(self, path: str, body: Json, recover: Callable[[], Json | None] | None = None) -> Json:
        """Create or act. `recover` is asked after a lost answer: what it returns (not None) is taken for the answer."""
        pauses = delays(0.3, 5, self.settings.api_retry_time)
        while True:
            try:
                return self.send("POST", path, body=body)
            except LostAnswer:
                if recover is None:
                    raise
                found = recover()
                if found is not None:
                    return found
                pause = next(pauses, None)
                if pause is None:
                    raise
                self.pause(pause)

    def put(self, path: str, body: Json) -> Json:
        return self.send("PUT", path, body=body)

    def patch(self, path: str, body: Json) -> Json:
        return self.send("PATCH", path, body=body)

    def delete(self, path: str, /, **query: Any) -> None:
        """Delete; an object that is gone already counts as deleted."""
        try:
            self.send("DELETE", path, query=query)
        except ApiError as error:
            if not is_missing(error):
                raise

    def text(self, path: str) -> str | None:
        """A plain text resource, or None if it is not set."""
        answer = self._patient("GET", path, {}, None, None)
        if answer.status_code == 404:
            return None
        self._parse("GET", path, answer, text=True)
        return answer.content.decode("utf-8", "replace")

    def set_text(self, path: str, text: str) -> None:
        """Write a plain text resource."""
        self._parse("PATCH", path, self._patient("PATCH", path, {}, None, text))

    def send(self, method: str, path: str, query: Json | None = None, body: Json | None = None) -> Json:
        """The parsed answer ({} where it is empty); :class:`ApiError` for a refusal."""
        return self._parse(method, path, self._patient(method, path, query or {}, body, None))

    def send_once(self, method: str, path: str, body: Json) -> Json:
        """For writes that must not be repeated blindly: :class:`LostAnswer` where the effect is unknown."""
        return self._parse(method, path, self._patient(method, path, {}, body, None, repeat=False))

    # --- lists

    def list(self, path: str, key: str, /, **query: Any) -> builtins.list[Json]:
        """Return all pages of a list, without duplicates; pages after the first are read concurrently."""
        size = "per_page" if path.startswith("/instance/v1/") else "page_size"
        first, total = self._page(path, key, {**query, size: PAGE, "page": 1})
        pages = [first]
        if total > len(first) and first:
            numbers = range(2, -(-total // len(first)) + 1)
            pages += self.each(lambda number: self._page(path, key, {**query, size: PAGE, "page": number})[0], numbers)
        seen: dict[Any, Json] = {}
        for item in (item for page in pages for item in page):
            seen.setdefault(item.get("id", id(item)), item)
        return list(seen.values())

    def _page(self, path: str, key: str, query: Json) -> tuple[builtins.list[Json], int]:
        answer = self._patient("GET", path, query, None, None)
        body = self._parse("GET", path, answer)
        items = body.get(key) or []
        return items, int(answer.headers.get("X-Total-Count") or body.get("total_count") or len(items))

    # --- many at once

    def each(self, work: Callable[[Item], Result], items: Iterable[Item]) -> builtins.list[Result]:
        """Run `work` on all items concurrently; return results in order, or raise the first failure after all ended."""
        results = self.outcomes(work, items)
        for result in results:
            if isinstance(result, Exception):
                raise result
        return results  # type: ignore[return-value]

    def outcomes(
        self, work: Callable[[Item], Result], items: Iterable[Item], limit: int = IN_FLIGHT
    ) -> builtins.list[Result | Exception]:
        """Like :meth:`each`, but return failures in place of results."""

        def attempt(item: Item) -> Result | Exception:
            try:
                return work(item)
            except Exception as error:
                return error

        todo = list(items)
        if len(todo) <= 1:
            return [attempt(item) for item in todo]
        with ThreadPoolExecutor(max_workers=min(limit, len(todo))) as pool:
            return list(pool.map(attempt, todo))

    def failures(self, work: Callable[[Item], Any], items: Iterable[Item]) -> builtins.list[tuple[Item, Exception]]:
        """Run `work` on all items concurrently; return the failed items with their errors."""
        todo = list(items)
        outcomes = zip(todo, self.outcomes(work, todo), strict=True)
        return [(item, outcome) for item, outcome in outcomes if isinstance(outcome, Exception)]

    def once(self, key: Any, work: Callable[[], Result]) -> Result:
        """The result of `work`, asked for at most once per client and key; for look-ups that many objects share."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._cache:
                self._cache[key] = work()
            return self._cache[key]

    def forget(self, key: Any) -> None:
        """Make :meth:`once` request it again."""
        self._cache.pop(key, None)

# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP client for all Scaleway APIs: pooled, thread-safe, patient with a busy API, and never writing twice."""

from __future__ import annotations

import builtins
import platform
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from .errors import ApiError, Invalid, LostAnswer, ScalewayError, Unreachable, is_missing
from .retry import TokenBucket, delays
from .settings import Settings
from .version import COLLECTION, VERSION

Json = dict[str, Any]
Item = TypeVar("Item")
Result = TypeVar("Result")

IN_FLIGHT = 16
REQUESTS_PER_SECOND = 60.0
PAGE = 100
CONNECT_TIMEOUT = 10.0
FIRST_CONTACT = 3.0
NO_TLS = ("CERTIFICATE_VERIFY_FAILED", "WRONG_VERSION_NUMBER")  # other failures of TLS pass by themselves
FINAL = ("out_of_stock", "quotas_exceeded")  # refusals that asking again will not change, whatever their status


class Client:
    """Talks to one account.

    Reads, PUT, PATCH and DELETE are repeated on 429, 5xx and broken connections for `settings.api_retry_time` seconds.
    A POST is repeated only when it certainly had no effect, or when its `recover` looked and found nothing.
    """

    def __init__(self, settings: Settings, sleep: Callable[[float], None] | None = None) -> None:
        try:
            import requests
        except ImportError as error:
            raise Invalid(
                "The Python package requests is needed where this task runs: pip install requests."
            ) from error
        self.settings = settings
        self.requests = 0
        self.pause = sleep or time.sleep
        self._bucket = TokenBucket(REQUESTS_PER_SECOND, int(REQUESTS_PER_SECOND), sleep=self.pause)
        self._slots = threading.BoundedSemaphore(IN_FLIGHT)
        self._answered = False
        self._cache: dict[Any, Any] = {}
        self._locks: dict[Any, threading.Lock] = {}
        self._lock = threading.Lock()
        self._session = _session(requests, settings)
        self._line: Json = {}  # given with each request, because environment variables win over what a session has
        if settings.api_proxy:
            self._line["proxies"] = {"http": settings.api_proxy, "https": settings.api_proxy}
        if settings.api_ca_path:
            self._line["verify"] = settings.api_ca_path
        self._exceptions = requests.exceptions

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

    def _projects_seen(self) -> str:
        """Every project that was used has a security group in the zone, if only the default one."""
        try:
            groups = self.list(f"/instance/v1/zones/{self.settings.zone}/security_groups", "security_groups")
        except ScalewayError:
            return ""
        projects = sorted({group["project"] for group in groups})
        return f"The key sees objects of {', '.join(projects)}." if projects else ""

    # --- single requests

    def get(self, path: str, /, **query: Any) -> Json:
        """One object or page, parsed."""
        return self.send("GET", path, query=query)

    def find(self, path: str, /, **query: Any) -> Json | None:
        """As :meth:`get`, None where the API says 404."""
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
        """A plain text resource, None where it is not set."""
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
        """All pages of a list, those after the first concurrently; every object once."""
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
        """`work` on all items, concurrently; results in order. The first failure is raised when all have ended."""
        results = self.outcomes(work, items)
        for result in results:
            if isinstance(result, Exception):
                raise result
        return results  # type: ignore[return-value]

    def outcomes(
        self, work: Callable[[Item], Result], items: Iterable[Item], limit: int = IN_FLIGHT
    ) -> builtins.list[Result | Exception]:
        """As :meth:`each`, with failures in the place of results."""

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
        """`work` on all items, concurrently; those that it failed for, with the reason."""
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
        """Let :meth:`once` ask again."""
        self._cache.pop(key, None)

    # --- transport

    def _patient(
        self, method: str, path: str, query: Json, body: Json | None, text: str | None, repeat: bool | None = None
    ) -> Any:
        """Send until there is an answer worth showing; without `repeat` only what had no effect is sent again."""
        repeat = method != "POST" if repeat is None else repeat
        pauses = delays(0.3, 8, self.settings.api_retry_time)
        started = time.monotonic()
        while True:
            failure: ScalewayError
            try:
                answer = self._once(method, path, query, body, text)
            except Unreachable as error:
                if not self._answered and time.monotonic() - started > FIRST_CONTACT:
                    raise
                failure = error
            except LostAnswer as error:
                if not repeat:
                    raise
                failure = error
            else:
                self._answered = True
                if answer.status_code == 429 or _is_transient(answer):
                    failure = ApiError(f"{method} {path}", answer.status_code, _json(answer))
                elif answer.status_code >= 500 and _json(answer).get("type") not in FINAL:
                    failure = LostAnswer(f"{method} {path} was answered {answer.status_code}: the API is out of order.")
                    if not repeat:
                        raise failure
                else:
                    return answer
            pause = next(pauses, None)
            if pause is None:
                raise failure
            self.pause(pause)

    def _once(self, method: str, path: str, query: Json, body: Json | None, text: str | None) -> Any:
        self._bucket.take()
        self.requests += 1
        errors = self._exceptions
        try:
            with self._slots:
                return self._session.request(
                    method,
                    self.settings.api_url + path,
                    params={key: value for key, value in query.items() if value is not None},
                    json=body,
                    data=None if text is None else text.encode(),
                    headers=None if text is None else {"Content-Type": "text/plain"},
                    timeout=(CONNECT_TIMEOUT, self.settings.api_timeout),
                    allow_redirects=False,
                    **self._line,
                )
        except (errors.InvalidURL, errors.InvalidSchema, errors.InvalidProxyURL) as error:
            raise Invalid(f"{self.settings.api_url} cannot be used: {_reason(error)}.") from None
        except (errors.ConnectTimeout, errors.ProxyError) as error:
            raise self._unreachable(error) from None
        except (
            errors.ConnectionError,
            errors.Timeout,
            errors.ChunkedEncodingError,
            errors.ContentDecodingError,
        ) as error:
            if any(marker in repr(error) for marker in NO_TLS):
                raise Invalid(f"{self.settings.api_url} cannot be used: {_reason(error)}.") from None
            if "NewConnectionError" in repr(error) or "NameResolutionError" in repr(error):
                raise self._unreachable(error) from None
            raise LostAnswer(
                f"{method} {path}: the connection to {self.settings.api_url} broke: {_reason(error)}."
            ) from None

    def _unreachable(self, error: Exception) -> Unreachable:
        return Unreachable(
            f"The Scaleway API at {self.settings.api_url} cannot be reached: {_reason(error)}. "
            "Check api_url, the network and the proxy."
        )

    def _parse(self, method: str, path: str, answer: Any, text: bool = False) -> Json:
        if answer.status_code >= 300:
            raise ApiError(f"{method} {path}", answer.status_code, _json(answer))
        if text or not answer.content:
            return {}
        try:
            parsed = answer.json()
        except ValueError:
            raise ScalewayError(
                f"{method} {path}: {self.settings.api_url} does not answer in JSON; is this the Scaleway API?"
            ) from None
        return parsed if isinstance(parsed, dict) else {"items": parsed}


def _session(requests: Any, settings: Settings) -> Any:
    """A pooled session that keeps no cookies, reads no .netrc, and adds the key to the requests to the API only."""
    from http.cookiejar import DefaultCookiePolicy

    session = requests.Session()
    adapter = requests.adapters.HTTPAdapter(pool_connections=4, pool_maxsize=IN_FLIGHT)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = f"{COLLECTION}/{VERSION} (ansible; python {platform.python_version()})"

    def sign(request: Any) -> Any:
        request.headers["X-Auth-Token"] = settings.secret_key
        return request

    session.auth = sign
    return session


def _is_transient(answer: Any) -> bool:
    return answer.status_code == 409 and _json(answer).get("type") == "transient_state"


def _json(answer: Any) -> Json:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _reason(error: BaseException) -> str:
    """The innermost cause in a few words, without object addresses."""
    text = str(error)
    for marker, words in (
        ("Name or service not known", "its host name is not known"),
        ("NameResolutionError", "its host name cannot be resolved"),
        ("Connection refused", "the connection was refused"),
        ("Network is unreachable", "the network is unreachable"),
        ("CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted (api_ca_path names a CA of your own)"),
        ("WRONG_VERSION_NUMBER", "it does not speak TLS (http:// may be meant)"),
        ("reset by peer", "reset by the other side"),
        ("RemoteDisconnected", "closed without an answer"),
        ("timed out", "no answer in time"),
    ):
        if marker in text:
            return words
    return text.rsplit(": ", maxsplit=1)[-1].strip("')>\" .") or type(error).__name__

# SPDX-License-Identifier: GPL-3.0-or-later
"""Send requests: pooled connections, rate limit, retries while the API is busy, and readable errors."""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Callable
from typing import Any

from .errors import ApiError, Invalid, LostAnswer, ScalewayError, Unreachable
from .retry import TokenBucket, delays
from .settings import Settings
from .version import COLLECTION, VERSION

Json = dict[str, Any]

IN_FLIGHT = 16
REQUESTS_PER_SECOND = 60.0
CONNECT_TIMEOUT = 10.0
FIRST_CONTACT = 3.0
NO_TLS = ("CERTIFICATE_VERIFY_FAILED", "WRONG_VERSION_NUMBER")  # other TLS failures are transient
FINAL = ("out_of_stock", "quotas_exceeded")  # never retried, whatever their status


class Transport:
    """Sends single requests to one account's API, until there is an answer worth showing."""

    def __init__(self, settings: Settings, sleep: Callable[[float], None] | None = None) -> None:
        try:
            import requests
        except ImportError as error:
            raise Invalid(
                "This task needs the Python package requests on the host where it runs: pip install requests."
            ) from error
        self.settings = settings
        self.requests = 0
        self.pause = sleep or time.sleep
        self._bucket = TokenBucket(REQUESTS_PER_SECOND, int(REQUESTS_PER_SECOND), sleep=self.pause)
        self._slots = threading.BoundedSemaphore(IN_FLIGHT)
        self._answered = False
        self._session = _session(requests, settings)
        self._line: Json = {}  # given with each request, because environment variables win over what a session has
        if settings.api_proxy:
            self._line["proxies"] = {"http": settings.api_proxy, "https": settings.api_proxy}
        if settings.api_ca_path:
            self._line["verify"] = settings.api_ca_path
        self._exceptions = requests.exceptions

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
        ("CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted (set api_ca_path for your own CA)"),
        ("WRONG_VERSION_NUMBER", "it does not use TLS (try http://)"),
        ("reset by peer", "reset by the other side"),
        ("RemoteDisconnected", "closed without an answer"),
        ("timed out", "no answer in time"),
    ):
        if marker in text:
            return words
    return text.rsplit(": ", maxsplit=1)[-1].strip("')>\" .") or type(error).__name__

"""All errors shown to visitors, by kind, with their HTTP status."""

from __future__ import annotations

from typing import Any

import orjson

from .texts import DEFAULT, TEXTS

TYPE_PREFIX = "urn:ensemble:problem:"
MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = {"Retry-After": "10"}


STATUS = {
    "no-server": 503,
    "full": 503,
    "fleet-unknown": 503,
    "store-unavailable": 503,
    "register-full": 503,
    "too-many-rooms": 429,
    "too-many-joins": 429,
    "too-many-lookups": 429,
    "too-many-streams": 429,
    "too-many-listeners": 503,
    "room-unreachable": 503,
    "link-foreign": 422,
    "link-without-room": 422,
    "name-empty": 422,
    "name-too-long": 422,
    "name-mixed": 422,
    "name-reserved": 422,
    "idempotency-reused": 422,
    "key-unknown": 401,
    "key-needed": 401,
    "key-scope": 403,
    "too-many-requests": 429,
    "room-elsewhere": 403,
    "server-closed": 403,
    "server-unknown": 404,
    "reservation-unknown": 404,
    "bad-request": 400,
    "too-large": 413,
    "head-too-large": 431,
    "too-slow": 408,
    "wrong-media-type": 415,
    "not-found": 404,
    "room-unknown": 404,
    "method-not-allowed": 405,
    "internal": 500,
}
"""Kind -> HTTP status; titles and details are in the catalogues (`error.KIND.title`, `error.KIND.detail`)."""


class PortalError(Exception):
    """An error shown to the visitor. `headers` are sent with it; `values` are inserted into its text."""

    def __init__(self, kind: str, headers: dict[str, str] | None = None, **values: Any) -> None:
        super().__init__(kind)
        self.kind = kind
        self.headers = headers or {}
        self.values = values

    @property
    def status(self) -> int:
        return STATUS[self.kind]

    def title(self, language: str = DEFAULT) -> str:
        return TEXTS[language][f"error.{self.kind}.title"]

    def detail(self, language: str = DEFAULT) -> str:
        return TEXTS[language][f"error.{self.kind}.detail"].format(**self.values)

    def body(self, language: str = DEFAULT) -> bytes:
        """Return the problem+json document (RFC 9457)."""
        return orjson.dumps(
            {
                "type": TYPE_PREFIX + self.kind,
                "title": self.title(language),
                "status": self.status,
                "detail": self.detail(language),
            }
        )

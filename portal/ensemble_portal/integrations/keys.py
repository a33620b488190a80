"""API keys from the settings: each allows what its scopes say. Only their hashes are known."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

SCOPES = ("rooms:create", "rooms:read", "rooms:delete", "fleet:read", "reservations")
ENTRY = re.compile(r"([\w.-]{1,40})=([0-9a-f]{64})((?: [a-z:]+)+)(?: (\d{1,9})/min)?")
PER_MINUTE = 600


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A named key; `digest` is the SHA-256 of the token that its holder sends."""

    name: str
    digest: str = field(repr=False)
    scopes: frozenset[str]
    per_minute: float


def read_api_keys(text: str) -> tuple[ApiKey, ...]:
    """Parse 'crm=SHA256 rooms:create rooms:delete 600/min, ...'. Raises ValueError, whose text contains no hash."""
    keys = [_read(" ".join(entry.split())) for entry in text.split(",") if entry.strip()]
    for part in ("name", "digest"):
        if len({getattr(key, part) for key in keys}) < len(keys):
            raise ValueError("must have each name and each hash only once")
    return tuple(keys)


def _read(entry: str) -> ApiKey:
    match = ENTRY.fullmatch(entry)
    if match is None:
        name = entry.partition("=")[0][:40] if "=" in entry else "an entry"
        raise ValueError(f"{name}: must be NAME=SHA256 SCOPE ... [NUMBER/min], the hash as 64 hexadecimal digits")
    scopes = frozenset(match[3].split())
    if unknown := scopes.difference(SCOPES):
        raise ValueError(f"{match[1]}: {min(unknown)} is no scope; there are {', '.join(SCOPES)}")
    return ApiKey(match[1], match[2], scopes, float(match[4] or PER_MINUTE))

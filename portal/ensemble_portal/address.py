"""The portal's public address, the prefix of every permanent link."""

from __future__ import annotations

from functools import lru_cache

from .clients import Proxies
from .settings import HOST

NOWHERE = "localhost"


class PublicAddress:
    """The configured address, otherwise the request's own scheme and host if they are usable in a link."""

    def __init__(self, setting: str, proxies: Proxies) -> None:
        self._setting = setting
        self._proxies = proxies

    def of(self, peer: str, host: str | None, forwarded_scheme: str | None) -> str:
        """Return scheme and host. A forwarded scheme counts only from a trusted proxy."""
        if self._setting:
            return self._setting
        scheme = "https" if self._proxies.is_secure(peer, forwarded_scheme) else "http"
        return f"{scheme}://{usable(host)}"


@lru_cache(maxsize=256)
def usable(host: str | None) -> str:
    return host if host and HOST.fullmatch(host) else NOWHERE

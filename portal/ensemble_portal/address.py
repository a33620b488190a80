"""The portal's public address, with which every permanent link begins."""

from __future__ import annotations

from functools import lru_cache

from .clients import Proxies
from .settings import HOST

NOWHERE = "localhost"


class PublicAddress:
    """The set address; else what the request says of itself, as far as that can stand in a link."""

    def __init__(self, setting: str, proxies: Proxies) -> None:
        self._setting = setting
        self._proxies = proxies

    def of(self, peer: str, host: str | None, forwarded_scheme: str | None) -> str:
        """Scheme and host. A scheme that was forwarded counts when a trusted proxy says it."""
        if self._setting:
            return self._setting
        scheme = "https" if self._proxies.is_secure(peer, forwarded_scheme) else "http"
        return f"{scheme}://{usable(host)}"


@lru_cache(maxsize=256)
def usable(host: str | None) -> str:
    return host if host and HOST.fullmatch(host) else NOWHERE

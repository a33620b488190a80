"""Parse what people type into the field for a room's name: a name, or a link to a room, ours or another's."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from .errors import PortalError

LINK = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
BARE = re.compile(r"[\w-]+(?:\.[\w-]+)*\.[a-z][a-z-]+(?::\d+)?/\S*", re.IGNORECASE)
NUMBERED = re.compile(r"\d+$")


class RoomRequest(NamedTuple):
    """A room's name, and the server that the link named, if it is one of ours."""

    name: str
    server: str | None = None


class Hosts(NamedTuple):
    """The hosts that are ours: of this portal, and of its servers with their names."""

    portal: Collection[str]
    servers: Mapping[str, str]

    def has_been_ours(self, host: str) -> bool:
        """Whether the host is named as our servers are: it may have been one of them."""
        shapes = {_shape(known) for known in self.servers}
        return _shape(host) in shapes


def read(typed: str, hosts: Hosts) -> RoomRequest:
    """Raises PortalError for a link that leads elsewhere, or to no room."""
    text = typed.strip()
    link = LINK.search(text)
    if link is None and not BARE.fullmatch(text):
        return RoomRequest(text)
    try:
        parts = urlsplit(link[0].rstrip(".,;)>]\"'") if link else f"//{text}")
    except ValueError as error:  # brackets that hold no address
        raise PortalError("link-foreign", host=text[:60]) from error
    host, path = parts.netloc.rpartition("@")[2].lower(), [part for part in parts.path.split("/") if part]
    if host in hosts.portal:
        if path and path[0] in {"go", "room"} and len(path) > 1:
            path = path[2:3] if path[0] == "room" and len(path) == 3 and _is_former(path[2]) else path[1:2]
    elif host not in hosts.servers and not hosts.has_been_ours(host):
        raise PortalError("link-foreign", host=host or text[:60])
    if len(path) != 1:
        raise PortalError("link-without-room", host=host)
    return RoomRequest(path[0], hosts.servers.get(host))


def _is_former(last: str) -> bool:
    """Whether /room/X/LAST is an address of before rooms had their own: /room/SERVER/NAME."""
    return last not in {"calendar.ics", "android", "ios"}


def _shape(host: str) -> str:
    """h-3.meet.example as h-#.meet.example."""
    label, _, domain = host.partition(".")
    return f"{NUMBERED.sub('#', label)}.{domain}"

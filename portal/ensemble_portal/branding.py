"""An organisation's branding: logo, colour, footer links and contact."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import colors
from .errors import PortalError

LOGO_TYPES = {".svg": "image/svg+xml", ".png": "image/png", ".webp": "image/webp"}
LARGEST_LOGO = 50_000
MAIL = re.compile(r"[^@\s/:]+@[^@\s/:]+")
CACHED = {"Cache-Control": "public, max-age=300"}


class Link(NamedTuple):
    text: str
    url: str


def read_links(text: str) -> tuple[Link, ...]:
    """Parse links such as ``Legal notice=https://…, Privacy=/…``. Raises ValueError."""
    links = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        label, equals, url = (word.strip() for word in part.partition("="))
        if not (label and equals and _leads_somewhere(url)):
            raise ValueError("must be TEXT=ADDRESS pairs such as Legal notice=https://example.org/legal")
        links.append(Link(label, url))
    return tuple(links)


def read_logo(text: str) -> Path | None:
    """Check and return the path of the logo file; None if `text` is empty. Raises ValueError."""
    if not text:
        return None
    path = Path(text)
    if path.suffix.lower() not in LOGO_TYPES:
        raise ValueError(f"must be a file that ends in {', '.join(LOGO_TYPES)}")
    if not path.is_file():
        raise ValueError("is no file that the portal can read")
    if path.stat().st_size > LARGEST_LOGO:
        raise ValueError(f"is larger than {LARGEST_LOGO:,} bytes, which every visitor would load")
    return path


def read_color(text: str) -> str:
    return colors.parse(text) if text else ""


def read_ancestors(text: str) -> str:
    """Return the frame-ancestors value for Content-Security-Policy. Raises ValueError."""
    places = [place for place in re.split(r"[\s,]+", text) if place]
    for place in places:
        if place != "'self'" and not re.fullmatch(r"https://(\*\.)?[A-Za-z0-9.-]+(:\d{1,5})?", place):
            raise ValueError("must be 'self' or origins such as https://intranet.example.org")
    return " ".join(places) or "'none'"


def contact_link(contact: str) -> str:
    """Return the link of a contact: a mailto address or a page; empty if the contact is plain text."""
    if MAIL.fullmatch(contact):
        return f"mailto:{contact}"
    return contact if _leads_somewhere(contact) else ""


def _leads_somewhere(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme == "mailto":
        return bool(MAIL.fullmatch(parts.path))
    return (parts.scheme in ("http", "https") and bool(parts.netloc)) or bool(re.fullmatch(r"/(?!/)\S*", url))


class Branding:
    """The logo and style sheet derived from the settings; their URLs change with their content."""

    def __init__(self, logo: Path | None, color: str) -> None:
        self._logo = logo.read_bytes() if logo else b""
        self._logo_type = LOGO_TYPES[logo.suffix.lower()] if logo else ""
        self._style = _style(color) if color else b""
        self.logo_url = self._url("/brand/logo", self._logo)
        self.style_url = self._url("/brand/style.css", self._style)

    @staticmethod
    def _url(path: str, content: bytes) -> str:
        return f"{path}?v={hashlib.sha256(content).hexdigest()[:10]}" if content else ""

    def logo(self) -> Response:
        """Serve the logo with a policy that keeps an SVG opened on its own from running scripts."""
        policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
        return self._file(self._logo, self._logo_type, policy)

    def style(self) -> Response:
        return self._file(self._style, "text/css; charset=utf-8", {})

    @staticmethod
    def _file(content: bytes, kind: str, headers: dict[str, str]) -> Response:
        if not content:
            raise PortalError("not-found")
        return Response(content, headers={**CACHED, **headers, "Content-Type": kind})


def _style(color: str) -> bytes:
    light, dark = (colors.shades(color, paper) for paper in (colors.LIGHT_PAPER, colors.DARK_PAPER))
    rules = ":root{{--green:{0.plain};--green-deep:{0.strong};--on-green:{0.text};--link:{0.plain}}}"
    return f"{rules.format(light)}@media (prefers-color-scheme:dark){{{rules.format(dark)}}}\n".encode()


async def logo(request: Request) -> Response:
    return request.app.state.branding.logo()


async def style(request: Request) -> Response:
    return request.app.state.branding.style()


ROUTES = [Route("/brand/logo", logo), Route("/brand/style.css", style)]

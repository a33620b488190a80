"""Templates and static files: read and compressed once, with content hashes in their URLs so browsers cache them."""

from __future__ import annotations

import gzip
import hashlib
import re
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from .errors import PortalError
from .fleet import iso_time
from .preferences import accepts_gzip
from .texts import number, percent

TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
    "txt": "text/plain; charset=utf-8",
}


class Static:
    def __init__(self) -> None:
        self._files: dict[str, tuple[bytes, bytes, str]] = {}
        found = [file for file in files(__package__).joinpath("static").iterdir() if _suffix(file.name) in TYPES]
        for file in sorted(found, key=lambda file: (file.name.endswith(".css"), file.name)):
            self._add(file.name, file.read_bytes())

    def _add(self, name: str, body: bytes) -> None:
        """Add a file; style sheets must be added last because they refer to the others."""
        if name.endswith(".css"):
            body = re.sub(rb"url\(([\w.-]+)\)", lambda found: f"url({self.url(found[1].decode())})".encode(), body)
        packed = body if name.endswith(".woff2") else gzip.compress(body, mtime=0)
        self._files[name] = (body, packed, hashlib.sha256(body).hexdigest()[:10])

    def url(self, name: str) -> str:
        return f"/static/{name}?v={self._files[name][2]}"

    async def serve(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._files:
            raise PortalError("not-found")
        body, packed, version = self._files[name]
        lasting = request.query_params.get("v") == version
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable" if lasting else "public, max-age=300",
            "Content-Type": TYPES[_suffix(name)],
            "Vary": "Accept-Encoding",
        }
        if packed is not body and accepts_gzip(request.headers.get("accept-encoding")):
            return Response(packed, headers=headers | {"Content-Encoding": "gzip"})
        return Response(body, headers=headers)


def _suffix(name: str) -> str:
    return name.rpartition(".")[2]


STATIC = Static()
TEMPLATES = Environment(
    loader=PackageLoader(__package__ or "ensemble_portal"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.globals["static"] = STATIC.url
TEMPLATES.filters |= {"percent": percent, "number": number, "moment": iso_time}

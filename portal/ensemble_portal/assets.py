"""Templates and static files: read once, compressed once, addressed by their content so that browsers keep them."""

from __future__ import annotations

import gzip
import hashlib
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from .problems import Problem

TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
}


class Static:
    def __init__(self) -> None:
        self._files: dict[str, tuple[bytes, bytes, str]] = {}
        for file in files(__package__).joinpath("static").iterdir():
            suffix = file.name.rpartition(".")[2]
            if suffix in TYPES:
                body = file.read_bytes()
                self._files[file.name] = (body, gzip.compress(body, mtime=0), hashlib.sha256(body).hexdigest()[:10])

    def url(self, name: str) -> str:
        return f"/static/{name}?v={self._files[name][2]}"

    async def serve(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._files:
            raise Problem("not-found")
        body, packed, version = self._files[name]
        lasting = request.query_params.get("v") == version
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable" if lasting else "public, max-age=300",
            "Content-Type": TYPES[name.rpartition(".")[2]],
            "Vary": "Accept-Encoding",
        }
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(packed, headers=headers | {"Content-Encoding": "gzip"})
        return Response(body, headers=headers)


STATIC = Static()
TEMPLATES = Environment(
    loader=PackageLoader(__package__ or "ensemble_portal"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.globals["static"] = STATIC.url

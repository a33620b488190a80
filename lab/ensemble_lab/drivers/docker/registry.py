# SPDX-License-Identifier: GPL-3.0-or-later
"""The container registry: Debian's docker-registry, with the lab handing out its access tokens.

HAProxy ends TLS at ``<gateway>:5000`` and sends ``/auth/`` to the token service in the lab's own process, the rest to
docker-registry. Who logs in with the secret key may do everything in namespaces that exist; anybody may pull from
public ones.
"""

from __future__ import annotations

import base64
import json
import shutil
import time
import uuid
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ensemble_lab.ca import Authority, Issued
from ensemble_lab.drivers.base import Api
from ensemble_lab.drivers.docker.haproxy import Haproxy
from ensemble_lab.drivers.docker.layout import Layout
from ensemble_lab.drivers.docker.processes import Processes
from ensemble_lab.drivers.docker.web import Service

_SERVICE = "ensemble-lab"
_TOKEN_SECONDS = 900
_DOCKER_CERTIFICATES = Path("/etc/docker/certs.d")
_PROCESS = "registry"


class Registry:
    def __init__(self, layout: Layout, authority: Authority, processes: Processes):
        self._layout, self._authority, self._processes = layout, authority, processes
        self._folder = layout.folder("registry")
        self._front = Haproxy(processes, "registry-front", self._folder / "front")
        self._signer = authority.issue([_SERVICE])
        self._service: Service | None = None

    async def start(self, api: Api) -> None:
        layout = self._layout
        app = registry_app(api, lambda subject, access: sign(self._signer, subject, access))
        self._service = Service(app, "127.0.0.1", layout.registry_tokens_port)
        await self._service.start()
        config = self._folder / "config.json"
        text = json.dumps(self._config(), indent=1)
        if not config.exists() or config.read_text() != text:
            await self._processes.end(_PROCESS)
            config.write_text(text)
        await self._processes.start(
            _PROCESS, "docker-registry", "serve", str(config), env={"OTEL_TRACES_EXPORTER": "none"}
        )
        bundle = self._authority.issue([layout.gateway, "localhost"]).bundle
        await self._front.configure(self._front_config(), {"tls.pem": bundle})
        trusted = _DOCKER_CERTIFICATES / layout.registry / "ca.crt"
        trusted.parent.mkdir(parents=True, exist_ok=True)
        trusted.write_text(self._authority.pem)

    async def stop(self) -> None:
        if self._service:
            await self._service.stop()
            self._service = None

    async def destroy(self) -> None:
        await self.stop()
        await self._front.remove()
        await self._processes.end(_PROCESS)
        shutil.rmtree(_DOCKER_CERTIFICATES / self._layout.registry, ignore_errors=True)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._layout.folder("registry")

    def delete_namespace(self, name: str) -> None:
        shutil.rmtree(self._folder / "data/docker/registry/v2/repositories" / Path(name).name, ignore_errors=True)

    def _config(self) -> dict[str, Any]:
        layout = self._layout
        return {
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(self._folder / "data")},
                "delete": {"enabled": True},
                "redirect": {"disable": True},
            },
            "http": {
                "addr": f"127.0.0.1:{layout.registry_backend_port}",
                "secret": str(uuid.uuid5(uuid.NAMESPACE_DNS, layout.lab)),
            },
            "auth": {
                "token": {
                    "realm": f"https://{layout.registry}/auth/token",
                    "service": _SERVICE,
                    "issuer": _SERVICE,
                    "rootcertbundle": str(self._authority.file),
                }
            },
            "notifications": {
                "events": {"includereferences": True},
                "endpoints": [
                    {
                        "name": "lab",
                        "url": f"http://127.0.0.1:{layout.registry_tokens_port}/events",
                        "timeout": "2s",
                        "threshold": 5,
                        "backoff": "1s",
                    }
                ],
            },
        }

    def _front_config(self) -> str:
        layout = self._layout
        return f"""\
defaults
    mode http
    timeout connect 5s
    timeout client 300s
    timeout server 300s

frontend registry
    bind {layout.registry} ssl crt {{folder}}/tls.pem
    http-request set-header X-Forwarded-Proto https
    use_backend tokens if {{ path_beg /auth/ }}
    default_backend registry

backend tokens
    server tokens 127.0.0.1:{layout.registry_tokens_port}

backend registry
    server registry 127.0.0.1:{layout.registry_backend_port}
"""


def registry_app(api: Api, token: Any) -> Starlette:
    """Tokens for clients (``/auth/token``) and news from docker-registry (``/events``)."""

    async def give_token(request: Request) -> Response:
        form = await request.form() if request.method == "POST" else {}
        user, password = _credentials(request, dict(form))
        if password is not None and not api.check_registry_login(user, password):
            return JSONResponse({"errors": [{"code": "UNAUTHORIZED", "message": "wrong user or secret key"}]}, 401)
        asked = [*request.query_params.getlist("scope"), *str(form.get("scope") or "").split()]
        granted = [access for scope in asked for part in scope.split() if (access := _granted(api, part, password))]
        text = token(user, granted)
        return JSONResponse({"token": text, "access_token": text, "expires_in": _TOKEN_SECONDS})

    async def hear(request: Request) -> Response:
        for event in json.loads(await request.body()).get("events", []):
            target = event.get("target", {})
            if event.get("action") == "push" and target.get("tag"):
                namespace, _, image = target["repository"].partition("/")
                size = sum(part.get("size", 0) for part in target.get("references") or [])
                await api.registry_pushed(
                    namespace, image, target["tag"], target["digest"], size or target.get("size", 0)
                )
        return Response(status_code=200)

    return Starlette(
        routes=[
            Route("/auth/token", give_token, methods=["GET", "POST"]),
            Route("/events", hear, methods=["POST"]),
        ]
    )


def _credentials(request: Request, form: dict[str, Any]) -> tuple[str, str | None]:
    """User and password of a request; no password at all for anonymous ones."""
    if form.get("grant_type") == "password":
        return str(form.get("username") or ""), str(form.get("password") or "")
    if form.get("grant_type") == "refresh_token":
        return "", str(form.get("refresh_token") or "")
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", None
    try:
        user, _, password = base64.b64decode(value).decode().partition(":")
    except ValueError:
        return "", ""
    return user, password


def _granted(api: Api, scope: str, password: str | None) -> dict[str, Any] | None:
    """``repository:jitsi/web:pull,push`` -> what of it this client may do."""
    kind, _, rest = scope.partition(":")
    name, _, actions = rest.rpartition(":")
    namespace = name.partition("/")[0]
    if kind != "repository":
        return None
    allowed = api.registry_actions(namespace, password)
    desired = [action for action in actions.split(",") if action in allowed]
    return {"type": kind, "name": name, "actions": desired} if desired else None


def sign(signer: Issued, subject: str, access: list[dict[str, Any]]) -> str:
    """An access token (JWT, ES256) that docker-registry believes because the lab's CA issued the signer."""
    key = serialization.load_pem_private_key(signer.key.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    certificate = x509.load_pem_x509_certificate(signer.certificate.encode())
    der = base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
    now = int(time.time())
    claims = {
        "iss": _SERVICE,
        "sub": subject,
        "aud": _SERVICE,
        "iat": now,
        "nbf": now - 30,
        "exp": now + _TOKEN_SECONDS,
        "jti": str(uuid.uuid4()),
        "access": access,
    }
    parts = ({"typ": "JWT", "alg": "ES256", "x5c": [der]}, claims)
    text = ".".join(_base64url(json.dumps(part).encode()) for part in parts)
    r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{text}.{_base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

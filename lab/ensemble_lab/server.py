# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab as one process: the API on its addresses until somebody stops it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable
from importlib import import_module

import uvicorn

from ensemble_lab import ca
from ensemble_lab.cloud import Cloud
from ensemble_lab.drivers.base import Driver
from ensemble_lab.drivers.null import NullDriver
from ensemble_lab.lab import Lab
from ensemble_lab.settings import Settings
from ensemble_lab.web.app import create_app

log = logging.getLogger(__name__)

REAL_HOST = "api.scaleway.com"
"""Some clients have it fixed in their code; the lab's certificate is for it too, where a proxy leads them here."""


def make_driver(settings: Settings) -> Driver:
    """The driver of the settings; `docker` is loaded only when it is asked for."""
    if settings.driver == "null":
        return NullDriver(settings.speed, settings.seed, settings.dns_port)
    return import_module("ensemble_lab.drivers.docker").create(settings)


def _listening(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio sets TCP_NODELAY only on these
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_IP, getattr(socket, "IP_FREEBIND", 15), 1)
    try:
        sock.bind((address, port))
    except OSError as problem:
        raise OSError(f"{address}:{port} cannot be used: {problem.strerror}") from problem
    sock.listen(512)
    return sock


class _Server(uvicorn.Server):
    """Signals are handled once for all servers of the lab."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        yield


def _config(app: object, **more: object) -> uvicorn.Config:
    patience = {"timeout_keep_alive": 75, "timeout_graceful_shutdown": 2, "lifespan": "off"}
    return uvicorn.Config(app, log_config=None, access_log=False, loop="asyncio", **patience, **more)  # type: ignore[arg-type]


async def serve(settings: Settings, announce: Callable[[Settings], None]) -> None:
    """Run until SIGTERM or SIGINT. HTTP on every listen address, and HTTPS beside it with ``tls_port``.

    `announce` is called once, when all addresses are taken. Raises OSError for one that cannot be, DriverError where
    the driver cannot start.
    """
    sockets = [[_listening(address, settings.port) for address in settings.listen]]
    lab = Lab(Cloud(settings, make_driver(settings)))
    app = create_app(lab)
    servers = [_Server(_config(app))]
    if settings.tls_port:
        authority = ca.load_or_create(settings.cache / "ca")
        chain, key = authority.issue_files(settings.state / "tls", [*settings.listen, "localhost", REAL_HOST])
        sockets.append([_listening(address, settings.tls_port) for address in settings.listen])
        servers.append(_Server(_config(app, ssl_certfile=str(chain), ssl_keyfile=str(key))))
    announce(settings)

    def stop() -> None:
        for server in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        await lab.start()
        log.info("the lab answers")
        await asyncio.gather(*(server.serve(held) for server, held in zip(servers, sockets, strict=True)))
    finally:
        await lab.stop()
        lab.cloud.store.close()

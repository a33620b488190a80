"""`python -m ensemble_portal`: read the settings, then serve until stopped."""

from __future__ import annotations

import argparse
import gc
import math
import os
import signal
import socket
import sys
import time

import uvicorn

from . import __version__, logs
from .app import make_app
from .bounds import Bounded
from .fastlane import fast_lane
from .portal import Portal
from .settings import Settings, SettingsError, table

SEND_BUFFER = 256 * 1024  # bytes; large enough to send the list of 1,000 servers in one piece


class Server(uvicorn.Server):
    """uvicorn server that stops in two steps: tell the balancer, then close after the stop delay.

    A second signal stops it immediately.
    """

    def __init__(self, config: uvicorn.Config, portal: Portal) -> None:
        super().__init__(config)
        self._portal = portal
        self._exit_at = math.inf

    def handle_exit(self, sig: int, frame: object) -> None:
        if self._portal.stopping:
            self.should_exit = self.force_exit = True
        self._exit_at = time.monotonic() + self._portal.settings.stop_delay
        self._portal.stop()

    async def on_tick(self, counter: int) -> bool:
        """Return whether to stop; uvicorn calls this ten times a second."""
        self.should_exit = self.should_exit or time.monotonic() >= self._exit_at
        return await super().on_tick(counter)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; open requests may finish within the stop timeout."""
    portal = Portal(settings)
    host, port = settings.listen
    config = uvicorn.Config(
        make_app(portal),
        host=host,
        port=port,
        http=Bounded if settings.log_requests else fast_lane(portal),  # the fast lane logs nothing
        ws="none",
        loop="uvloop",
        lifespan="on",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        backlog=4096,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=int(settings.stop_timeout),
    )
    sys.setswitchinterval(0.0005)  # polls are processed in a thread; visitors must not wait for it
    gc.freeze()
    gc.set_threshold(10_000, 20, 100)
    listener = config.bind_socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    Server(config, portal).run(sockets=[listener])


def main() -> int:
    wide = "\n".join(f"  {name:<30} {default:<24.24} {about}" for name, default, about in table())
    parser = argparse.ArgumentParser(
        prog="ensemble-portal",
        description="Serve the portal. Settings come from the environment:\n\n" + wide,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--check", action="store_true", help="check the settings and stop")
    arguments = parser.parse_args()
    try:
        settings = Settings.from_environ(os.environ)
    except SettingsError as error:
        print(f"The portal cannot start:\n{error}", file=sys.stderr)
        return 2
    if arguments.check:
        return 0
    logs.set_up(settings.log_level)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    serve(settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())

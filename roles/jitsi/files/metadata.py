# SPDX-License-Identifier: GPL-3.0-or-later
"""The cloud's metadata service, as the machine itself sees it."""

from __future__ import annotations

import http.client
import json
import random
import time
import urllib.parse
from contextlib import closing
from typing import Any


class Failure(Exception):
    """Jitsi cannot serve here; the message says why."""


class Metadata:
    def __init__(self, url: str) -> None:
        self.host = urllib.parse.urlsplit(url).netloc

    def machine(self) -> dict[str, Any]:
        """The server's own description: id, name, zone, addresses.

        Raises:
            Failure: the service did not answer within two minutes.
        """
        deadline = time.monotonic() + 120
        while True:
            try:
                return json.loads(self._request("GET", "/conf?format=json")[1])
            except (OSError, ValueError, http.client.HTTPException) as error:
                if time.monotonic() > deadline:
                    raise Failure(f"the metadata service at {self.host} does not answer: {error}") from error
                time.sleep(1)

    def user_data(self, key: str) -> str:
        """A user data value; empty when it is not set."""
        status, body = self._request("GET", f"/user_data/{key}")
        if status not in (200, 404):
            raise Failure(f"user data {key} cannot be read: HTTP {status}")
        return body.decode() if status == 200 else ""

    def set_user_data(self, key: str, value: str) -> None:
        self._request("PATCH", f"/user_data/{key}", value.encode())

    def _request(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Ask from a port below 1024, which proves to the service that root is asking."""
        for port in random.sample(range(512, 1024), 30):
            connection = http.client.HTTPConnection(self.host, timeout=10, source_address=("", port))
            try:
                connection.connect()
            except OSError as error:
                if error.errno in (98, 99):  # the port is taken, or was a moment ago
                    continue
                raise
            with closing(connection):
                connection.request(method, path, body, {"Content-Type": "text/plain"})
                answer = connection.getresponse()
                return answer.status, answer.read()
        raise OSError("no source port below 1024 is free")

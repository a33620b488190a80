"""`python -m ensemble_portal.probe`: ask the portal of this container whether it lives; exit status 0 when it does."""

from __future__ import annotations

import os
import sys
from http.client import HTTPConnection


def main() -> int:
    port = int(os.environ.get("ENSEMBLE_LISTEN", "0.0.0.0:8080").rpartition(":")[2])
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return 0 if connection.getresponse().status == 200 else 1
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of the host, run without blocking the lab."""

from __future__ import annotations

import asyncio
import logging
import shlex
import time

from ensemble_lab.drivers.base import DriverError

log = logging.getLogger(__name__)

SLOW = 3.0
"""Seconds after which the log tells how long a program took."""
PATIENCE = 600.0
"""Seconds after which a program counts as hung."""


async def attempt(*argv: str, stdin: str | bytes | None = None, timeout: float = PATIENCE) -> tuple[int, str, str]:
    """Run a program; returns (exit status, output, errors). Raises DriverError when it hangs or is missing."""
    data = stdin.encode() if isinstance(stdin, str) else stdin
    begun = time.monotonic()
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL if data is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except FileNotFoundError as problem:
        raise DriverError(f"{argv[0]} is not installed on this machine") from problem
    try:
        out, err = await asyncio.wait_for(process.communicate(data), timeout)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise DriverError(f"`{shlex.join(argv)}` did not end within {timeout:.0f} s") from None
    except asyncio.CancelledError:
        process.kill()
        raise
    if (taken := time.monotonic() - begun) > SLOW:
        log.info("`%s` took %.1f s", shlex.join(argv)[:120], taken)
    return process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace")


async def run(*argv: str, stdin: str | bytes | None = None, timeout: float = PATIENCE) -> str:
    """Run a program that must succeed; returns its standard output, stripped. Raises DriverError with what it said."""
    status, out, err = await attempt(*argv, stdin=stdin, timeout=timeout)
    if status:
        raise DriverError(f"`{shlex.join(argv)}` failed ({status}): {(err or out).strip()[-2000:]}")
    return out.strip()


async def succeeds(*argv: str, stdin: str | bytes | None = None) -> bool:
    """Whether a program ends with status 0."""
    return (await attempt(*argv, stdin=stdin))[0] == 0

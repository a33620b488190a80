# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bench prints: a heading for each thing measured, figures, and lines that are met or not."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version

BUSY = 0.7  # of one core: beyond this a lab may be what is measured


class Report:
    """Prints as it goes, and remembers whether every line was met."""

    def __init__(self) -> None:
        self.met = True
        self._busiest = 0.0

    def machine(self, latency: float) -> None:
        print(
            f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} before; "
            f"Python {platform.python_version()}, ansible-core {version('ansible-core')}; "
            f"the API takes {latency * 1000:.0f} ms for each request"
        )

    def heading(self, text: str) -> None:
        print(f"\n{text}")

    def figure(self, what: str, value: object, lab_share: float = 0.0) -> None:
        self._busiest = max(self._busiest, lab_share)
        print(f"  {what:<58} {value}", flush=True)

    def line(self, what: str, value: float, limit: float, unit: str) -> None:
        """Check that `value` is at most `limit`."""
        met = value <= limit
        self.met &= met
        print(f"  {'MET   ' if met else 'MISSED'} {what}: {value:.4g} {unit}, at most {limit:.4g} {unit}", flush=True)

    def end(self) -> int:
        """The exit status."""
        bottleneck = "; the lab may be what was measured" if self._busiest > BUSY else ""
        print(
            f"\nlab at most {self._busiest:.0%} of a core{bottleneck}; load average {os.getloadavg()[0]:.1f} after\n"
            f"{'all lines met' if self.met else 'NOT all lines met'}"
        )
        return 0 if self.met else 1

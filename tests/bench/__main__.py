# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.bench [fleet] [site] [inventory]`: prints figures; exit status 1 when a line is missed."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from . import fleet, inventory, site
from .cloud import LATENCY
from .commands import Failed
from .report import Report

PARTS = {"fleet": fleet.bench, "site": site.bench, "inventory": inventory.bench}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="How fast the collection is.")
    parser.add_argument("part", nargs="*", help=f"of {', '.join(PARTS)}; all where none is given")
    chosen = parser.parse_args().part or list(PARTS)
    if unknown := set(chosen) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    report = Report()
    report.machine(LATENCY)
    with tempfile.TemporaryDirectory(prefix="ensemble-bench-") as folder:
        for part in chosen:
            try:
                PARTS[part](report, Path(folder))
            except Failed as failure:
                print(f"\n{part}: {failure}", file=sys.stderr)
                report.met = False
    return report.end()


if __name__ == "__main__":
    sys.exit(main())

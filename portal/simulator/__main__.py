"""`python -m simulator`: policies side by side, as a table of the server time spent overloaded."""

from __future__ import annotations

import argparse

from .policies import POLICIES
from .run import overload
from .world import OVERLOAD, Traffic

LEVELS = {"60 %": 0.5, "70 %": 0.583}


def main() -> None:
    parser = argparse.ArgumentParser(prog="simulator", description=__doc__)
    parser.add_argument("--servers", type=int, default=100)
    parser.add_argument("--portals", type=int, default=2, help="API servers that do not talk to each other")
    parser.add_argument("--poll", type=float, default=10.0, help="seconds between polls")
    parser.add_argument("--hours", type=float, default=4.0)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    print(
        f"Share of server time above {OVERLOAD:.0%} load; {arguments.servers} servers, {arguments.portals} portals, "
        f"a poll every {arguments.poll:g} s, {arguments.hours:g} h, mean of {arguments.seeds} seeds"
    )
    print(f"{'mean load':<30}" + "".join(f"{level:>10}" for level in LEVELS))
    for name, make in POLICIES.items():
        cells = []
        for rooms_per_second in LEVELS.values():
            traffic = Traffic(rooms_per_second=rooms_per_second * arguments.servers / 100)
            shares = [
                overload(
                    make,
                    traffic,
                    servers=arguments.servers,
                    portals=arguments.portals,
                    poll_every=arguments.poll,
                    hours=arguments.hours,
                    seed=seed,
                )
                for seed in range(1, arguments.seeds + 1)
            ]
            cells.append(f"{sum(shares) / len(shares):>9.2%}")
        print(f"{name:<30}" + " ".join(cells), flush=True)


if __name__ == "__main__":
    main()

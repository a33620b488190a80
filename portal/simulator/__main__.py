"""`python -m simulator`: policies side by side, as a table of the server time spent overloaded."""

from __future__ import annotations

import argparse
from statistics import fmean

from .policies import POLICIES
from .run import overload
from .world import OVERLOAD, Traffic

LEVELS = {"60 %": 0.5, "70 %": 0.583}


def main() -> None:
    parser = argparse.ArgumentParser(prog="simulator", description=__doc__)
    parser.add_argument("--servers", type=int, default=100)
    parser.add_argument("--portals", type=int, default=2, help="API servers that do not talk to each other")
    parser.add_argument("--polls", type=float, nargs="+", default=[10.0, 30.0], help="seconds between polls")
    parser.add_argument("--hours", type=float, default=4.0)
    parser.add_argument("--seeds", type=int, default=6)
    arguments = parser.parse_args()
    print(
        f"Share of server time above {OVERLOAD:.0%} load; {arguments.servers} servers, {arguments.portals} portals, "
        f"{arguments.hours:g} h, mean of {arguments.seeds} seeds"
    )
    columns = [(poll, level) for poll in arguments.polls for level in LEVELS]
    print(f"{'a poll every, mean load':<30}" + "".join(f"{f'{poll:g} s, {level}':>13}" for poll, level in columns))
    for name, make in POLICIES.items():
        print(f"{name:<30}", end="")
        for poll, level in columns:
            traffic = Traffic(rooms_per_second=LEVELS[level] * arguments.servers / 100)
            share = fmean(
                overload(
                    make,
                    traffic,
                    servers=arguments.servers,
                    portals=arguments.portals,
                    poll_every=poll,
                    hours=arguments.hours,
                    seed=seed,
                )
                for seed in range(1, arguments.seeds + 1)
            )
            print(f"{share:>13.2%}", end="", flush=True)
        print()


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-3.0-or-later
"""``ensemble-lab fault``: rules of the admin API from the command line."""

from __future__ import annotations

import argparse

from ensemble_lab.daemon import Daemon
from ensemble_lab.web.faults import DISTRIBUTIONS, KINDS, WHEN

_EXAMPLES = """examples:
  ensemble-lab fault add status --status 429 --probability 0.2
  ensemble-lab fault add latency --seconds 0.1 --distribution lognormal
  ensemble-lab fault add reset --when after --method POST --path /servers$ --count 1
  ensemble-lab fault stock PLAY2-PICO        (nothing given: all in stock again)
  ensemble-lab fault quota instance_server 10
  ensemble-lab fault list
  ensemble-lab fault clear"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog, parser.formatter_class = _EXAMPLES, argparse.RawDescriptionHelpFormatter
    what = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    add = what.add_parser("add", help="add a rule; latencies add up, otherwise the first matching rule applies")
    add.add_argument("kind", choices=KINDS)
    add.add_argument("--method", default="*", help="GET, 'POST|PUT' ... (default: all)")
    add.add_argument("--path", default="", help="regular expression to search in the path (default: all)")
    add.add_argument("--probability", type=float, default=1.0)
    add.add_argument("--skip", type=int, default=0, help="number of requests to let pass first")
    add.add_argument("--count", type=int, help="number of hits after which the rule ends")
    add.add_argument("--when", choices=WHEN, default="before", help="before or after the request takes effect")
    add.add_argument("--status", type=int, default=500, help="status code for kind status (429: empty body)")
    add.add_argument("--body", choices=("json", "html", "empty"), default="json", help="body for kind status")
    add.add_argument("--seconds", type=float, default=0.1, help="duration of latency, hang (0: for ever) and slow_body")
    add.add_argument("--distribution", choices=DISTRIBUTIONS, default="fixed", help="distribution of latency")
    add.add_argument("--spread", type=float, default=0.5, help="spread of uniform and lognormal latency")
    add.add_argument("--resource", default="instance_server", help="resource of out_of_stock and quota")
    what.add_parser("list", help="show the rules and their hits")
    clear = what.add_parser("clear", help="remove one rule or all")
    clear.add_argument("id", type=int, nargs="?")
    stock = what.add_parser("stock", help="set the server types that are out of stock")
    stock.add_argument("types", nargs="*")
    quota = what.add_parser("quota", help="set how many objects of a kind may exist")
    quota.add_argument("kind")
    quota.add_argument("limit", type=int)


_FIELDS = (
    "kind",
    "method",
    "path",
    "probability",
    "skip",
    "count",
    "when",
    "status",
    "body",
    "seconds",
    "distribution",
    "spread",
    "resource",
)


def run(args: argparse.Namespace) -> int:
    lab = Daemon(args.state)
    if args.what == "add":
        rule = lab.ask("POST", "/faults", {name: getattr(args, name) for name in _FIELDS})
        print(f"fault {rule['id']}: {_told(rule)}")
    elif args.what == "list":
        for rule in lab.ask("GET", "/faults")["faults"]:
            print(f"{rule['id']:3}  {_told(rule)}: hit {rule['hits']} times")
    elif args.what == "clear":
        removed = lab.ask("DELETE", f"/faults/{args.id}" if args.id else "/faults")["removed"]
        print(f"{removed} removed")
    elif args.what == "stock":
        gone = lab.ask("PUT", "/stock", {"out_of_stock": args.types})["out_of_stock"]
        print(f"out of stock: {', '.join(gone) or 'nothing'}")
    else:
        print(lab.ask("PUT", "/quotas", {**lab.ask("GET", "/quotas"), args.kind: args.limit}))
    return 0


def _told(rule: dict[str, object]) -> str:
    more = {
        "latency": f" {rule['seconds']} s {rule['distribution']}",
        "status": f" {rule['status']} {rule['when']}",
        "reset": f" {rule['when']}",
    }.get(str(rule["kind"]), "")
    often = f" in {rule['probability']:.0%}" if rule["probability"] != 1 else ""
    left = f", {rule['count']} left" if rule["count"] is not None else ""
    return f"{rule['kind']}{more} on {rule['method']} /{rule['path']}/{often}{left}"

# SPDX-License-Identifier: GPL-3.0-or-later
"""Security groups as packet filters on the servers' wires, in one nftables table of the host.

A packet that goes to a server passes the chain ``to-<wire>``, one that comes from a server ``from-<wire>``; between two
servers it passes both. Nothing a guest does in its own network namespace changes them. Rules for a wire may be loaded
before the wire exists.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from ensemble_lab.drivers.base import Object
from ensemble_lab.drivers.docker.layout import METADATA_ADDRESS, Layout
from ensemble_lab.drivers.docker.records import Record
from ensemble_lab.drivers.docker.shell import attempt, run

OPEN: Record = {"stateful": True, "inbound": "accept", "outbound": "accept", "rules": []}
"""What holds where no group was ever given."""


def policy(group: Object, rules: list[Object]) -> Record:
    """What matters of a security group and its rules (API form), to be kept and rendered."""
    return {
        "stateful": group["stateful"],
        "inbound": group["inbound_default_policy"],
        "outbound": group["outbound_default_policy"],
        "rules": [
            {
                key: rule.get(key)
                for key in ("action", "direction", "protocol", "ip_range", "dest_port_from", "dest_port_to")
            }
            for rule in rules
        ],
    }


class Firewall:
    def __init__(self, layout: Layout):
        self._layout = layout

    async def start(self) -> None:
        """Make the table where it is missing; chains of running servers are left as they are."""
        layout = self._layout
        wires = f'"{layout.nic_prefix}*"'
        metadata = f"{layout.gateway}:{layout.metadata_port}"
        await run(
            "nft",
            "-f",
            "-",
            stdin=f"""
            table inet {layout.table} {{
                map senders {{ type ifname : verdict; }}
                map receivers {{ type ifname : verdict; }}
                chain forward {{
                    type filter hook forward priority filter - 10; policy accept;
                }}
                chain input {{
                    type filter hook input priority filter - 10; policy accept;
                }}
                chain output {{
                    type filter hook output priority filter - 10; policy accept;
                }}
                chain metadata {{
                    type nat hook prerouting priority dstnat - 10; policy accept;
                }}
                chain outside {{
                    type nat hook postrouting priority srcnat - 10; policy accept;
                }}
            }}
            flush chain inet {layout.table} forward
            flush chain inet {layout.table} input
            flush chain inet {layout.table} output
            flush chain inet {layout.table} metadata
            flush chain inet {layout.table} outside
            table inet {layout.table} {{
                chain forward {{
                    iifname vmap @senders
                    oifname vmap @receivers
                }}
                chain input {{
                    iifname {wires} udp dport {{ 53, 67 }} accept
                    iifname {wires} tcp dport 53 accept
                    iifname {wires} ct original ip daddr {METADATA_ADDRESS} accept
                    iifname vmap @senders
                }}
                chain output {{
                    oifname {wires} udp sport {{ 53, 67 }} accept
                    oifname {wires} tcp sport 53 accept
                    oifname {wires} ct original ip daddr {METADATA_ADDRESS} accept
                    oifname vmap @receivers
                }}
                chain metadata {{
                    ip daddr {METADATA_ADDRESS} tcp dport 80 iifname {wires} dnat ip to {metadata}
                    ip daddr {METADATA_ADDRESS} tcp dport 80 iifname "{layout.bridge}" dnat ip to {metadata}
                }}
                chain outside {{
                    oifname {wires} return
                    oifname "{layout.bridge}" return
                    ip saddr {layout.subnet} ip daddr != {layout.subnet} masquerade
                }}
            }}
        """,
        )

    async def destroy(self) -> None:
        await attempt("nft", "delete", "table", "inet", self._layout.table)

    async def apply(self, wire: str, addresses: list[str], group: Record) -> None:
        """Make a group's rules hold on a wire at once, in one transaction."""
        table = f"inet {self._layout.table}"
        await run(
            "nft",
            "-f",
            "-",
            stdin="\n".join(
                [
                    f"add chain {table} from-{wire}",
                    f"add chain {table} to-{wire}",
                    f"flush chain {table} from-{wire}",
                    f"flush chain {table} to-{wire}",
                    *(f"add rule {table} from-{wire} {rule}" for rule in _from_server(addresses, group)),
                    *(f"add rule {table} to-{wire} {rule}" for rule in _to_server(group)),
                    f'add element {table} senders {{ "{wire}" : jump from-{wire} }}',
                    f'add element {table} receivers {{ "{wire}" : jump to-{wire} }}',
                    "",
                ]
            ),
        )

    async def forget(self, wire: str) -> None:
        table = f"inet {self._layout.table}"
        for kind, direction in (("senders", "from"), ("receivers", "to")):
            await attempt("nft", "delete", "element", *table.split(), kind, f'{{ "{wire}" }}')
            await attempt("nft", "delete", "chain", *table.split(), f"{direction}-{wire}")


def _from_server(addresses: list[str], group: Record) -> Iterable[str]:
    """A server cannot use an address that is not its own; then its group's outbound rules."""
    yield f"ip saddr != {{ {', '.join([*addresses, '0.0.0.0'])} }} drop"
    yield from _chain(group, "outbound", "daddr")


def _to_server(group: Record) -> Iterable[str]:
    yield from _chain(group, "inbound", "saddr")


def _chain(group: Record, direction: str, side: str) -> Iterable[str]:
    if group["stateful"]:
        yield "ct state established,related return"
    for rule in group["rules"]:
        if rule["direction"] == direction:
            yield f"{_match(rule, side)} {_verdict(rule['action'])}".strip()
    yield _verdict(group[direction])


def _verdict(action: str) -> str:
    return "return" if action == "accept" else "drop"


def _match(rule: Record, side: str) -> str:
    network = ipaddress.ip_network(rule["ip_range"] or "0.0.0.0/0", strict=False)
    family = "ip" if network.version == 4 else "ip6"
    parts = [f"meta nfproto {'ipv4' if network.version == 4 else 'ipv6'}"]
    if network.prefixlen:
        parts.append(f"{family} {side} {network}")
    protocol = rule["protocol"]
    if protocol in ("TCP", "UDP"):
        first, last = rule["dest_port_from"], rule["dest_port_to"] or rule["dest_port_from"]
        parts.append(f"{protocol.lower()} dport {first}-{last}" if first else f"meta l4proto {protocol.lower()}")
    elif protocol == "ICMP":
        parts.append("meta l4proto { icmp, ipv6-icmp }")
    return " ".join(parts)

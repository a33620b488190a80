# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn a server into an Ansible host: its variables, its address, and a unique name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ansible.utils.unsafe_proxy import wrap_var

try:
    from ansible.template import trust_as_template
except ImportError:  # before ansible-core 2.19 every text is trusted that is not wrapped

    def trust_as_template(value: str) -> str:
        return value


Variables = dict[str, Any]

TEMPLATE = ("{{", "{%", "{#")


def region_of(zone: str) -> str:
    return zone.rsplit("-", 1)[0]


def addresses(server: Variables, family: str) -> list[str]:
    return [ip["address"] for ip in server.get("public_ips") or [] if ip.get("family") == family and ip.get("address")]


def variables(server: Variables, private: dict[str, list[str]]) -> Variables:
    """The host variables of one server: plain data, whatever the API shows. `private` has addresses by NIC."""
    inside = {nic["private_network_id"]: private.get(nic["id"], []) for nic in server.get("private_nics") or []}
    private_ipv4 = [address for found in inside.values() for address in found if ":" not in address]
    values = {
        **{key: server.get(key) for key in ("id", "name", "zone", "state", "state_detail", "commercial_type")},
        **{key: server.get(key) for key in ("project", "creation_date", "tags")},
        **{key: (server.get(key) or {}).get("name") for key in ("image", "security_group", "placement_group")},
        "region": region_of(server["zone"]),
        "public_ipv4": next(iter(addresses(server, "inet")), None),
        "public_ipv6": next(iter(addresses(server, "inet6")), None),
        "private_ipv4": next(iter(private_ipv4), None),
        "private_ips": inside,
    }
    return {f"scaleway_{key}": value for key, value in values.items()}


def reached_at(host: Variables) -> str | None:
    """The address for `ansible_host`: a public one before a private one, IPv4 before IPv6."""
    inside = [address for found in host["scaleway_private_ips"].values() for address in found]
    candidates = [host["scaleway_public_ipv4"], host["scaleway_public_ipv6"], host["scaleway_private_ipv4"], *inside]
    return next((address for address in candidates if address), None)


def marked(value: Any) -> Any:
    """A value whose texts Ansible never takes for templates; those that could not be any stay plain in exports."""
    if isinstance(value, dict):
        return {key: marked(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [marked(inner) for inner in value]
    if not isinstance(value, str):
        return value
    return wrap_var(value) if is_template(value) else trust_as_template(value)


def is_template(value: Any) -> bool:
    return isinstance(value, str) and any(mark in value for mark in TEMPLATE)


def unique_names(candidates: Sequence[Sequence[str]], hosts: Sequence[Variables], taken: set[str]) -> list[str]:
    """Choose a name for each host: the first of its candidates that no other host has.

    A name that several have, or that is `taken`, is given to none of them: otherwise it would move from one machine to
    another when these come and go. The last resorts are the first candidate with the zone, and the id.
    """
    ladders = []
    for names, host in zip(candidates, hosts, strict=True):
        zoned = [f"{names[0]}.{host['scaleway_zone']}"] if names else []
        ladders.append([*names, *zoned, str(host["scaleway_id"])])
    rungs = [0] * len(ladders)
    given = [ladder[0] for ladder in ladders]
    while True:
        counts = Counter(given)
        clashing = [
            number
            for number, name in enumerate(given)
            if (counts[name] > 1 or name in taken) and rungs[number] + 1 < len(ladders[number])
        ]
        if not clashing:
            return given
        for number in clashing:
            rungs[number] += 1
            given[number] = ladders[number][rungs[number]]

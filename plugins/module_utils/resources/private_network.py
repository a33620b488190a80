# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import builtins
from typing import Any

from ..client import Client
from ..engine import Resource
from ..fields import REPLACES, TAGS, Field, label, networks
from .vpc import Vpc


def own_subnets(private_network: Any) -> Any:
    """The IPv4 subnets; the API always adds an IPv6 one of its own choice."""
    return [each["subnet"] for each in private_network.get("subnets") or [] if ":" not in each["subnet"]]


class PrivateNetwork(Resource):
    word = "private network"
    key = "private_network"
    plural = "private_networks"
    path = "/vpc/v2/regions/{region}/private-networks"
    envelope = False
    project_key = "project_id"
    fields = (
        Field(
            "subnets",
            {"type": "list", "elements": "str"},
            change=REPLACES,
            read=own_subnets,
            normal=networks,
        ),
        Field("vpc_id", change=REPLACES, shown=label),
        Field("default_route_propagation_enabled", {"type": "bool"}, created=False),
        TAGS,
    )
    creation_needs = ("name",)

    def resolve(self, name: str, value: Any) -> Any:
        return self.reference(Vpc, value) if name == "vpc_id" else value

    def users(self, current: dict[str, Any]) -> builtins.list[str]:
        """Servers and balancers of all zones of the region."""
        found = self.client.list(
            f"/ipam/v1/regions/{self.client.settings.region}/ips", "ips", private_network_id=current["id"]
        )
        holders = [each["resource"] for each in found if each.get("resource")]
        return [f"{each['type']} {each.get('name') or each['id']}" for each in holders]


def addresses_of_nics(client: Client) -> dict[str, dict[str, str]]:
    """IPv4 addresses in private networks: id of the NIC -> name of the network -> address."""
    region, project = client.settings.region, client.project
    networks = client.list(f"/vpc/v2/regions/{region}/private-networks", "private_networks", project_id=project)
    names = {subnet["id"]: network["name"] for network in networks for subnet in network.get("subnets") or []}
    found: dict[str, dict[str, str]] = {}
    chosen = {"project_id": project, "resource_type": "instance_private_nic", "is_ipv6": "false"}
    for ip in client.list(f"/ipam/v1/regions/{region}/ips", "ips", **chosen):
        nic, name = (ip.get("resource") or {}).get("id"), names.get((ip.get("source") or {}).get("subnet_id"))
        if nic and name:
            found.setdefault(nic, {})[name] = ip["address"].partition("/")[0]
    return found

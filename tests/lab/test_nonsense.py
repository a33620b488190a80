# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is sent, the lab answers in the API's shapes and never fails itself."""

from __future__ import annotations

import random
from typing import Any

import pytest

from .conftest import Lab

NOBODY = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
JUNK: list[Any] = [
    None,
    "",
    "x",
    7,
    -1,
    1.5,
    True,
    [],
    {},
    [None],
    [{}],
    ["x"],
    {"x": 1},
    {"id": None},
    NOBODY,
    "x" * 5000,
]
FIELDS = [
    "name",
    "commercial_type",
    "image",
    "volumes",
    "public_ips",
    "security_group",
    "placement_group",
    "tags",
    "project",
    "project_id",
    "size",
    "volume_type",
    "base_snapshot",
    "volume_id",
    "root_volume",
    "arch",
    "extra_volumes",
    "action",
    "rules",
    "type",
    "server",
    "reverse",
    "policy_mode",
    "private_network_id",
    "from_empty",
    "from_snapshot",
    "perf_iops",
    "subnets",
    "source",
    "address",
    "public_key",
    "path",
    "data",
    "versions",
    "changes",
    "domain",
    "subdomain",
    "server_ip",
    "health_check",
    "forward_port",
    "forward_protocol",
    "inbound_port",
    "backend_id",
    "certificate_ids",
    "match",
    "index",
    "letsencrypt",
    "custom_certificate",
    "ip_id",
    "ip_ids",
    "vpc_id",
    "ephemeral_policy",
    "dynamic_ip_required",
    "resource",
    "frontend_id",
]
I1 = "/instance/v1/zones/fr-par-1"
PATHS = [
    ("POST", f"{I1}/servers"),
    ("PATCH", f"{I1}/servers/SERVER"),
    ("POST", f"{I1}/servers/SERVER/action"),
    ("POST", f"{I1}/servers/SERVER/attach-volume"),
    ("POST", f"{I1}/servers/SERVER/detach-volume"),
    ("POST", f"{I1}/servers/SERVER/private_nics"),
    ("POST", f"{I1}/volumes"),
    ("POST", f"{I1}/snapshots"),
    ("POST", f"{I1}/images"),
    ("POST", f"{I1}/ips"),
    ("POST", f"{I1}/security_groups"),
    ("PATCH", f"{I1}/security_groups/GROUP"),
    ("PUT", f"{I1}/security_groups/GROUP/rules"),
    ("POST", f"{I1}/security_groups/GROUP/rules"),
    ("POST", f"{I1}/placement_groups"),
    ("POST", "/instance/v2alpha1/zones/fr-par-1/private-network-interfaces"),
    ("POST", "/block/v1/zones/fr-par-1/volumes"),
    ("POST", "/block/v1/zones/fr-par-1/snapshots"),
    ("POST", "/vpc/v2/regions/fr-par/vpcs"),
    ("POST", "/vpc/v2/regions/fr-par/private-networks"),
    ("POST", "/ipam/v1/regions/fr-par/ips"),
    ("POST", "/iam/v1alpha1/ssh-keys"),
    ("POST", "/registry/v1/regions/fr-par/namespaces"),
    ("POST", "/secret-manager/v1beta1/regions/fr-par/secrets"),
    ("POST", "/domain/v2beta1/dns-zones"),
    ("PATCH", "/domain/v2beta1/dns-zones/example.test/records"),
    ("POST", "/account/v3/projects"),
    ("POST", "/lb/v1/zones/fr-par-1/ips"),
    ("POST", "/lb/v1/zones/fr-par-1/lbs"),
    ("POST", "/lb/v1/zones/fr-par-1/lbs/BALANCER/backends"),
    ("POST", "/lb/v1/zones/fr-par-1/lbs/BALANCER/frontends"),
    ("POST", "/lb/v1/zones/fr-par-1/lbs/BALANCER/certificates"),
    ("POST", "/lb/v1/zones/fr-par-1/lbs/BALANCER/attach-private-network"),
    ("POST", "/lb/v1/zones/fr-par-1/routes"),
    ("PUT", "/lb/v1/zones/fr-par-1/backends/BACKEND"),
    ("PUT", "/lb/v1/zones/fr-par-1/backends/BACKEND/servers"),
    ("PUT", "/lb/v1/zones/fr-par-1/backends/BACKEND/healthcheck"),
]
# What makes a request likely to get past the first check.
RIGHT = {
    "name": "good-name",
    "commercial_type": "DEV1-S",
    "image": "debian_trixie",
    "action": "poweron",
    "volume_type": "l_ssd",
    "size": 10**10,
    "arch": "x86_64",
    "forward_protocol": "tcp",
    "forward_port": 80,
    "inbound_port": 80,
    "port": 80,
    "type": None,
    "subdomain": "sub",
    "domain": "example.test",
}


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_nonsense_is_refused_politely(lab: Lab, method: str, path: str) -> None:
    server = lab.server()
    group = lab.post("security_groups", {"name": "g"})["security_group"]
    balancer = lab.post("/lb/v1/zones/fr-par-1/lbs", {"name": "lb", "type": "LB-S"})
    body = {"name": "b", "forward_protocol": "tcp", "forward_port": 80}
    backend = lab.post(f"/lb/v1/zones/fr-par-1/lbs/{balancer['id']}/backends", body)
    for word, obj in (("SERVER", server), ("GROUP", group), ("BALANCER", balancer), ("BACKEND", backend)):
        path = path.replace(word, obj["id"])
    source = random.Random(path.count("/"))
    for _ in range(150):
        nonsense = {name: source.choice(JUNK) for name in source.sample(FIELDS, 6)}
        likely = {name: value for name, value in RIGHT.items() if source.random() < 0.8}
        answer = lab.request(method, path, {**likely, **nonsense})
        assert answer.status_code < 500, f"{nonsense} {answer.text}"
        if answer.status_code >= 400:
            assert answer.json()["message"]
    for path in ("servers", "images?public=false", "volumes", "security_groups", "ips"):
        lab.get(path)

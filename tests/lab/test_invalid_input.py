# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is sent to whichever endpoint, the lab answers in the API's shapes and never fails itself."""

from __future__ import annotations

import inspect
import random
import re
import sys
from typing import Any

import pytest
import requests
from ensemble_lab.web import fields
from ensemble_lab.web.app import services

from .conftest import Lab

NOBODY = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
Route = tuple[str, str, tuple[str, ...], fields.Kinds]
"""Method, path with its parameters in braces, the names that the handler's file knows, and what they mean."""


def _routes() -> list[Route]:
    """Of every service, below the first of its prefixes."""
    routes = []
    for service in services():
        for method, path, handler in service.handlers:
            source = inspect.getsource(sys.modules[handler.__module__])
            names = tuple(sorted(set(re.findall(r'"([a-z0-9_]{2,})"', source))))
            routes.append((method, service.prefixes[0] + path, names, service.kinds))
    return routes


ROUTES = _routes()
# Parameters of paths that are no ids, and those whose name is not the kind of what they name.
PLACES = {"zone": "fr-par-1", "region": "fr-par", "dns_zone": "example.test", "revision": "latest", "key": "cloud-init"}
KINDS = {
    "instance": {
        "group": "instance_security_group",
        "nic": "instance_private_nic",
        "rule": "instance_security_group_rule",
    },
    "block": {},
    "ipam": {"ip": "ipam_ip"},
    "vpc": {"network": "private_network", "rule": "ingress_rule", "connector": "vpc_connector"},
    "lb": {"network": "private_network"},
    "iam": {"key": "ssh_key", "access_key": "iam_api_key"},
    "cockpit": {"source": "cockpit_data_source"},
}


@pytest.fixture(scope="module")
def cloud(lab_process: Lab) -> dict[str, list[Any]]:
    """The state of a lab with something of everything in it."""
    lab = lab_process
    lab.post("/_emulator/reset")
    server, _ = lab.running(), lab.post("ips", {}, 201)
    lab.patch(f"servers/{server['id']}", {"tags": ["t"]})
    raw = {"data": b"x", "headers": {"Content-Type": "text/plain"}}
    lab.request("PATCH", f"servers/{server['id']}/user_data/cloud-init", expect=204, **raw)
    local = lab.post("volumes", {"name": "v", "volume_type": "l_ssd", "size": 10**10}, 201)["volume"]
    snapshot = lab.post("snapshots", {"name": "s", "volume_id": local["id"]}, 201)["snapshot"]
    lab.post("images", {"name": "i", "arch": "x86_64", "root_volume": snapshot["id"]}, 201)
    group = lab.post("security_groups", {"name": "g"}, 201)["security_group"]
    rule = {"action": "drop", "protocol": "ANY", "direction": "inbound", "ip_range": "0.0.0.0/0"}
    lab.post(f"security_groups/{group['id']}/rules", rule, 201)
    lab.post("placement_groups", {"name": "p"}, 201)
    lab.post("/instance/v2alpha1/zones/fr-par-1/templates", {"name": "t", "server_type": "DEV1-S"}, 200)
    block = lab.post("/block/v1/zones/fr-par-1/volumes", {"name": "v", "from_empty": {"size": 10**10}}, 200)
    lab.wait(f"/block/v1/zones/fr-par-1/volumes/{block['id']}", lambda body: body["status"] == "available")
    lab.post("/block/v1/zones/fr-par-1/snapshots", {"name": "s", "volume_id": block["id"]}, 200)
    _networks(lab, server)
    _balancer(lab)
    lab.post("/registry/v1/regions/fr-par/namespaces", {"name": "space"}, 200)
    lab.post("/_emulator/registry-pushes", {"namespace": "space", "image": "i", "tag": "t"})
    secret = lab.post("/secret-manager/v1beta1/regions/fr-par/secrets", {"name": "s"}, 200)
    lab.post(f"/secret-manager/v1beta1/regions/fr-par/secrets/{secret['id']}/versions", {"data": "eA=="}, 200)
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHxBqO9d2ZgIDjWFzDOJZ4sfkXeXyXV6pPGqEyYQ9Yx0"
    lab.post("/iam/v1alpha1/ssh-keys", {"name": "k", "public_key": key}, 200)
    application = lab.post("/iam/v1alpha1/applications", {"name": "a"}, 200)["id"]
    grants = {"permission_set_names": ["InstancesReadOnly"], "project_ids": [server["project"]]}
    lab.post("/iam/v1alpha1/policies", {"name": "p", "application_id": application, "rules": [grants]}, 200)
    lab.post("/iam/v1alpha1/api-keys", {"application_id": application}, 200)
    lab.post("/cockpit/v1/regions/fr-par/data-sources", {"name": "d", "type": "metrics"}, 200)
    _database(lab)
    lab.post("/_emulator/idle")
    return lab.get("/_emulator/state")


def _networks(lab: Lab, server: Any) -> None:
    region = "/vpc/v2/regions/fr-par"
    one, two = (lab.post(f"{region}/vpcs", {"name": name}, 200)["id"] for name in ("one", "two"))
    network = lab.post(f"{region}/private-networks", {"name": "n", "vpc_id": one}, 200)["id"]
    lab.post(f"servers/{server['id']}/private_nics", {"private_network_id": network}, 201)
    lab.post("/ipam/v1/regions/fr-par/ips", {"source": {"private_network_id": network}}, 200)
    route = {"vpc_id": one, "destination": "10.9.0.0/24", "nexthop_private_network_id": network}
    lab.post(f"{region}/routes", route, 200)
    rule = {"vpc_id": one, "source": "10.9.0.0/24", "nexthop_private_network_id": network}
    lab.post(f"{region}/ingress-rules", {**rule, "nexthop_resource_ip": "172.16.4.5"}, 200)
    lab.post(f"{region}/vpc-connectors", {"vpc_id": one, "target_vpc_id": two}, 200)


def _database(lab: Lab) -> None:
    region = "/rdb/v1/regions/fr-par"
    body = {"name": "d", "engine": "PostgreSQL-15", "node_type": "db-dev-s"}
    ident = lab.post(f"{region}/instances", body, 200)["id"]
    instance = f"{region}/instances/{ident}"
    lab.wait(instance, lambda body: body["status"] == "ready")
    lab.post(f"{instance}/users", {"name": "u", "password": "Good-Passw0rd"}, 200)
    lab.post(f"{instance}/databases", {"name": "b"}, 200)
    lab.post(f"{instance}/prepare-logs", {}, 200)
    lab.post(f"{region}/backups", {"instance_id": ident, "database_name": "b"}, 200)
    lab.post(f"{instance}/snapshots", {"name": "s"}, 200)
    lab.post(f"{region}/read-replicas", {"instance_id": ident}, 200)


def _balancer(lab: Lab) -> None:
    zone = "/lb/v1/zones/fr-par-1"
    lb = lab.post(f"{zone}/lbs", {"name": "lb", "type": "LB-S"}, 200)["id"]
    body = {"name": "b", "forward_protocol": "http", "forward_port": 80, "server_ip": ["10.0.0.1"]}
    backend = lab.post(f"{zone}/lbs/{lb}/backends", body, 200)["id"]
    frontend = lab.post(f"{zone}/lbs/{lb}/frontends", {"name": "f", "inbound_port": 80, "backend_id": backend}, 200)[
        "id"
    ]
    acl = {"name": "a", "index": 1, "action": {"type": "allow"}, "match": {"ip_subnet": ["10.0.0.0/8"]}}
    lab.post(f"{zone}/frontends/{frontend}/acls", acl, 200)
    match = {"host_header": "example.test"}
    lab.post(f"{zone}/routes", {"frontend_id": frontend, "backend_id": backend, "match": match}, 200)
    lab.post(f"{zone}/lbs/{lb}/certificates", {"name": "c", "letsencrypt": {"common_name": "example.test"}}, 200)
    lab.post(f"{zone}/subscribers", {"name": "s", "email_config": {"email": "ops@example.test"}}, 200)


def _there(path: str, state: dict[str, list[Any]]) -> str:
    """The path, with its parameters naming things that are there."""
    api = path.split("/")[1]

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        kind = KINDS.get(api, {}).get(name)
        if kind is None and name in PLACES:
            return PLACES[name]
        kinds = [kind] if kind else [f"{api}_{name}", name, f"secret_{name}"]
        return next((state[kind][-1]["id"] for kind in kinds if state.get(kind)), NOBODY)

    return re.sub(r"\{(\w+)\}", fill, path)


# What makes a request likely to get past the first checks.
RIGHT: dict[str, Any] = {
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
    "domain": "example.test",
    "subdomain": "sub",
    "destination": "10.7.0.0/24",
    "default_policy": "drop",
    "ip_range": "10.0.0.0/8",
    "protocol": "TCP",
    "direction": "inbound",
    "engine": "PostgreSQL-15",
    "node_type": "db-dev-s",
    "volume_size": 10**10,
    "password": "Good-Passw0rd",
}
TEXTS = ["", "x", "\x00", "é" * 300, "x" * 5000, "-1", "../..", "0.0.0.0/99", "10.0.0.1/8", "10.0.0.1", NOBODY, "%00"]
NUMBERS = [-1, 0, 1, 2, 80, 65536, 10**10, 2**63, 10**30]
ANYTHING = [None, True, 7, -1.5, "x", [], {}, [None], [{}], ["x"], {"x": 1}, {"id": None}, {"0": {}}]


class InvalidInput:
    """Requests that are wrong here and there; the same ones for the same endpoint."""

    def __init__(self, seed: str, names: tuple[str, ...], kinds: fields.Kinds, ids: list[str]):
        self.random, self.kinds, self.ids = random.Random(seed), kinds, ids
        self.names = [name for name in names if name in kinds] or list(names)

    def body(self, depth: int = 2) -> dict[str, Any]:
        """Mostly values of the right kind, though wrong; now and then of any kind."""
        names = self.random.sample(self.names, min(len(self.names), self.random.randint(1, 4)))
        right = {name: value for name, value in RIGHT.items() if name in self.names and self.random.random() < 0.8}
        return {**(right if depth == 2 else {}), **{name: self.value(name, depth) for name in names}}

    def value(self, name: str, depth: int) -> Any:
        draw, kind = self.random, self.kinds.get(name, ("", object))[1]
        if draw.random() < 0.1:
            return draw.choice(ANYTHING)
        if kind is dict:
            inner = self.body(depth - 1) if depth else {}
            return draw.choice([inner, {"0": inner}, {"id": draw.choice(self.ids)}])
        if kind is list:
            text = draw.choice(TEXTS + self.ids)
            return draw.choice([[], [text], [text, text], [self.body(depth - 1)] if depth else []])
        return draw.choice({bool: [True, False], (int, str): NUMBERS}.get(kind, TEXTS + self.ids))

    def query(self) -> list[tuple[str, str]]:
        values = ["", "-1", "0", "1e9", "999999999999", "true", "x", "x,y", NOBODY, "created_at_desc", "\x00"]
        names = [*self.names, "page", "per_page", "page_size", "order_by", "tags"]
        return [(self.random.choice(names), self.random.choice(values)) for _ in range(self.random.randint(1, 5))]


def politely(answer: requests.Response, sent: Any) -> None:
    """Success, or a refusal in one of the API's shapes."""
    told = f"{answer.request.method} {answer.request.url} {sent} -> {answer.status_code} {answer.text}"
    assert answer.status_code < 500, told
    if answer.status_code >= 400 and answer.content:
        problem = answer.json()
        assert problem["message"], told
        for detail in problem.get("details", []) if problem.get("type") == "invalid_arguments" else []:
            assert set(detail) == {"argument_name", "reason", "help_message"}, told
            assert detail["reason"] in ("required", "format", "constraint", "unknown"), told


def lists_of(path: str, state: dict[str, list[Any]]) -> list[str]:
    """All lists of the same API: what was sent must not have spoilt them."""
    api = path.split("/")[1]
    plain = [route for method, route, *_ in ROUTES if method == "GET" and route.split("/")[1] == api]
    return [_there(route, state) for route in plain if not route.endswith("}")]


@pytest.mark.parametrize(
    ("method", "path", "names", "kinds"), ROUTES, ids=[f"{method} {path}" for method, path, *_ in ROUTES]
)
def test_invalid_input_is_refused_politely(
    lab_process: Lab, cloud: dict[str, list[Any]], method: str, path: str, names: tuple[str, ...], kinds: fields.Kinds
) -> None:
    lab_process.put("/_emulator/state", cloud)
    ids = sorted({obj["id"] for objects in cloud.values() for obj in objects})
    invalid, url = InvalidInput(f"{method} {path}", names, kinds, ids), _there(path, cloud)
    for _ in range(40):
        asked, body = (invalid.query(), None) if method == "GET" else (None, invalid.body())
        politely(lab_process.request(method, url, body, params=asked), asked or body)
    for listed in lists_of(path, cloud) if method != "GET" else ():
        politely(lab_process.request("GET", listed, params={"scheduled_for_deletion": "false"}), path)


def test_places_that_do_not_exist(lab: Lab) -> None:
    for method, path, *_ in ROUTES:
        for place in ("zone", "region"):
            if f"{{{place}}}" in path:
                answer = lab.request(method, _there(path.replace(f"{{{place}}}", "mars-1"), {}), {})
                assert answer.status_code == 400, f"{method} {path} {answer.text}"
                assert answer.json()["details"][0]["argument_name"] == place


def test_things_that_do_not_exist(lab: Lab) -> None:
    """Every path that names something says that it is not there, whatever the method."""
    for method, path, *_ in ROUTES:
        named = re.findall(r"\{(\w+)\}", path)
        if any(name not in PLACES for name in named):
            answer = lab.request(method, _there(path, {}), {})
            assert answer.status_code in (404, 400), f"{method} {path} {answer.status_code} {answer.text}"

# SPDX-License-Identifier: GPL-3.0-or-later
"""What all APIs share: tokens, envelopes, pages, filters, refusals."""

from __future__ import annotations

import pytest
import requests

from .conftest import PROJECT, Lab

NOBODY = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
READS = [
    "/instance/v1/zones/fr-par-1/servers",
    "/block/v1/zones/fr-par-1/volumes",
    "/lb/v1/zones/fr-par-1/lbs",
    "/domain/v2beta1/dns-zones",
    "/iam/v1alpha1/ssh-keys",
    "/registry/v1/regions/fr-par/namespaces",
    "/vpc/v2/regions/fr-par/vpcs",
    "/ipam/v1/regions/fr-par/ips",
    "/account/v3/projects",
    "/rdb/v1/regions/fr-par/instances",
]


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("token", [None, "33333333-3333-4333-8333-333333333333"])
def test_a_wrong_token_is_refused(lab: Lab, path: str, token: str | None) -> None:
    answer = requests.get(lab.url + path, headers={"X-Auth-Token": token} if token else {}, timeout=10)
    assert answer.status_code == 401
    assert answer.json()["type"] == "denied_authentication"
    assert answer.json()["reason"] == "not_found"


def test_the_marketplace_is_open(lab: Lab) -> None:
    assert requests.get(f"{lab.url}/marketplace/v2/images", timeout=10).ok


def test_an_endpoint_that_is_not_there_is_named_in_the_log(lab: Lab) -> None:
    answer = lab.get("/instance/v1/zones/fr-par-1/bootscripts", 404)
    assert answer["type"] == "not_found"
    assert "not in the lab: GET /instance/v1/zones/fr-par-1/bootscripts" in lab.log()
    assert lab.request("DELETE", "servers").status_code == 405


def test_an_unknown_zone_is_refused(lab: Lab) -> None:
    problem = lab.get("/instance/v1/zones/mars-1/servers", 400)
    assert problem["details"][0]["argument_name"] == "zone"


def test_instance_pages_and_their_links(lab: Lab) -> None:
    for number in range(5):
        lab.post("ips", {"tags": [f"n{number}"]}, 201)
    first = lab.request("GET", "ips?per_page=2&tags=")
    assert first.headers["X-Total-Count"] == "5"
    assert (
        first.headers["Link"] == '</ips?page=2&per_page=2&tags=>; rel="next",</ips?page=3&per_page=2&tags=>; rel="last"'
    )
    second = lab.request("GET", "ips?page=2&per_page=2")
    assert [ip["tags"] for ip in second.json()["ips"]] == [["n2"], ["n3"]]
    assert second.headers["Link"] == (
        '</ips?page=1&per_page=2&>; rel="first",</ips?page=1&per_page=2&>; rel="previous",'
        '</ips?page=3&per_page=2&>; rel="next",</ips?page=3&per_page=2&>; rel="last"'
    )
    nothing = lab.request("GET", "ips?tags=other")
    assert nothing.headers["Link"] == '</ips?page=0&per_page=50&tags=other>; rel="last"'


def test_pages_of_the_other_apis(lab: Lab) -> None:
    for number in range(25):
        lab.post("/vpc/v2/regions/fr-par/vpcs", {"name": f"v{number}"})
    page = lab.get("/vpc/v2/regions/fr-par/vpcs")
    assert (len(page["vpcs"]), page["total_count"]) == (20, 25)
    newest = lab.get("/vpc/v2/regions/fr-par/vpcs?order_by=created_at_desc&page_size=10&page=3")
    assert [vpc["name"] for vpc in newest["vpcs"]] == ["v4", "v3", "v2", "v1", "v0"]


def test_name_filters_find_substrings(lab: Lab) -> None:
    for name in ("h-1", "h-10", "api-1"):
        lab.server(name)
    assert {server["name"] for server in lab.get("servers?name=h-1")["servers"]} == {"h-1", "h-10"}


def test_tags_are_anded_and_come_in_two_forms(lab: Lab) -> None:
    lab.server("a", tags=["x", "y"])
    lab.server("b", tags=["x"])
    assert [server["name"] for server in lab.get("servers?tags=x,y")["servers"]] == ["a"]
    lab.post("/lb/v1/zones/fr-par-1/ips", {"tags": ["x", "y"]})
    lab.post("/lb/v1/zones/fr-par-1/ips", {"tags": ["x"]})
    assert lab.get("/lb/v1/zones/fr-par-1/ips?tags=x&tags=y")["total_count"] == 1


def test_post_of_instance_says_where_the_object_is(lab: Lab) -> None:
    answer = lab.request("POST", "placement_groups", {"name": "pg"}, 201)
    ident = answer.json()["placement_group"]["id"]
    assert answer.headers["Location"] == f"{lab.url}/instance/v1/zones/fr-par-1/placement_groups/{ident}"
    assert answer.text.startswith('{"placement_group": {')


def test_others_answer_200_with_the_bare_object(lab: Lab) -> None:
    answer = lab.request("POST", "/vpc/v2/regions/fr-par/vpcs", {"name": "v"}, 200)
    assert answer.json()["name"] == "v"


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        ("servers", "instance_server"),
        ("volumes", "instance_volume"),
        ("snapshots", "instance_snapshot"),
        ("images", "instance_image"),
        ("ips", "instance_ip"),
        ("security_groups", "instance_security_group"),
        ("placement_groups", "instance_placement_group"),
        ("/block/v1/zones/fr-par-1/volumes", "volume"),
        ("/block/v1/zones/fr-par-1/snapshots", "snapshot"),
        ("/ipam/v1/regions/fr-par/ips", "ip"),
        ("/vpc/v2/regions/fr-par/vpcs", "vpc"),
        ("/vpc/v2/regions/fr-par/private-networks", "private_network"),
        ("/iam/v1alpha1/ssh-keys", "ssh_key"),
        ("/secret-manager/v1beta1/regions/fr-par/secrets", "secret"),
        ("/account/v3/projects", "project_id"),
    ],
)
def test_what_is_not_there_is_named(lab: Lab, path: str, resource: str) -> None:
    for method in ("GET", "DELETE"):
        assert lab.request(method, f"{path}/{NOBODY}", expect=404).json() == {
            "type": "not_found",
            "message": "resource is not found",
            "resource": resource,
            "resource_id": NOBODY,
        }


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/lb/v1/zones/fr-par-1/lbs", "lbs not Found"),
        ("/lb/v1/zones/fr-par-1/ips", "ips not Found"),
        ("/lb/v1/zones/fr-par-1/backends", "backend not Found"),
        ("/lb/v1/zones/fr-par-1/frontends", "frontend not Found"),
        ("/lb/v1/zones/fr-par-1/certificates", "certificate not Found"),
        ("/lb/v1/zones/fr-par-1/routes", "privateNetwork not Found"),
        ("/registry/v1/regions/fr-par/namespaces", "Namespace was not found"),
    ],
)
def test_balancers_and_registry_only_have_a_message(lab: Lab, path: str, message: str) -> None:
    assert lab.get(f"{path}/{NOBODY}", 404) == {"message": message}


@pytest.mark.parametrize(
    ("path", "missing"),
    [
        ("servers", "commercial_type"),
        ("volumes", "name"),
        ("snapshots", "name"),
        ("images", "name"),
        ("security_groups", "name"),
        ("placement_groups", "name"),
        ("/block/v1/zones/fr-par-1/volumes", "name"),
        ("/iam/v1alpha1/ssh-keys", "public_key"),
        ("/registry/v1/regions/fr-par/namespaces", "name"),
        ("/secret-manager/v1beta1/regions/fr-par/secrets", "name"),
        ("/domain/v2beta1/dns-zones", "domain"),
    ],
)
def test_missing_arguments_are_named(lab: Lab, path: str, missing: str) -> None:
    problem = lab.post(path, {}, 400)
    assert problem["type"] == "invalid_arguments"
    detail = {"argument_name": missing, "reason": "required", "help_message": "required key not provided"}
    assert detail in problem["details"]


def test_bodies_that_are_not_json(lab: Lab) -> None:
    url = f"{lab.url}/instance/v1/zones/fr-par-1/servers"
    for body in ("{", "[]", "nothing"):
        answer = lab.http.post(url, data=body, headers={"Content-Type": "application/json"}, timeout=10)
        assert (answer.status_code, answer.json()["details"][0]["reason"]) == (400, "format")


def test_get_and_delete_may_carry_a_body(lab: Lab) -> None:
    assert lab.request("GET", "servers", {}).ok
    assert lab.http.get(f"{lab.url}/instance/v1/zones/fr-par-1/servers", data="null", timeout=10).ok
    assert lab.request("DELETE", f"servers/{lab.server()['id']}", {}).status_code == 204


def test_a_project_that_does_not_exist_is_refused(lab: Lab) -> None:
    assert lab.post("ips", {"project": NOBODY}, 403)["type"] == "permissions_denied"
    assert (
        lab.post("/vpc/v2/regions/fr-par/vpcs", {"name": "v", "project_id": NOBODY}, 403)["type"]
        == "permissions_denied"
    )


def test_the_default_project_is_the_organisation(lab: Lab) -> None:
    server = lab.server()
    assert server["project"] == server["organization"] == PROJECT


def test_quotas(lab: Lab) -> None:
    lab.put("/_emulator/quotas", {"instance_ip": 1})
    lab.post("ips", {}, 201)
    assert lab.post("ips", {}, 403) == {
        "type": "quotas_exceeded",
        "message": "quota(s) exceeded for this resource",
        "details": [{"resource": "instance_ip", "quota": 1, "current": 1}],
    }

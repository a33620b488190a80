# SPDX-License-Identifier: GPL-3.0-or-later
"""DNS zones and records."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from .conftest import Lab

ZONES = "/domain/v2beta1/dns-zones"
ROOT = f"{ZONES}/example.test"


def change(lab: Lab, *changes: Any, zone: str = "example.test", expect: int = 200, **more: Any) -> Any:
    body = {"changes": list(changes), "return_all_records": False, "disallow_new_zone_creation": False, **more}
    return lab.patch(f"{ZONES}/{zone}/records", body, expect)


def add(name: str, data: str, kind: str = "A", **fields: Any) -> Any:
    return {"add": {"records": [{"name": name, "type": kind, "data": data, "ttl": 60, **fields}]}}


def records(lab: Lab, **asked: Any) -> list[Any]:
    return lab.get(f"{ROOT}/records", params=asked)["records"]


def test_the_root_zone_is_there_with_its_name_servers(lab: Lab) -> None:
    zone = lab.get(f"{ZONES}?domain=example.test")["dns_zones"][0]
    assert (zone["domain"], zone["subdomain"], zone["ns"]) == (
        "example.test",
        "",
        ["ns0.dom.scw.cloud", "ns1.dom.scw.cloud"],
    )
    assert [(r["type"], r["name"], r["data"], r["ttl"]) for r in records(lab)] == [
        ("NS", "", "ns0.dom.scw.cloud.", 1800),
        ("NS", "", "ns1.dom.scw.cloud.", 1800),
    ]


def test_only_what_was_touched_is_answered(lab: Lab) -> None:
    made = change(lab, add("h-1", "10.0.0.1"))["records"]
    assert [(r["name"], r["data"], r["ttl"], r["priority"], r["comment"]) for r in made] == [
        ("h-1", "10.0.0.1", 60, 0, None)
    ]
    assert change(lab, {"delete": {"id": made[0]["id"]}}) == {"records": []}
    assert len(change(lab, add("h-2", "10.0.0.2"), return_all_records=True)["records"]) == 3


def test_a_change_makes_the_zone_pending_for_a_while(lab: Lab) -> None:
    change(lab, add("h-1", "10.0.0.1"))
    lab.wait(f"{ZONES}?dns_zone=example.test", lambda body: body["dns_zones"][0]["status"] == "active")


@pytest.mark.parametrize(
    ("asked", "data", "priority"),
    [
        ({"type": "TXT", "data": "this"}, '"this"', 0),
        ({"type": "TXT", "data": '"quoted"'}, '"quoted"', 0),
        ({"type": "MX", "data": "mx.example.", "priority": 10}, "10 mx.example.", 10),
        ({"type": "MX", "data": "5 mx.example."}, "5 mx.example.", 5),
        ({"type": "SRV", "data": "0 1234 foo.example.", "priority": 7}, "7 0 1234 foo.example.", 7),
        ({"type": "CNAME", "data": "other.example."}, "other.example.", 0),
        ({"type": "AAAA", "data": "2001:db8::1"}, "2001:db8::1", 0),
    ],
)
def test_records_in_their_normal_form(lab: Lab, asked: Any, data: str, priority: int) -> None:
    made = change(lab, {"add": {"records": [{"name": "n", **asked}]}})["records"][0]
    assert (made["data"], made["priority"], made["ttl"]) == (data, priority, 3600)


@pytest.mark.parametrize(
    ("name", "kept"), [("@", ""), ("", ""), ("a.example.test.", "a"), ("a.b", "a.b"), ("example.test", "")]
)
def test_names_are_relative_to_the_zone(lab: Lab, name: str, kept: str) -> None:
    assert change(lab, add(name, "10.0.0.1"))["records"][0]["name"] == kept


def test_set_by_id_keeps_the_id_and_by_fields_replaces_the_set(lab: Lab) -> None:
    first = change(lab, add("h", "10.0.0.1"), add("h", "10.0.0.2"))["records"]
    new = {"name": "h", "type": "A", "data": "10.0.0.3", "ttl": 300}
    kept = change(lab, {"set": {"id": first[0]["id"], "records": [new]}})["records"]
    assert (kept[0]["id"], kept[0]["data"]) == (first[0]["id"], "10.0.0.3")
    fields = {"name": "h", "type": "A"}
    change(lab, {"set": {"id_fields": fields, "records": [{**new, "data": "10.0.0.4"}]}})
    assert [r["data"] for r in records(lab, name="h", type="A")] == ["10.0.0.4"]
    change(lab, {"set": {"id_fields": {**fields, "data": "10.0.0.9"}, "records": [{**new, "data": "10.0.0.9"}]}})
    assert {r["data"] for r in records(lab, name="h")} == {"10.0.0.4", "10.0.0.9"}
    change(lab, {"delete": {"id_fields": {**fields, "data": "10.0.0.4"}}})
    assert [r["data"] for r in records(lab, name="h")] == ["10.0.0.9"]
    change(lab, {"clear": {}})
    assert {r["type"] for r in records(lab)} == {"NS"}


def test_all_changes_or_none(lab: Lab) -> None:
    change(lab, add("a", "10.0.0.1"), add("b", "nonsense"), expect=400)
    change(lab, add("a", "10.0.0.1"), {"delete": {"id": "nobody"}}, expect=404)
    assert {r["type"] for r in records(lab)} == {"NS"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "A", "data": "::1"},
        {"type": "WHAT", "data": "x"},
        {"type": "A"},
        {"type": "A", "data": "10.0.0.1", "ttl": 1},
    ],
)
def test_records_that_cannot_be(lab: Lab, wrong: Any) -> None:
    assert change(lab, {"add": {"records": [{"name": "n", **wrong}]}}, expect=400)["type"] == "invalid_arguments"


def test_clashes(lab: Lab) -> None:
    change(lab, add("h", "10.0.0.1"))
    change(lab, add("h", "10.0.0.1"), expect=400)
    change(lab, add("h", "other.example.", "CNAME"), expect=400)


def test_a_zone_below_an_owned_one_is_made_on_the_way(lab: Lab) -> None:
    change(lab, add("www", "10.0.0.1"), zone="sub.example.test")
    zone = lab.get(f"{ZONES}?domain=&dns_zones=sub.example.test")["dns_zones"][0]
    assert (zone["domain"], zone["subdomain"]) == ("example.test", "sub")
    assert len(lab.get(f"{ZONES}/sub.example.test/records")["records"]) == 3
    change(lab, add("www", "10.0.0.1"), zone="other.example.test", disallow_new_zone_creation=True, expect=403)
    change(lab, add("www", "10.0.0.1"), zone="example.com", expect=403)
    assert lab.get(f"{ZONES}/other.example.test/records", 403)["type"] == "permissions_denied"


def test_zones_of_ones_own(lab: Lab) -> None:
    made = lab.post(ZONES, {"domain": "example.test", "subdomain": "zone"}, 200)
    assert (made["status"], made["subdomain"]) == ("active", "zone")
    lab.post(ZONES, {"domain": "example.test", "subdomain": "zone"}, 409)
    lab.post(ZONES, {"domain": "example.com", "subdomain": "zone"}, 404)
    assert lab.delete(f"{ZONES}/zone.example.test", 200) == {}
    assert lab.get(f"{ZONES}?dns_zone=zone.example.test")["total_count"] == 0
    assert lab.delete(ROOT, 403) == {"message": "root zone can't be deleted"}


def test_names_of_fields_may_have_humps(lab: Lab) -> None:
    change(lab, add("h", "10.0.0.1"))
    body = {"changes": [{"delete": {"idFields": {"name": "h", "type": "A"}}}], "returnAllRecords": False}
    assert lab.patch(f"{ROOT}/records", body) == {"records": []}
    assert records(lab, name="h") == []


def test_extras_show_only_where_they_are_used(lab: Lab) -> None:
    config = {"weighted_ips": [{"ip": "10.0.0.1", "weight": 1}]}
    made = change(lab, add("w", "10.0.0.1", weighted_config=config), add("x", "10.0.0.2"))["records"]
    assert made[0]["weighted_config"] == config
    assert "weighted_config" not in made[1]


def test_lists_by_name_type_and_id(lab: Lab) -> None:
    made = change(lab, add("b", "10.0.0.1"), add("a", "10.0.0.2"), add("a", "text", "TXT"))["records"]
    assert [r["name"] for r in records(lab, name="", type="unknown", order_by="name_asc")] == ["", "", "a", "a", "b"]
    assert [r["data"] for r in records(lab, name="a", type="TXT")] == ['"text"']
    assert [r["name"] for r in records(lab, id=made[0]["id"], name="", type="unknown")] == ["b"]


def test_the_root_zone_is_there_once(lab: Lab) -> None:
    before = records(lab)
    lab.post(ZONES, {"domain": "example.test", "subdomain": ""}, 409)
    assert records(lab) == before


def test_zones_are_renamed_and_cloned_with_their_records(lab: Lab) -> None:
    change(lab, add("www", "10.0.0.1"), zone="old.example.test")
    moved = lab.patch(f"{ZONES}/old.example.test", {"new_dns_zone": "new.example.test"})
    assert (moved["domain"], moved["subdomain"]) == ("example.test", "new")
    lab.get(f"{ZONES}/old.example.test/records", 403)
    lab.patch(ROOT, {"new_dns_zone": "elsewhere.example.test"}, 400)
    lab.post(f"{ZONES}/new.example.test/clone", {"dest_dns_zone": "copy.example.test", "overwrite": False}, 200)
    lab.post(f"{ZONES}/new.example.test/clone", {"dest_dns_zone": "copy.example.test", "overwrite": False}, 409)
    lab.post(f"{ZONES}/new.example.test/clone", {"dest_dns_zone": "copy.example.test", "overwrite": True}, 200)
    kept, copied = (lab.get(f"{ZONES}/{name}.example.test/records")["records"] for name in ("new", "copy"))
    assert [(r["name"], r["type"], r["data"]) for r in kept] == [(r["name"], r["type"], r["data"]) for r in copied]
    assert {r["id"] for r in kept}.isdisjoint(r["id"] for r in copied)


def test_name_servers_and_their_glue(lab: Lab) -> None:
    servers = [{"name": "ns.example.test", "ip": ["10.0.0.1"]}, {"name": "ns.example.net", "ip": []}]
    assert lab.put(f"{ROOT}/nameservers", {"ns": servers}) == {"ns": servers}
    assert lab.get(f"{ZONES}?dns_zone=example.test")["dns_zones"][0]["ns"] == ["ns.example.test", "ns.example.net"]


def test_a_zone_goes_out_as_a_file_and_comes_in_again(lab: Lab) -> None:
    desired = [add("h", "10.0.0.1"), add("", "mx.example.", "MX", priority=10), add("t", "v=x; p=y", "TXT")]
    change(lab, *desired, add("_sip._tcp", "0 5060 sip.example.", "SRV", priority=5))
    before = records(lab)
    file = lab.get(f"{ROOT}/raw")
    text = base64.b64decode(file["content"]).decode()
    assert "h 60 IN A 10.0.0.1\n" in text
    assert lab.delete(f"{ROOT}/records", 200) == {}
    assert {r["type"] for r in records(lab)} == {"NS"}
    lab.post(f"{ROOT}/raw", {"bind_source": {"content": text}}, 200)
    assert [(r["name"], r["type"], r["data"], r["ttl"]) for r in records(lab)] == [
        (r["name"], r["type"], r["data"], r["ttl"]) for r in before
    ]
    lab.post(f"{ROOT}/raw", {"bind_source": {"content": "h 60 IN A nonsense"}}, 400)

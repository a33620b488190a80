# SPDX-License-Identifier: GPL-3.0-or-later
"""A wrong desired is one clear sentence, and nothing was made."""

from __future__ import annotations

import time

import pytest
from modules_lifecycles import BACKEND, FRONTEND, IN_GROUPS, KEY, LB, LOCAL_DISK, SERVER
from modules_support import Lab, Runner, free_port

WRONG = {
    "unknown server type": ("server", {**SERVER, "commercial_type": "DEV1-XXL"}, "Did you mean"),
    "unknown image": ("server", {**SERVER, "image": "no-such-image"}, "no image 'no-such-image'"),
    "unknown label": ("server", {**SERVER, "image": "debian_potato"}, "debian_potato"),
    "no image": ("server", {"name": "x", "commercial_type": "DEV1-S"}, "needs an image"),
    "disk too large": ("server", {**SERVER, "volumes": {"0": {"volume_type": "l_ssd", "size": 10**12}}}, "do not fit"),
    "no local disk": ("server", {**SERVER, "commercial_type": "PRO2-XXS", "volumes": LOCAL_DISK}, "no local disk"),
    "unknown security group": ("server", {**SERVER, "security_group": "none"}, "no security group 'none'"),
    "unknown address": ("server", {**SERVER, "public_ips": ["none"]}, "no address 'none'"),
    "a port that is none": ("security_group", {"name": "x", "rules": [{"dest_port_from": 70000}]}, "70000"),
    "ports backwards": ("security_group", {"name": "x", "rules": [{"dest_port_from": 9, "dest_port_to": 8}]}, "9 to 8"),
    "rules from nowhere": ("security_group", {"name": "x", "rules": [{"ip_range": "10.0.0.0/33"}]}, "/33' is not"),
    "speed of a local disk": (
        "volume",
        {"name": "x", "size": 10**10, "volume_type": "l_ssd", "perf_iops": 5000},
        "SBS volumes only",
    ),
    "not a pattern": (
        "dns_record",
        {"dns_zone": "ensemble.test", "records": [], "exclusive_names": "h-["},
        "not a regular expression",
    ),
    "zone of others": ("dns_record", {"dns_zone": "example.com", "records": []}, "does not belong to this account"),
    "not an address": (
        "dns_record",
        {"dns_zone": "ensemble.test", "records": [{"name": "a", "data": ["here"]}]},
        "'here' is not a valid address",
    ),
    "zone below nothing owned": ("dns_zone", {"name": "meet.example.com"}, "owns no parent domain"),
    "backend of no balancer": ("lb_backend", {"lb": "none", "name": "x"}, "no load balancer 'none'"),
    "image of no server": ("image", {"name": "x", "server": "none"}, "no server 'none'"),
    "image of nothing": ("image", {"name": "x"}, "either server or snapshots"),
    "volume without size": ("volume", {"name": "x"}, "size"),
    "key of no application": ("iam_api_key", {"name": "x", "application": "none"}, "no application 'none'"),
    "key that ends at no time": (
        "iam_api_key",
        {"name": "x", "application": "22222222-2222-4222-8222-222222222229", "expires_at": "soon"},
        "not a time such as",
    ),
    "policy without rules": ("iam_policy", {"name": "x"}, "needs rules"),
    "rule for no project": (
        "iam_policy",
        {"name": "x", "rules": [{"permission_set_names": ["InstancesReadOnly"], "project_ids": []}]},
        "project_ids is empty",
    ),
    "rule of nothing": ("iam_policy", {"name": "x", "rules": [{"permission_set_names": []}]}, "grants nothing"),
    "no such id": ("ssh_key", {"id": "22222222-2222-4222-8222-222222222229"}, "There is no SSH key"),
    "wrong key": ("ssh_key", {"name": "x", "secret_key": "33333333-3333-4333-8333-333333333333"}, "secret key"),
    "malformed key": ("ssh_key", {"name": "x", "secret_key": "hunter2"}, "must be a UUID"),
    "malformed project": ("ip", {"name": "x", "project_id": "production"}, "must be a UUID"),
    "malformed region": ("private_network", {"name": "x", "region": "paris"}, "region 'paris'"),
    "malformed zone": ("ip", {"name": "x", "zone": "paris"}, "zone 'paris'"),
    "not a URL": ("ip", {"name": "x", "api_url": "api.scaleway.com"}, "not an http(s) URL"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(WRONG))
def test_wrong_wish(name: str, lab: Lab, run: Runner) -> None:
    module, arguments, said = WRONG[name]
    message = run.error(module, **arguments)
    assert said in message
    assert "hunter2" not in message
    assert "33333333" not in message
    assert lab.writes() == []


def test_api_that_is_not_there(lab: Lab, run: Runner) -> None:
    start = time.monotonic()
    message = run.error("ssh_key", name="x", public_key=KEY, api_url=f"http://127.0.0.1:{free_port()}")
    assert "cannot be reached" in message
    assert time.monotonic() - start < 10


def test_api_whose_name_nobody_knows(lab: Lab, run: Runner) -> None:
    assert "cannot be reached" in run.error("ip", name="x", api_url="http://api.invalid")


def test_something_else_behind_the_url(lab: Lab, run: Runner) -> None:
    assert "404" in run.error("ip", name="x", api_url=f"{lab.url}/elsewhere")


def test_two_of_one_name(lab: Lab, run: Runner) -> None:
    """Names are exact: builder-1 is not builder-10. Two of the same are an error, and ids help."""
    run.ok("server", **{**SERVER, "name": "builder-10"})
    assert run.ok("server", name="builder-1", state="absent")["changed"] is False
    import requests

    for _ in range(2):
        body = {"name": "twice", "project": lab.account["project_id"]}
        headers = {"X-Auth-Token": lab.account["secret_key"]}
        url = f"{lab.url}/instance/v1/zones/fr-par-1/placement_groups"
        requests.post(url, json=body, headers=headers, timeout=10).raise_for_status()
    message = run.error("placement_group", name="twice", policy_mode="enforced")
    assert "2 of placement group twice" in message
    ident = lab.state()["instance_placement_group"][0]["id"]
    assert run.ok("placement_group", id=ident, name="once")["placement_group"]["name"] == "once"
    assert run.ok("placement_group", name="twice", state="absent")["changed"]


def test_what_cannot_change_in_place(lab: Lab, run: Runner) -> None:
    run.ok("ssh_key", name="op", public_key=KEY)
    other = KEY.replace("IJK0", "IJK1")
    assert "recreate: true" in run.error("ssh_key", name="op", public_key=other)
    assert run.ok("ssh_key", name="op", public_key=other, recreate=True)["changed"]
    assert len(lab.state()["ssh_key"]) == 1


def test_nothing_is_removed_that_could_not_be_made_anew(lab: Lab, run: Runner) -> None:
    run.ok("server", **SERVER, state="running")
    lab.forget_requests()
    other = {"name": "builder", "commercial_type": "PRO2-XXS", "state": "running", "recreate": True}
    assert "needs an image" in run.error("server", **other)
    assert lab.writes() == []


def test_type_of_a_server(lab: Lab, run: Runner) -> None:
    """In place while it is off, and only then."""
    desired = {**SERVER, "volumes": LOCAL_DISK}
    first = run.ok("server", **desired, state="running")["server"]["id"]
    bigger = {**desired, "commercial_type": "DEV1-M"}
    message = run.error("server", **bigger, state="running")
    assert "commercial_type" in message
    assert "With state: stopped" in message
    assert run.ok("server", **bigger, state="stopped")["server"]["id"] == first
    assert run.ok("server", **bigger, state="running")["server"]["commercial_type"] == "DEV1-M"
    again = run.ok("server", **{**bigger, "commercial_type": "DEV1-L"}, state="running", recreate=True)["server"]
    assert again["id"] != first
    assert len(lab.state()["instance_volume"]) == 1


def test_rebuilt_from_another_image(lab: Lab, run: Runner) -> None:
    run.ok("ip", name="kept")
    desired = {**SERVER, "volumes": LOCAL_DISK, "dynamic_ip_required": False, "public_ips": ["kept"]}
    first = run.ok("server", **desired, state="running")["server"]
    run.ok("server", name="builder", state="stopped")
    run.ok("image", name="golden", server="builder")
    desired["image"] = "golden"
    assert run.ok("server", **desired, state="running")["server"]["id"] == first["id"]
    second = run.ok("server", **desired, state="rebuilt")["server"]
    assert second["id"] != first["id"]
    assert second["public_address"] == first["public_address"]
    assert run.ok("server", **desired, state="rebuilt")["changed"] is False


def test_image_of_a_running_server(lab: Lab, run: Runner) -> None:
    run.ok("server", **SERVER, state="running")
    assert "stopped" in run.error("image", name="x", server="builder")
    assert "block_snapshot" not in lab.counts()


def test_a_wait_that_ends(lab: Lab, run: Runner) -> None:
    message = run.error("ip", name="x", reverse="nowhere.example.com", wait_timeout=1)
    assert "reverse name nowhere.example.com" in message


def test_booted_is_more_than_running(lab: Lab, run: Runner) -> None:
    server = run.ok("server", **SERVER, state="running", wait_for="booted")["server"]
    assert (server["state"], server["state_detail"]) == ("running", "booted")


def test_booted_is_waited_for_by_the_next_run_too(lab: Lab, run: Runner) -> None:
    """A run that was cut off after the start; the one after it returns no half-booted server."""
    run.ok("server", **SERVER, state="running", wait=False)
    again = run.ok("server", **SERVER, state="running", wait_for="booted")
    assert (again["changed"], again["server"]["state_detail"]) == (False, "booted")
    fleet = {"prefix": "h", "count": 2, "commercial_type": "DEV1-S", "image": "debian_trixie"}
    run.ok("fleet", **fleet, wait=False)
    again = run.ok("fleet", **fleet, wait_for="booted")
    assert not again["changed"]
    assert {each["state_detail"] for each in again["servers"]} == {"booted"}


def test_networks_are_joined_when_the_task_ends(lab: Lab, run: Runner) -> None:
    run.ok("private_network", name="inside")
    run.ok("server", **SERVER, state="running", wait_for="booted")
    server = run.ok("server", name="builder", private_networks=["inside"])["server"]
    assert [nic["state"] for nic in server["private_nics"]] == ["available"]
    run.ok(*LB[:1], **LB[1], private_networks=["inside"])
    attached = lab.state()["lb"][0]["private_networks"]
    assert [each["status"] for each in attached] == ["ready"]


def test_a_play_in_check_mode_before_anything_exists(lab: Lab, run: Runner) -> None:
    """Each task assumes that those before it have done their work."""
    run.ok("server", **SERVER, state="running")
    lab.forget_requests()
    for module, desired in (
        ("image", {"name": "golden", "server": "builder"}),
        ("image", {"name": "golden", "server": "later"}),
        ("image", {"name": "golden", "snapshots": ["later"]}),
        ("snapshot", {"name": "disk", "server": "later"}),
        ("snapshot", {"name": "disk", "volume": "later"}),
        ("volume", {"name": "copy", "snapshot": "later"}),
        ("server", {**SERVER, "name": "other", "image": "later-1", "private_networks": ["later"], **IN_GROUPS}),
        ("ip", {"name": "mon", "server": "later"}),
        ("lb", {**LB[1], "ip_ids": ["later"], "private_networks": ["later"]}),
        BACKEND,
        FRONTEND,
        ("lb_acl", {"lb": "portal", "frontend": "http", "name": "all", "index": 1, "action": {"type": "deny"}}),
        ("lb_certificate", {"lb": "portal", "name": "tls", "letsencrypt": ["ensemble.test"]}),
        ("fleet", {"prefix": "h", "count": 2, "commercial_type": "DEV1-S", "image": "later-1", **IN_GROUPS}),
    ):
        desired = {key: value for key, value in desired.items() if module != "fleet" or key != "placement_group"}
        assert run.ok(module, check=True, **desired)["changed"]
    assert lab.writes() == []


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_request_that_hangs_is_asked_again(method: str, lab: Lab, run: Runner) -> None:
    lab.fault(kind="hang", method=method, seconds=3, count=1)
    for desired in ({"public_key": KEY}, {"state": "absent"}):
        assert run.ok("ssh_key", name="op", api_timeout=0.5, **desired)["changed"]
    assert lab.counts().get("ssh_key") is None


def test_records_and_the_rest_of_the_zone(lab: Lab, run: Runner) -> None:
    """Exclusive names remove what nobody desired any more, and nothing else."""
    fleet = [{"name": f"h-{number}", "data": [f"10.0.0.{number}"]} for number in range(1, 6)]
    others = [{"name": "hello", "data": ["10.0.1.1"]}, {"name": "h-9", "type": "TXT", "data": ["mine"]}]
    run.ok("dns_record", dns_zone="ensemble.test", records=fleet + others)
    lab.forget_requests()
    answer = run.ok("dns_record", dns_zone="ensemble.test", records=fleet[:2], exclusive_names="h-[0-9]+", ttl=60)
    assert len(lab.writes()) == 1
    assert [each["name"] for each in answer["records"]] == ["h-1", "h-2"]
    left = {(each["name"], each["type"], each["ttl"]) for each in lab.state()["dns_record"]}
    assert left == {("h-1", "A", 60), ("h-2", "A", 60), ("hello", "A", 3600), ("h-9", "TXT", 3600)}


def test_names_in_any_form(lab: Lab, run: Runner) -> None:
    """Zones, folders and addresses are compared as the API writes them."""
    run.ok("dns_zone", name="meet.ensemble.test")
    assert not run.ok("dns_zone", name="Meet.Ensemble.test.")["changed"]
    run.ok("secret", name="key", path="jitsi/", value="x")
    assert not run.ok("secret", name="key", path="/jitsi", value="x")["changed"]
    acl = {"lb": "portal", "frontend": "http", "name": "offices", "index": 1, "action": {"type": "allow"}}
    for module, arguments in (LB, BACKEND, FRONTEND):
        run.ok(module, **arguments)
    run.ok("lb_acl", **acl, match={"ip_subnet": ["203.0.113.7", "198.51.100.0/24"]})
    assert not run.ok("lb_acl", **acl, match={"ip_subnet": ["198.51.100.0/24", "203.0.113.7/32"]})["changed"]
    run.ok("lb_acl", **{**acl, "name": "all"})
    assert not run.ok("lb_acl", **{**acl, "name": "all"}, match={})["changed"]


@pytest.mark.parametrize("kind", ["ip", "lb_ip"])
def test_the_name_of_an_address_is_no_tag_of_ones_own(kind: str, lab: Lab, run: Runner) -> None:
    ident = run.ok(kind, name="mon", tags=["a"])["ip"]["id"]
    assert run.ok(kind, id=ident, tags=["b"])["ip"]["tags"] == ["b", "name:mon"]
    assert run.ok(kind, id=ident, name="other")["ip"]["name"] == "other"
    assert not run.ok(kind, name="other", tags=["b"])["changed"]
    assert "comma" in run.error(kind, name="a,b")


def test_a_reverse_name_of_scaleways_own(lab: Lab, run: Runner) -> None:
    assert ".lb." in run.ok("lb_ip", name="portal")["ip"]["reverse"]
    assert not run.ok("lb_ip", name="portal", reverse="")["changed"]


def test_a_name_that_came_out_empty(lab: Lab, run: Runner) -> None:
    """Nothing is silently left undone because of a variable that is empty."""
    assert "Both name and id are empty" in run.error("server", name="", state="absent")


@pytest.mark.parametrize("kind", ["server", "secret"])
def test_protection(kind: str, lab: Lab, run: Runner) -> None:
    """What is protected stays, until the task that removes it says that it shall not be."""
    desired = SERVER if kind == "server" else {"name": "key", "value": "x"}
    run.ok(kind, **desired, protected=True)
    lab.forget_requests()
    removal = {"name": desired["name"], "state": "absent"}
    assert "protected: false" in run.error(kind, **removal)
    assert run.ok(kind, check=True, **removal)["changed"], "an earlier task may lift it"
    assert lab.writes() == []
    assert run.ok(kind, **removal, protected=False)["changed"]
    assert not {"secret", "instance_server"} & set(lab.counts())


def test_the_placement_group_of_a_running_server(lab: Lab, run: Runner) -> None:
    """The API refuses it; the module says what would do, in check mode, too."""
    run.ok("placement_group", name="apart")
    run.ok("server", **SERVER, state="running")
    for check in (True, False):
        refused = run("server", check=check, name="builder", placement_group="apart", state="running")
        assert "With state: stopped it changes in place" in refused["msg"]
    assert run.ok("server", name="builder", placement_group="apart", state="stopped")["changed"]
    server = run.ok("server", name="builder", placement_group="apart", state="running")["server"]
    assert server["state"] == "running"
    assert run.ok("server", name="builder", placement_group="", state="running")["server"]["placement_group"] is None


def test_a_volume_in_use(lab: Lab, run: Runner) -> None:
    run.ok("server", **SERVER, state="running")
    disk = lab.state()["block_volume"][0]["id"]
    lab.forget_requests()
    assert "in use by server" in run.error("volume", id=disk, state="absent")
    assert lab.writes() == []


def test_balancer_keeps_reserved_addresses(lab: Lab, run: Runner) -> None:
    run.ok("lb_ip", name="portal")
    run.ok("lb", **{**LB[1], "ip_ids": ["portal"]})
    run.ok("lb", name="portal", state="absent")
    assert lab.counts()["lb_ip"] == 1

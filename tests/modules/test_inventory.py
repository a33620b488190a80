# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin through Ansible: hosts, their names and addresses, its cache, and what stops it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.ensemble.jitsi.plugins.plugin_utils.hosts import reached_at, unique_names, variables
from modules_lifecycles import LOCAL_DISK, SERVER
from modules_plays import ansible
from modules_support import PROJECT, SECRET_KEY, Lab, Runner

OTHER_KEY = "33333333-3333-4333-8333-333333333333"


def inventory(folder: Path, lab: Lab, **options: Any) -> dict[str, Any]:
    listed, told = warned_inventory(folder, lab, **options)
    assert "WARNING" not in told, told
    return listed


def warned_inventory(folder: Path, lab: Lab, key: str = SECRET_KEY, **options: Any) -> tuple[dict[str, Any], str]:
    """What Ansible lists, and what it says beside."""
    source = {"plugin": "ensemble.jitsi.scaleway", "api_url": lab.url, "project_id": PROJECT, **options}
    (folder / "scaleway.yml").write_text(yaml.safe_dump(source))
    done = ansible(folder, "ansible-inventory", "-i", "scaleway.yml", "--list", SCW_SECRET_KEY=key)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), " ".join(done.stderr.split())


@pytest.fixture
def servers(lab: Lab, run: Runner) -> None:
    template = {"commercial_type": "DEV1-S", "image": "debian_trixie", "volumes": LOCAL_DISK}
    tags = ["ensemble:test", "ensemble-role:jitsi"]
    run.ok("private_network", name="inside")
    run.ok("fleet", prefix="h", count=3, **template, tags=tags, private_networks=["inside"])
    run.ok("server", name="builder-base", state="running", **template, tags=["ensemble-role:builder-base"])
    run.ok("server", name="off", state="present", **template, tags=["ensemble:test"])
    run.ok("server", name="far", state="running", zone="nl-ams-1", **template, tags=["ensemble:test", "weird tag:1.2"])


def test_inventory_of_all_zones(lab: Lab, servers: None, tmp_path: Path) -> None:
    lab.forget_requests()
    listed = inventory(tmp_path, lab)
    assert len(lab.requests()) <= 11
    assert sorted(listed["jitsi"]["hosts"]) == ["h-1", "h-2", "h-3"]
    assert listed["builder_base"]["hosts"] == ["builder-base"]
    hosts = listed["_meta"]["hostvars"]
    assert sorted(hosts) == ["builder-base", "far", "h-1", "h-2", "h-3"]
    assert hosts["h-1"]["ansible_host"] == hosts["h-1"]["scaleway_public_ipv4"]
    assert hosts["h-1"]["scaleway_private_ipv4"].count(".") == 3
    assert hosts["far"]["scaleway_region"] == "nl-ams"


def test_inventory_as_one_wishes(lab: Lab, servers: None, tmp_path: Path) -> None:
    listed = inventory(
        tmp_path,
        lab,
        zones=["fr-par-1", "nl-ams-1"],
        tags=["ensemble:test"],
        states=[],
        strict=True,
        hostnames=["scaleway_name ~ '.example.org' if scaleway_state == 'running' else ''", "name"],
        compose={"ansible_host": "scaleway_private_ipv4 | default(scaleway_name, true)"},
        keyed_groups=[{"key": "scaleway_zone", "prefix": "zone"}, {"key": "scaleway_tags", "prefix": "tag"}],
        groups={"asleep": "scaleway_state == 'stopped'"},
        role_tag="",
    )
    assert sorted(listed["_meta"]["hostvars"]) == [f"{name}.example.org" for name in ("far", "h-1", "h-2", "h-3")] + [
        "off"
    ]
    assert listed["asleep"]["hosts"] == ["off"]
    assert listed["zone_nl_ams_1"]["hosts"] == ["far.example.org"]
    assert listed["tag_weird_tag_1_2"]["hosts"] == ["far.example.org"]
    assert "jitsi" not in listed


@pytest.mark.parametrize("plugin", ["ansible.builtin.jsonfile", "community.general.yaml"])
def test_inventory_from_its_cache(plugin: str, lab: Lab, servers: None, tmp_path: Path) -> None:
    cache = {"cache": True, "cache_plugin": plugin, "cache_connection": str(tmp_path / "cache")}
    first = inventory(tmp_path, lab, **cache)
    lab.forget_requests()
    assert inventory(tmp_path, lab, **cache) == first
    assert lab.requests() == []


def test_inventory_with_a_cache_in_memory(lab: Lab, servers: None, tmp_path: Path) -> None:
    listed = inventory(tmp_path, lab, cache=True, cache_plugin="ansible.builtin.memory")
    assert sorted(listed["jitsi"]["hosts"]) == ["h-1", "h-2", "h-3"]


def test_a_template_in_a_tag_stays_a_text(lab: Lab, run: Runner, tmp_path: Path) -> None:
    """Who may name and tag servers may not run commands where Ansible runs."""
    run.ok("server", **SERVER, state="running", tags=["{{ lookup('pipe', 'echo evaluated') }}"])
    inventory(tmp_path, lab)
    shown = {"ansible.builtin.debug": {"msg": "{{ scaleway_tags[0] }}"}}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [shown]}]))
    done = ansible(tmp_path, "ansible-playbook", "-i", "scaleway.yml", "play.yml", SCW_SECRET_KEY=SECRET_KEY)
    assert done.returncode == 0, done.stdout
    assert "echo evaluated" in done.stdout


def test_inventory_with_a_wrong_key(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "scaleway.yml").write_text(yaml.safe_dump({"plugin": "ensemble.jitsi.scaleway", "api_url": lab.url}))
    wrong = "33333333-3333-4333-8333-333333333333"
    done = ansible(tmp_path, "ansible-inventory", "-i", "scaleway.yml", "--list", "-vvv", SCW_SECRET_KEY=wrong)
    assert "does not know this secret key" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert wrong not in done.stderr + done.stdout


def names(listed: dict[str, Any]) -> list[str]:
    return sorted(listed["_meta"]["hostvars"])


def test_a_name_that_several_servers_have_is_given_to_none(lab: Lab, run: Runner, tmp_path: Path) -> None:
    alone = {"name": "builder", "zone": "nl-ams-1"}
    run.ok("server", **{**SERVER, **alone})
    assert names(inventory(tmp_path, lab, states=[])) == ["builder"]
    run.ok("server", **SERVER)
    listed, told = warned_inventory(tmp_path, lab, states=[])
    assert names(listed) == ["builder.fr-par-1", "builder.nl-ams-1"]
    assert "not the only one named builder" in told
    zones = {name: found["scaleway_zone"] for name, found in listed["_meta"]["hostvars"].items()}
    assert zones == {"builder.fr-par-1": "fr-par-1", "builder.nl-ams-1": "nl-ams-1"}


def test_namesakes_take_the_next_preference_together(lab: Lab, run: Runner, tmp_path: Path) -> None:
    for zone in ("fr-par-1", "nl-ams-1"):
        run.ok("server", **SERVER, zone=zone)
    listed, _told = warned_inventory(
        tmp_path, lab, states=[], hostnames=["name", "scaleway_zone ~ '-' ~ scaleway_name"]
    )
    assert names(listed) == ["fr-par-1-builder", "nl-ams-1-builder"]


def host(ident: str, zone: str = "fr-par-1") -> dict[str, str]:
    return {"scaleway_id": ident, "scaleway_zone": zone}


@pytest.mark.parametrize(
    ("candidates", "hosts", "taken", "given"),
    [
        ([["a"], ["b"]], [host("1"), host("2")], set(), ["a", "b"]),
        ([["a"], ["a"]], [host("1"), host("2")], set(), ["1", "2"]),
        ([["a"], ["a"], ["a.z"]], [host("1", "z"), host("2", "y"), host("3")], set(), ["1", "a.y", "a.z.fr-par-1"]),
        (
            [["a", "b"], ["a", "c"], ["b"]],
            [host("1"), host("2"), host("3")],
            set(),
            ["a.fr-par-1", "c", "b.fr-par-1"],
        ),
        ([["a"]], [host("1")], {"a"}, ["a.fr-par-1"]),
        ([[]], [host("1")], set(), ["1"]),
    ],
)
def test_names_are_never_shared(candidates: Any, hosts: Any, taken: set[str], given: list[str]) -> None:
    found = unique_names(candidates, hosts, taken)
    assert len(set(found)) == len(found)
    assert not set(found) & taken
    assert found == given


def test_the_cache_is_of_one_question_and_one_account(lab: Lab, servers: None, tmp_path: Path) -> None:
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(tmp_path / "cache")}
    everything = inventory(tmp_path, lab, **cache)
    lab.forget_requests()
    assert inventory(tmp_path, lab, **cache) == everything
    assert lab.requests() == []
    assert names(inventory(tmp_path, lab, **cache, zones=["nl-ams-1"])) == ["far"]
    assert "h-1" not in names(inventory(tmp_path, lab, **cache, tags=["weird tag:1.2"]))
    assert "off" in names(inventory(tmp_path, lab, **cache, states=["stopped"]))
    other = "aaaaaaaa-1111-4111-8111-111111111111"
    listed, _told = warned_inventory(tmp_path, lab, **cache, **{"project_id": other})
    assert "hostvars" not in listed["_meta"] or not listed["_meta"]["hostvars"]
    listed, told = warned_inventory(tmp_path, lab, OTHER_KEY, **cache)
    assert not listed["_meta"].get("hostvars")
    assert "does not know this secret key" in told
    assert SECRET_KEY not in "".join(str(path) + path.read_text() for path in (tmp_path / "cache").iterdir())


def test_templates_in_filters_are_rendered(lab: Lab, servers: None, tmp_path: Path) -> None:
    filters = {"zones": ["{{ 'nl-ams-' ~ 1 }}", "fr-par-1"], "tags": ["{{ ['ensemble', 'test'] | join(':') }}"]}
    assert names(inventory(tmp_path, lab, **filters)) == ["far", "h-1", "h-2", "h-3"]
    assert names(inventory(tmp_path, lab, zones=["{{ ['nl-ams-1'] }}"])) == ["far"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"tags": ["a,b"]}, "contains a comma"),
        ({"zones": ["paris"]}, "is not a zone"),
        ({"states": ["runing"]}, "is not a state"),
        ({"tags": ["{{ none }}"]}, "non-text value"),
        ({"tags": ["{{ undefined_one }}"]}, "undefined"),
    ],
)
def test_filters_that_could_only_find_nothing_are_errors(
    wrong: dict[str, Any], words: str, lab: Lab, servers: None, tmp_path: Path
) -> None:
    listed, told = warned_inventory(tmp_path, lab, **wrong)
    assert words in told
    assert not listed["_meta"].get("hostvars")


def test_a_zone_that_is_refused_is_loud(lab: Lab, servers: None, tmp_path: Path) -> None:
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(tmp_path / "cache")}
    lab.fault(kind="status", status=403, path="/instance/v1/zones/nl-ams-1/servers")
    listed, told = warned_inventory(tmp_path, lab)
    assert "403" in told or "permission" in told
    assert not listed["_meta"].get("hostvars")
    listed, told = warned_inventory(tmp_path, lab, on_zone_error="warn", **cache)
    assert names(listed) == ["builder-base", "h-1", "h-2", "h-3"]
    assert "nl-ams-1 could not be read" in told
    lab.good_day()
    assert "far" in names(inventory(tmp_path, lab, on_zone_error="warn", **cache))


def test_private_addresses_that_are_refused_leave_the_hosts(lab: Lab, servers: None, tmp_path: Path) -> None:
    lab.fault(kind="status", status=403, path="/ipam/.*")
    listed, told = warned_inventory(tmp_path, lab, on_zone_error="warn")
    assert "h-1" in names(listed)
    assert "fr-par could not be read" in told


@pytest.mark.parametrize(
    ("public", "private", "address"),
    [
        ([("inet6", "2001:db8::1")], [], "2001:db8::1"),
        ([("inet6", "2001:db8::1"), ("inet", "192.0.2.1")], ["10.0.0.1"], "192.0.2.1"),
        ([("inet6", "2001:db8::1")], ["10.0.0.1"], "2001:db8::1"),
        ([], ["fd00::1", "10.0.0.1"], "10.0.0.1"),
        ([], ["fd00::1"], "fd00::1"),
        ([], [], None),
    ],
)
def test_where_a_host_is_reached(public: list[tuple[str, str]], private: list[str], address: str | None) -> None:
    server = {
        "zone": "fr-par-1",
        "public_ips": [{"family": family, "address": each} for family, each in public],
        "private_nics": [{"id": "nic", "private_network_id": "network"}],
    }
    assert reached_at(variables(server, {"nic": private})) == address


def test_exports_are_plain_but_for_what_looks_like_a_template(lab: Lab, run: Runner, tmp_path: Path) -> None:
    run.ok("server", **SERVER, state="running", tags=["plain", "{{ lookup('pipe', 'id') }}"])
    (found,) = inventory(tmp_path, lab)["_meta"]["hostvars"].values()
    assert found["scaleway_name"] == "builder"
    assert found["scaleway_zone"] == "fr-par-1"
    assert found["scaleway_tags"] == ["plain", {"__ansible_unsafe": "{{ lookup('pipe', 'id') }}"}]

# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection through Ansible itself: module_defaults, verbose output, inventory and its cache, lookup."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from modules_plays import ansible, play
from modules_stories import LB, LOCAL_DISK, SERVER
from modules_support import PROJECT, SECRET_KEY, Lab, Runner

VERY_SECRET = "not-for-any-log-4711"


def inventory(folder: Path, lab: Lab, **options: Any) -> dict[str, Any]:
    source = {"plugin": "ensemble.jitsi.scaleway", "api_url": lab.url, "project_id": PROJECT, **options}
    (folder / "scaleway.yml").write_text(yaml.safe_dump(source))
    done = ansible(folder, "ansible-inventory", "-i", "scaleway.yml", "--list", SCW_SECRET_KEY=SECRET_KEY)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr, done.stderr
    return json.loads(done.stdout, object_hook=lambda found: found.get("__ansible_unsafe", found))


def test_secrets_are_not_printed(lab: Lab, run: Runner, tmp_path: Path) -> None:
    """Neither the key nor secret user data, in the most verbose output with a diff."""
    server = {
        **SERVER,
        "state": "running",
        "volumes": LOCAL_DISK,
        "secret_user_data": {"key": VERY_SECRET},
        "user_data": {"shown": "in the open"},
    }
    output = play(tmp_path, lab, [{"ensemble.jitsi.scaleway_server": server}], "-vvvv", "--diff")
    assert "changed=1" in output
    assert "in the open" in output
    assert VERY_SECRET not in output
    assert SECRET_KEY not in output


@pytest.mark.parametrize("how", [("--check",), ()], ids=["check", "for real"])
def test_what_looks_secret_is_not_printed(how: tuple[str, ...], lab: Lab, run: Runner, tmp_path: Path) -> None:
    """In plain user data, too: of a server, and once for each server of a fleet."""
    env = f"DOMAIN=meet.example.org\nJWT_APP_SECRET={VERY_SECRET}\n"
    key = f"-----BEGIN PRIVATE KEY-----\n{VERY_SECRET}\n-----END PRIVATE KEY-----\n"
    data = {"user_data": {"jitsi-env": env, "pem": key}, "volumes": LOCAL_DISK}
    fleet = {"prefix": "h", "count": 2, "commercial_type": "DEV1-L", "image": "debian_trixie", **data}
    tasks = [{"ensemble.jitsi.scaleway_server": {**SERVER, **data}}, {"ensemble.jitsi.scaleway_fleet": fleet}]
    output = play(tmp_path, lab, tasks, "-vvvv", "--diff", *how)
    assert "DOMAIN=meet.example.org" in output
    assert "JWT_APP_SECRET=hidden" in output
    assert VERY_SECRET not in output


def test_secrets_are_not_printed_when_tasks_fail(lab: Lab, run: Runner, tmp_path: Path) -> None:
    """Refused, lost and retried: neither messages nor details nor the invocation show what was sent."""
    run.ok(*LB[:1], **LB[1])
    lab.fault(kind="status", status=500, method="PATCH|POST", body="json")
    value = "{{ lookup('env', 'VERY_SECRET') }}"
    wishes: dict[str, dict[str, Any]] = {
        "secret": {"name": "password", "value": value},
        "lb_certificate": {"lb": "portal", "name": "tls", "certificate_chain": value},
        "server": {**SERVER, "secret_user_data": {"key": value}},
        "ip": {"name": "mon", "api_proxy": f"http://me:{value}@127.0.0.1:1"},
    }
    tasks = [
        {f"ensemble.jitsi.scaleway_{module}": {**wish, "api_retry_time": 0.5}, "ignore_errors": True}
        for module, wish in wishes.items()
    ]
    output = play(tmp_path, lab, tasks, "-vvvv", "--diff", VERY_SECRET=VERY_SECRET)
    assert output.count("...ignoring") == len(tasks)
    assert VERY_SECRET not in output
    assert SECRET_KEY not in output


def test_lookup_of_a_secret(lab: Lab, run: Runner, tmp_path: Path) -> None:
    run.ok("secret", name="password", path="/jitsi", value="open sesame")
    options = f"path='/jitsi', api_url='{lab.url}', project_id='{PROJECT}'"
    wish = "{{ lookup('ensemble.jitsi.scaleway_secret', 'password', " + options + ") == 'open sesame' }}"
    play(tmp_path, lab, [{"ansible.builtin.assert": {"that": [wish]}}])


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


def test_two_servers_of_one_name_are_two_hosts(lab: Lab, run: Runner, tmp_path: Path) -> None:
    for zone in ("fr-par-1", "nl-ams-1"):
        run.ok("server", **SERVER, zone=zone)
    hostnames = ["name", "scaleway_name ~ '.' ~ scaleway_zone"]
    listed = inventory(tmp_path, lab, states=[], hostnames=hostnames)
    assert len(listed["_meta"]["hostvars"]) == 2
    assert "builder" in listed["_meta"]["hostvars"]


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


def test_profile_of_the_config_file(lab: Lab, run: Runner, tmp_path: Path) -> None:
    run.ok("ip", name="mine")
    profile = {"secret_key": SECRET_KEY, "default_project_id": PROJECT, "api_url": lab.url, "default_zone": "fr-par-1"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"secret_key": "x", "profiles": {"lab": profile}}))
    run.lab = Lab("")
    run.lab.account = {"config_file": str(tmp_path / "config.yaml"), "profile": "lab"}
    assert run.ok("ip", name="mine")["changed"] is False
    assert "no profile 'nope'" in run.error("ip", name="mine", profile="nope")

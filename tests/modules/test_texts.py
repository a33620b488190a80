# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts and lists as templates, surveys and command lines bring them: taken as they are meant, or refused."""

from __future__ import annotations

from typing import Any

import pytest
from modules_lifecycles import LOCAL_DISK, SERVER
from modules_support import Lab, Runner

DATA = [{"user": "meet"}, ["a", "b"]]


@pytest.mark.parametrize("data", DATA)
def test_data_is_no_text(data: Any, lab: Lab, run: Runner) -> None:
    """JSON text that a template turned into data would be stored as Python's repr."""
    tasks: dict[str, dict[str, Any]] = {
        "secret": {"name": "smtp", "value": data},
        "server": {**SERVER, "user_data": {"config": data}},
        "dns_record": {"dns_zone": "ensemble.test", "records": [{"name": "x", "type": "TXT", "data": [data]}]},
    }
    for module, arguments in tasks.items():
        assert "use to_json" in run.error(module, **arguments)
    assert lab.writes() == []


@pytest.mark.parametrize("data", DATA)
def test_data_is_no_description_either(data: Any, lab: Lab, run: Runner) -> None:
    """Whatever option takes a text: Ansible writes data as Python would before a module sees it."""
    tasks: dict[str, dict[str, Any]] = {
        "security_group": {"name": "web", "description": data},
        "registry_namespace": {"name": "portal", "description": data},
        "ssh_key": {"name": "op", "public_key": data},
        "lb": {"name": "portal", "type": "LB-S", "description": data},
        "server": {**SERVER, "name": data},
    }
    for module, arguments in tasks.items():
        assert "use to_json" in run.error(module, **arguments)
    assert lab.writes() == []


def test_texts_that_only_look_like_data_are_texts(run: Runner) -> None:
    for text in ('{"a": "it\'s"}', "['a' or so", "{'unclosed", "[x]", "it's"):
        assert run.ok("security_group", name="web", description=text)["security_group"]["description"] == text


def test_json_text_and_numbers_are_texts(run: Runner) -> None:
    for value in ('{"user": "meet"}', "[1, 2]", 4711):
        run.ok("secret", name="smtp", value=value)
        assert not run.ok("secret", name="smtp", value=str(value))["changed"]


def test_spaces_around_the_elements_of_a_list_do_not_count(lab: Lab, run: Runner) -> None:
    assert run.ok("placement_group", name="apart", tags="a, b ,c")["placement_group"]["tags"] == ["a", "b", "c"]
    assert not run.ok("placement_group", name="apart", tags=["a", "b", "c"])["changed"]
    fleet = {"prefix": "h", "count": 1, "commercial_type": "DEV1-S", "image": "debian_trixie", "volumes": LOCAL_DISK}
    assert "b" in run.ok("fleet", **fleet, tags="a, b")["servers"][0]["tags"]


@pytest.mark.parametrize("tags", ['["a", "b"]', "['a']", "a,,b", ["a", " "], "[]"])
def test_lists_that_are_none_are_refused(tags: Any, lab: Lab, run: Runner) -> None:
    assert run.error("placement_group", name="apart", tags=tags).startswith("tags ")
    rules = [{"protocol": "TCP", "dest_port_from": 22}]
    acl = {"lb": "portal", "frontend": "http", "name": "x", "index": 1, "action": {"type": "deny"}}
    assert "ip_subnet" in run.error("lb_acl", **acl, match={"ip_subnet": tags})
    assert run.error("security_group", name="web", rules=rules, tags=tags).startswith("tags ")
    assert lab.writes() == []


@pytest.mark.parametrize("module", ["server_info"])
def test_a_filter_that_the_api_would_read_as_two_is_refused(module: str, run: Runner) -> None:
    assert "comma" in run.error(module, tags=["a,b"]) or "comma" in run.error(module, tags=["a,b", "c"])

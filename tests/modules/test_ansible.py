# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection through Ansible itself: module_defaults, verbose output, lookup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from modules_lifecycles import LB, LOCAL_DISK, SERVER
from modules_plays import play
from modules_support import PROJECT, SECRET_KEY, Lab, Runner

VERY_SECRET = "not-for-any-log-4711"


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
    desired: dict[str, dict[str, Any]] = {
        "secret": {"name": "password", "value": value},
        "lb_certificate": {"lb": "portal", "name": "tls", "certificate_chain": value},
        "server": {**SERVER, "secret_user_data": {"key": value}},
        "ip": {"name": "mon", "api_proxy": f"http://me:{value}@127.0.0.1:1"},
    }
    tasks = [
        {f"ensemble.jitsi.scaleway_{module}": {**arguments, "api_retry_time": 0.5}, "ignore_errors": True}
        for module, arguments in desired.items()
    ]
    output = play(tmp_path, lab, tasks, "-vvvv", "--diff", VERY_SECRET=VERY_SECRET)
    assert output.count("...ignoring") == len(tasks)
    assert VERY_SECRET not in output
    assert SECRET_KEY not in output


def test_lookup_of_a_secret(lab: Lab, run: Runner, tmp_path: Path) -> None:
    run.ok("secret", name="password", path="/jitsi", value="open sesame")
    options = f"path='/jitsi', api_url='{lab.url}', project_id='{PROJECT}'"
    desired = "{{ lookup('ensemble.jitsi.scaleway_secret', 'password', " + options + ") == 'open sesame' }}"
    play(tmp_path, lab, [{"ansible.builtin.assert": {"that": [desired]}}])


def test_profile_of_the_config_file(lab: Lab, run: Runner, tmp_path: Path) -> None:
    run.ok("ip", name="mine")
    profile = {"secret_key": SECRET_KEY, "default_project_id": PROJECT, "api_url": lab.url, "default_zone": "fr-par-1"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"secret_key": "x", "profiles": {"lab": profile}}))
    run.lab = Lab("")
    run.lab.account = {"config_file": str(tmp_path / "config.yaml"), "profile": "lab"}
    assert run.ok("ip", name="mine")["changed"] is False
    assert "no profile 'nope'" in run.error("ip", name="mine", profile="nope")

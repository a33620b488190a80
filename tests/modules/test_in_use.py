# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in use is not removed: the message names the users, and check mode warns of it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils import basic
from modules_lifecycles import BACKEND, FRONTEND, LB, LOCAL_DISK, SERVER, Task
from modules_support import Lab, Runner
from test_examples import self_signed

SHORT: dict[str, Any] = {"wait_timeout": 3}
OFF: Task = ("server", {**SERVER, "volumes": LOCAL_DISK})
USES: dict[str, tuple[tuple[Task, ...], Task, str]] = {
    "security group": (
        (("security_group", {"name": "web"}), ("server", {**SERVER, "security_group": "web"})),
        ("security_group", {"name": "web"}),
        "server builder",
    ),
    "private network": (
        (("private_network", {"name": "inside"}), ("server", {**SERVER, "private_networks": ["inside"]})),
        ("private_network", {"name": "inside"}),
        "builder",
    ),
    "private network of a balancer": (
        (("private_network", {"name": "inside"}), ("lb", {**LB[1], "private_networks": ["inside"]})),
        ("private_network", {"name": "inside"}),
        "portal",
    ),
    "backend": ((LB, BACKEND, FRONTEND), ("lb_backend", {"lb": "portal", "name": "web"}), "frontend http"),
    "snapshot": (
        (OFF, ("image", {"name": "base", "server": "builder"})),
        ("snapshot", {"name": "base_snap_0"}),
        "image base",
    ),
    "snapshot of an SBS volume": (
        (("server", SERVER), ("image", {"name": "base", "server": "builder"})),
        ("snapshot", {"name": "base_snap_0"}),
        "image base",
    ),
    "address of a balancer": (
        (("lb_ip", {"name": "portal"}), ("lb", {**LB[1], "ip_ids": ["portal"]})),
        ("lb_ip", {"name": "portal"}),
        "load balancer",
    ),
    "certificate": (
        (
            LB,
            BACKEND,
            ("lb_certificate", {"lb": "portal", "name": "tls", "certificate_chain": self_signed("meet.example.org")}),
            ("lb_frontend", {**FRONTEND[1], "name": "https", "inbound_port": 443, "certificates": ["tls"]}),
        ),
        ("lb_certificate", {"lb": "portal", "name": "tls"}),
        "frontend https",
    ),
}


@pytest.mark.parametrize("name", sorted(USES))
def test_what_is_in_use_stays(name: str, lab: Lab, run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    before, (module, arguments), user = USES[name]
    for task, desired in before:
        run.ok(task, **desired)
    state = lab.state()
    warnings: list[str] = []
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda _module, text, **_more: warnings.append(text))
    assert run.ok(module, check=True, **arguments, state="absent")["changed"]
    assert user in "".join(warnings)
    message = run.error(module, **arguments, **SHORT, state="absent")
    assert "in use by" in message
    assert user in message
    assert {kind: len(found) for kind, found in lab.state().items()} == {kind: len(state[kind]) for kind in state}

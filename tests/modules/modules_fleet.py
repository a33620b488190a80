# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet, and what tests ask about one."""

from __future__ import annotations

from modules_lifecycles import LOCAL_DISK
from modules_support import Lab, Runner

FLEET = {"prefix": "h", "commercial_type": "DEV1-L", "image": "debian_trixie", "volumes": LOCAL_DISK}


def names(lab: Lab) -> list[str]:
    return sorted(each["name"] for each in lab.state().get("instance_server", []))


def tags_of(run: Runner, name: str = "h-1") -> set[str]:
    (server,) = run.ok("server_info", name=name)["servers"]
    return {tag for tag in server["tags"] if not tag.startswith("ensemble-")}

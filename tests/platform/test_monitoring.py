# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus finds and reaches every exporter by itself."""

from __future__ import annotations

import requests

from tests.platform.running import Platform, until


def targets(platform: Platform) -> list[dict]:
    """What Prometheus watches, itself left out."""
    seen = requests.get(f"{platform.prometheus}/api/v1/targets", params={"state": "active"}, timeout=5).json()
    return [target for target in seen["data"]["activeTargets"] if target["labels"]["job"] != "prometheus"]


def test_all_targets_are_up(platform: Platform) -> None:
    def all_up() -> bool:
        seen = {(target["labels"]["job"], target["labels"]["server"]): target["health"] for target in targets(platform)}
        wanted = {("node", name) for name in platform.servers()} | {("nginx", name) for name in platform.servers("h-")}
        assert wanted <= set(seen), f"not found: {wanted - set(seen)}"
        down = {target for target, health in seen.items() if health != "up"}
        assert not down, f"down: {down}"
        return True

    until(all_up, 60, "all targets up")


def test_targets_come_from_scaleway_discovery(platform: Platform) -> None:
    for target in targets(platform):
        assert target["discoveredLabels"]["__meta_scaleway_instance_id"]


def test_load_is_of_the_server_not_of_its_neighbours(platform: Platform) -> None:
    query = 'sum by (server) (rate(node_cpu_seconds_total{role="jitsi",mode!="idle"}[1m]))'
    answer = requests.get(f"{platform.prometheus}/api/v1/query", params={"query": query}, timeout=5).json()["data"][
        "result"
    ]
    values = [entry["value"][1] for entry in answer]
    assert len(values) >= 2
    assert len(set(values)) == len(values)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus finds and reaches every exporter by itself."""

from __future__ import annotations

import requests

from tests.platform.running import LAB, TOKEN, ZONE, Platform, until


def targets(platform: Platform) -> list[dict]:
    """What Prometheus watches, itself left out."""
    seen = requests.get(f"{platform.prometheus}/api/v1/targets", params={"state": "active"}, timeout=5).json()
    return [target for target in seen["data"]["activeTargets"] if target["labels"]["job"] != "prometheus"]


def test_all_targets_are_up(platform: Platform) -> None:
    def all_up() -> bool:
        seen = {(target["labels"]["job"], target["labels"]["server"]): target["health"] for target in targets(platform)}
        desired = {("node", name) for name in platform.servers()} | {("nginx", name) for name in platform.servers("h-")}
        assert desired <= set(seen), f"not found: {desired - set(seen)}"
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


def test_the_key_on_prometheus_lists_servers_and_makes_none(platform: Platform) -> None:
    token = {"X-Auth-Token": platform.ssh("prometheus-1", "cat /etc/prometheus/scaleway-secret-key").strip()}
    assert token != TOKEN
    assert requests.get(f"{LAB}{ZONE}/servers", headers=token, timeout=10).json()["servers"]
    server = {"name": "x", "commercial_type": "DEV1-S", "image": "debian_trixie"}
    refused = requests.post(f"{LAB}{ZONE}/servers", json=server, headers=token, timeout=10)
    assert (refused.status_code, refused.json()["type"]) == (403, "permissions_denied")


def holding(platform: Platform, server: str, secret: str) -> list[str]:
    """Files and processes of a server that hold a text, which stands in no command line of this look itself."""
    places = "/etc /root /home /opt /srv /run /tmp /var /usr/local /proc/[0-9]*/cmdline /proc/[0-9]*/environ"
    begin, end = secret[:12], secret[12:]
    look = f"printf '%s\\n' '{begin}''{end}' | grep -rlsaF --devices=skip -f - {places}; true"
    return platform.inside(server, look, timeout=120).split()  # a login would be seen by other tests


def test_the_operators_key_is_on_no_machine(platform: Platform) -> None:
    own = platform.ssh("prometheus-1", "cat /etc/prometheus/scaleway-secret-key").strip()
    assert holding(platform, "prometheus-1", own) == ["/etc/prometheus/scaleway-secret-key"]
    assert {
        name: found for name in platform.servers() if (found := holding(platform, name, TOKEN["X-Auth-Token"]))
    } == {}


RECORDS = "/domain/v2beta1/dns-zones/ensemble.test/records"


def lead_to(record: dict, address: str) -> None:
    """Change where a name leads."""
    changed = {**record, "data": address}
    change = {"set": {"id_fields": {"name": record["name"], "type": "A"}, "records": [changed]}}
    requests.patch(LAB + RECORDS, headers=TOKEN, json={"changes": [change]}, timeout=10).raise_for_status()


def nobody_is_sent_there(platform: Platform, server: str) -> bool:
    assert server not in platform.eligible()
    assert server not in {platform.room()["server"] for _ in range(10)}
    assert "All is well." not in platform.ask("GET", "/status?lang=en").text
    return True


def test_a_name_that_leads_elsewhere_takes_its_server_out(platform: Platform) -> None:
    (record,) = platform.api(RECORDS, name="h-1", type="A")["records"]
    lead_to(record, platform.address("prometheus-1"))
    try:
        until(lambda: nobody_is_sent_there(platform, "h-1"), 30, "no visitor on h-1")
        servers = platform.ask("GET", "/api/v1/servers").json()["servers"]
        assert next(one["reason"] for one in servers if one["server"] == "h-1") == "does not answer by its name"
    finally:
        lead_to(record, record["data"])
    until(lambda: "h-1" in platform.eligible(), 60, "h-1 again")


def test_a_server_that_loses_its_power_is_out_within_30_seconds(platform: Platform) -> None:
    servers = f"{LAB}{ZONE}/servers/{platform.servers()['h-2']['id']}/action"
    requests.post(servers, headers=TOKEN, json={"action": "reboot"}, timeout=10).raise_for_status()
    until(lambda: nobody_is_sent_there(platform, "h-2"), 30, "no visitor on h-2", every=0.5)
    until(lambda: "h-2" in platform.eligible(), 120, "h-2 again")

# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that others wrote, unmodified, against the lab."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from .conftest import ACCESS_KEY, PROJECT, ROOT, TOKEN, Lab, free_port


def sdk(module: str, url: str) -> Any:
    client = pytest.importorskip(module).Client
    return client(
        access_key=ACCESS_KEY,
        secret_key=TOKEN,
        api_url=url,
        default_project_id=PROJECT,
        default_organization_id=PROJECT,
        default_region="fr-par",
        default_zone="fr-par-1",
    )


def test_the_python_sdk(secure: tuple[Lab, str]) -> None:
    client = sdk("scaleway", secure[1])
    from scaleway.block.v1 import BlockV1API
    from scaleway.domain.v2beta1 import DomainV2Beta1API
    from scaleway.iam.v1alpha1 import IamV1Alpha1API
    from scaleway.instance.v1 import InstanceV1API, ServerAction, VolumeServerTemplate, VolumeVolumeType
    from scaleway.lb.v1 import LbV1ZonedAPI
    from scaleway.marketplace.v2 import LocalImageType, MarketplaceV2API

    images = MarketplaceV2API(client).list_local_images_all(
        image_label="debian_trixie", zone="fr-par-1", type_=LocalImageType.INSTANCE_SBS
    )
    image = next(image for image in images if "PRO2-XXS" in image.compatible_commercial_types)
    instance = InstanceV1API(client)
    ip = instance.create_ip(type_="routed_ipv4", project=PROJECT).ip
    server = instance._create_server(
        commercial_type="PRO2-XXS",
        name="h-1",
        image=image.id,
        project=PROJECT,
        dynamic_ip_required=False,
        public_ips=[ip.id],
        protected=False,
        volumes={"0": VolumeServerTemplate(volume_type=VolumeVolumeType.SBS_VOLUME, size=20_000_000_000)},
    ).server
    assert server.public_ips[0].address == ip.address
    instance.server_action(server_id=server.id, action=ServerAction.POWERON)
    end = time.monotonic() + 5
    while instance.get_server(server_id=server.id).server.state_detail != "booted":
        assert time.monotonic() < end
        time.sleep(0.05)
    assert [found.name for found in instance.list_servers_all(name="h-", order="creation_date_desc")] == ["h-1"]
    volume = BlockV1API(client).get_volume(volume_id=server.volumes["0"].id)
    assert volume.size == 20_000_000_000
    types = instance.list_servers_types(page=3)
    assert types.servers["PRO2-XXS"].hourly_price == 0.0561
    key = IamV1Alpha1API(client).create_ssh_key(
        public_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me", name="k"
    )
    assert key.public_key.count(" ") == 1
    lb = LbV1ZonedAPI(client)
    balancer = lb.create_lb(name="portal", description="", type_="LB-S", assign_flexible_ip=True)
    assert lb.wait_for_lb(lb_id=balancer.id).status == "ready"
    zones = DomainV2Beta1API(client).list_dns_zones_all(domain="example.test", dns_zone="")
    assert zones[0].domain == "example.test"


def test_databases_by_the_python_sdk(secure: tuple[Lab, str]) -> None:
    from scaleway.rdb.v1 import EndpointSpec, EndpointSpecLoadBalancer, Permission, RdbV1API

    api = RdbV1API(sdk("scaleway", secure[1]))
    public = EndpointSpec(load_balancer=EndpointSpecLoadBalancer())
    instance = api.create_instance(
        engine="PostgreSQL-15",
        user_name="me",
        password="Good-Passw0rd",
        node_type="db-dev-s",
        is_ha_cluster=False,
        disable_backup=True,
        volume_size=0,
        backup_same_region=False,
        name="db",
        init_endpoints=[public],
    )
    instance = api.wait_for_instance(instance_id=instance.id)
    assert (instance.status, instance.endpoints[0].load_balancer is not None) == ("ready", True)
    content = api.get_instance_certificate(instance_id=instance.id).content
    assert base64.b64decode(content).startswith(b"-----BEGIN CERTIFICATE")
    api.create_database(instance_id=instance.id, name="rooms")
    api.create_user(instance_id=instance.id, name="app", password="Good-Passw0rd", is_admin=False)
    api.set_privilege(instance_id=instance.id, database_name="rooms", user_name="app", permission=Permission.ALL)
    assert [one.permission for one in api.list_privileges_all(instance_id=instance.id)] == ["all"]
    backup = api.create_database_backup(instance_id=instance.id, database_name="rooms", name="b")
    assert api.wait_for_database_backup(database_backup_id=backup.id).status == "ready"
    api.restart_instance(instance_id=instance.id)
    api.wait_for_instance(instance_id=instance.id)
    assert {engine.name for engine in api.list_database_engines_all()} == {"MySQL", "PostgreSQL"}
    assert "db-dev-s" in {kind.name for kind in api.list_node_types_all(include_disabled_types=False)}
    api.delete_instance(instance_id=instance.id)


def test_a_connection_over_tls_breaks_as_well(secure: tuple[Lab, str]) -> None:
    lab, url = secure
    lab.fault("reset", method="POST", when="after", count=1)
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{url}/instance/v1/zones/fr-par-1/ips", json={}, headers=lab.http.headers, timeout=10)
    assert len(lab.get("ips")["ips"]) == 1


def test_the_asynchronous_python_sdk(secure: tuple[Lab, str]) -> None:
    client = sdk("scaleway_async", secure[1])
    from scaleway_async.instance.v1 import InstanceV1API

    async def addresses() -> set[str]:
        api = InstanceV1API(client)
        made = await asyncio.gather(*(api.create_ip(type_="routed_ipv4", project=PROJECT) for _ in range(8)))
        assert len(await api.list_ips_all()) == 8
        return {answer.ip.address for answer in made}

    assert len(asyncio.run(addresses())) == 8


def _prometheus() -> str:
    """Debian's, or the one that LAB_PROMETHEUS names."""
    found = os.environ.get("LAB_PROMETHEUS") or shutil.which("prometheus")
    if not found:
        pytest.skip("Debian's prometheus is not here")
    return found


def _version(program: str) -> tuple[int, ...]:
    told = subprocess.run([program, "--version"], capture_output=True, text=True)
    match = re.search(r"version (\d+)\.(\d+)", told.stdout + told.stderr)
    assert match
    return tuple(int(part) for part in match.groups())


def test_prometheus_finds_servers_by_itself(lab: Lab, tmp_path: Path) -> None:
    program = _prometheus()
    ip = lab.post("ips", {}, 201)["ip"]
    tags = ["ensemble:local", "ensemble-role:jitsi"]
    lab.running("h-1", public_ips=[ip["id"]], tags=tags)
    lab.running("other", tags=["ensemble:other"])
    port = free_port()
    discovery = {
        "role": "instance",
        "access_key": ACCESS_KEY,
        "secret_key": TOKEN,
        "project_id": PROJECT,
        "zone": "fr-par-1",
        "api_url": lab.url,
        "tags_filter": ["ensemble:local"],
        "refresh_interval": "5s",
    }
    relabel = [
        {
            "source_labels": ["__meta_scaleway_instance_public_ipv4"],
            "replacement": "$1:9100",
            "target_label": "__address__",
        }
    ]
    job = {"job_name": "node", "scaleway_sd_configs": [discovery], "relabel_configs": relabel}
    (tmp_path / "prometheus.yml").write_text(json.dumps({"scrape_configs": [job]}))
    words = [
        f"--config.file={tmp_path}/prometheus.yml",
        f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([program, *words], stdout=log, stderr=log)
    try:
        if _version(program) < (2, 52):
            _too_old(lab)
        target = _first_target(f"http://127.0.0.1:{port}", tmp_path / "log")
    finally:
        process.terminate()
        process.wait(20)
    found = target["discoveredLabels"]
    assert found["__address__"] == ip["address"] + ":80" or target["labels"]["instance"] == f"{ip['address']}:9100"
    assert found["__meta_scaleway_instance_name"] == "h-1"
    assert found["__meta_scaleway_instance_tags"] == ",ensemble:local,ensemble-role:jitsi,"
    assert found["__meta_scaleway_instance_public_ipv4"] == ip["address"]
    assert found["__meta_scaleway_instance_status"] == "running"


def _too_old(lab: Lab) -> None:
    """Before 2.52 it drops every server without the dead field private_ip; all it can show is the right request."""
    end = time.monotonic() + 15
    while not (seen := lab.requests_seen(path="/servers$", method="GET")):
        assert time.monotonic() < end
        time.sleep(0.2)
    assert (seen[0]["status"], seen[0]["query"].count("tags=ensemble%3Alocal")) == (200, 1)
    pytest.skip("Prometheus before 2.52 finds no server that has routed addresses (prometheus#13940)")


def _first_target(url: str, log: Path) -> Any:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            targets = requests.get(f"{url}/api/v1/targets", timeout=5).json()["data"]["activeTargets"]
        except (requests.RequestException, KeyError):
            targets = []
        if targets:
            assert len(targets) == 1
            return targets[0]
        time.sleep(0.3)
    raise AssertionError(log.read_text())


def test_octodns_plans_and_applies_a_zone(lab: Lab) -> None:
    provider_of = pytest.importorskip("octodns_scaleway").ScalewayProvider
    from octodns.record import Record
    from octodns.zone import Zone

    def provider() -> Any:
        made = provider_of("lab", TOKEN)
        made._client.endpoint = f"{lab.url}/domain/v2beta1"  # it has no setting for this
        return made

    def desired() -> Any:
        zone = Zone("example.test.", [])  # made anew each time: applying a plan spoils its records
        for name, data in (
            ("h-1", {"type": "A", "ttl": 60, "values": ["10.0.0.1", "10.0.0.2"]}),
            ("www", {"type": "CNAME", "ttl": 300, "value": "h-1.example.test."}),
            ("", {"type": "MX", "ttl": 300, "values": [{"preference": 10, "exchange": "mx.example.test."}]}),
            ("txt", {"type": "TXT", "ttl": 300, "values": ["hello world"]}),
        ):
            zone.add_record(Record.new(zone, name, data))
        return zone

    plan = provider().plan(desired())
    assert {type(change).__name__ for change in plan.changes} >= {"Create"}
    provider().apply(plan)
    kept = {
        (r["name"], r["type"], r["data"]) for r in lab.get("/domain/v2beta1/dns-zones/example.test/records")["records"]
    }
    assert {("h-1", "A", "10.0.0.1"), ("h-1", "A", "10.0.0.2"), ("txt", "TXT", '"hello world"')} <= kept
    again = provider().plan(desired())
    assert not again or [change for change in again.changes if change.record._type != "NS"] == []


JAVASCRIPT = """
import { createClient, Instancev1, Lbv1, Domainv2beta1 } from "@scaleway/sdk";
const client = createClient({ accessKey: process.env.KEY, secretKey: process.env.TOKEN, apiURL: process.env.URL,
  defaultProjectId: process.env.PROJECT, defaultRegion: "fr-par", defaultZone: "fr-par-1" });
const api = new Instancev1.API(client);
const { server } = await api.createServer({ name: "js", commercialType: "DEV1-S", image: "debian_trixie",
  dynamicIpRequired: false, protected: false });
await api.serverActionAndWait({ serverId: server.id, action: "poweron" },
  { minDelay: 1, maxDelay: 1, timeout: 20 });
const found = await api.getServer({ serverId: server.id });
const lb = await new Lbv1.ZonedAPI(client).createLb({ name: "l", description: "", type: "LB-S" });
const zones = await new Domainv2beta1.API(client).listDNSZones({ domain: "example.test", dnsZone: "" });
console.log(JSON.stringify([found.server.state, found.server.creationDate instanceof Date, lb.status,
  zones.dnsZones[0].domain]));
"""


def test_the_javascript_sdk(secure: tuple[Lab, str], tmp_path: Path) -> None:
    modules = Path(os.environ.get("LAB_NODE_MODULES", ROOT / ".lab" / "node_modules"))
    if not shutil.which("node") or not (modules / "@scaleway" / "sdk").exists():
        pytest.skip(f"no @scaleway/sdk in {modules}: npm install --prefix {modules.parent} @scaleway/sdk")
    (tmp_path / "node_modules").symlink_to(modules)
    (tmp_path / "test.mjs").write_text(JAVASCRIPT)
    more = {"KEY": ACCESS_KEY, "TOKEN": TOKEN, "URL": secure[1], "PROJECT": PROJECT}
    trust = {"NODE_EXTRA_CA_CERTS": str(secure[0].ca_file)}
    done = subprocess.run(
        ["node", "test.mjs"],
        cwd=tmp_path,
        env={**os.environ, **more, **trust},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["running", True, "to_create", "example.test"]

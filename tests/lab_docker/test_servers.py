# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers are machines: they boot, answer, keep their disks and multiply from snapshots."""

from __future__ import annotations

import asyncio
import json

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_server_boots_with_the_projects_key_and_real_cloud_init(lab, first):
    assert await lab.on(first, "hostname") == "first"
    status = json.loads(await lab.on(first, "cloud-init status --wait --format json"))
    assert (status["datasource"], status["status"], status["errors"]) == ("scaleway", "done", [])
    assert (first["id"], "booted") in lab.cloud.reports


async def test_systemd_is_whole_and_the_machine_sees_only_its_own_load(lab, first):
    assert await lab.on(first, "systemctl is-system-running --wait") == "running"
    memory = int((await lab.on(first, "grep MemTotal /proc/meminfo")).split()[1])
    assert memory == 2 * 2**20, "DEV1-S has 2 GiB"
    await lab.driver.server_load(first)
    await lab.on(first, "timeout 2 sh -c 'while :; do :; done' || true")
    load = await lab.driver.server_load(first)
    assert 0.1 < load["cpu"] <= 1


async def test_metadata_knows_the_caller_and_guards_user_data(lab, first):
    lab.cloud.user_data(first["id"])["hello"] = b"world\n"
    get = "curl -sS -w ' %{http_code}' http://169.254.42.42"
    assert f"ID={first['id']}" in await lab.on(first, f"{get}/conf")
    assert json.loads(await lab.on(first, "curl -sS 'http://169.254.42.42/conf?format=json'"))["id"] == first["id"]
    assert (await lab.on(first, f"{get}/user_data/hello")).endswith("403")
    low = get.replace("curl", "curl --local-port 1-1023")
    assert await lab.on(first, f"{low}/user_data/hello") == "world\n 200"
    assert (await lab.on(first, f"{low}/user_data/none")).endswith("404")
    assert (await lab.on(first, f"{low}/vendor_data/cloud-init")).endswith("404")
    assert (await lab.on(first, f"{low}/user_data/mine -X PATCH --data here")).endswith("204")
    assert lab.cloud.user_data(first["id"])["mine"] == b"here"
    assert (await lab.on(first, f"{low}/user_data/mine -X DELETE")).endswith("204")
    assert "mine" not in lab.cloud.user_data(first["id"])


async def test_names_of_the_world_and_the_outside_are_reachable(lab, first):
    assert await lab.on(first, lab.outside)


async def test_power_off_and_on_keeps_the_disk_and_the_address(lab, first):
    keys = await lab.on(first, "echo kept > /root/note; cat /etc/machine-id /etc/ssh/ssh_host_*.pub")
    await lab.driver.server_poweroff(first)
    assert (await lab.ssh(first, "true"))[0] != 0
    await lab.driver.server_poweron(first)
    await lab.reachable(first)
    assert await lab.on(first, "cat /root/note") == "kept"
    assert await lab.on(first, "cat /etc/machine-id /etc/ssh/ssh_host_*.pub") == keys


async def test_a_guest_may_reboot_and_switch_itself_off(lab, first):
    await lab.ssh(first, "reboot")
    await asyncio.sleep(2)
    await lab.reachable(first)
    assert float((await lab.on(first, "cat /proc/uptime")).split()[0]) < 30
    await lab.ssh(first, "poweroff")
    for _ in range(50):
        if (first["id"], "powered-off") in lab.cloud.reports:
            break
        await asyncio.sleep(0.2)
    assert (first["id"], "powered-off") in lab.cloud.reports
    await lab.driver.server_poweron(first)
    await lab.reachable(first)


async def test_a_snapshot_holds_everything_and_boots_into_several_servers(lab, docked):
    await lab.on(
        docked,
        "echo baked > /etc/baked; docker volume create vol; docker run --rm -v vol:/v box:2 sh -c 'echo x > /v/f'",
    )
    await lab.on(docked, "docker run -d --restart always --name keep box:2 busybox sleep 100000")
    identity = await lab.on(docked, "cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub")
    await lab.driver.server_poweroff(docked)
    snapshot = await lab.cloud.snapshot(docked)
    twins = [await lab.booted(f"twin-{n}", snapshot=snapshot) for n in (1, 2)]
    identities = {identity}
    for number, twin in enumerate(twins, 1):
        assert await lab.on(twin, "hostname") == f"twin-{number}"
        assert await lab.on(twin, "cat /etc/baked") == "baked"
        assert (
            await lab.on(twin, "until docker ps -q | grep -q .; do sleep 0.5; done; docker exec keep busybox ls /gone")
            == "new"
        )
        assert await lab.on(twin, "docker run --rm -v vol:/v box:2 busybox cat /v/f") == "x"
        identities.add(await lab.on(twin, "cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub"))
    assert len(identities) == 3, "every server has an identity of its own"
    await lab.on(twins[0], "docker run --name writer box:2 sh -c 'echo changed > /gone/new'")
    assert await lab.on(twins[1], "docker run --rm box:2 busybox cat /gone/new") == ""
    for twin in twins:
        await lab.cloud.remove(twin)
    await lab.driver.snapshot_delete(snapshot)
    await lab.driver.server_poweron(docked)
    await lab.reachable(docked)


async def test_a_running_server_can_be_frozen_and_runs_on(lab, first):
    await lab.on(first, "echo frozen > /root/frozen")
    snapshot = await lab.cloud.snapshot(first)
    assert await lab.on(first, "echo thawed > /root/frozen; systemctl is-system-running") == "running"
    copy = await lab.booted("copy", snapshot=snapshot)
    assert await lab.on(copy, "cat /root/frozen") == "frozen"
    await lab.cloud.remove(copy)
    await lab.driver.snapshot_delete(snapshot)


async def test_addresses_come_and_go_while_it_runs(lab, first):
    second = lab.cloud.address()
    before = first["public_ips"]
    first["public_ips"] = [*before, second]
    await lab.driver.server_update(first)
    other = {**first, "public_ips": [second]}
    assert await lab.on(other, "hostname") == "first"
    first["public_ips"] = before
    await lab.driver.server_update(first)
    assert (await lab.ssh(other, "true"))[0] != 0
    assert await lab.on(first, "hostname") == "first"


async def test_a_volume_keeps_its_content_when_its_server_goes(lab):
    server = await lab.booted("mover")
    await lab.on(server, "echo moved > /root/note; sync")
    await lab.driver.server_delete(server)
    del lab.cloud.objects["instance_server"][server["id"]]
    other = lab.cloud.put(
        "instance_server", {**server, "id": "99999999-0000-4000-8000-000000000001", "name": "heir", "hostname": "heir"}
    )
    await lab.driver.server_poweron(other)
    await lab.reachable(other)
    assert await lab.on(other, "hostname; cat /root/note") == "heir\nmoved"
    await lab.cloud.remove(other)


async def test_a_lab_that_was_killed_takes_its_servers_over(lab, first):
    before = await lab.on(first, "cat /proc/sys/kernel/random/boot_id; cut -d. -f1 /proc/uptime")
    await lab.driver.stop()
    lab.driver = lab.cloud.driver = lab.new_driver()
    await lab.driver.start(lab.cloud)
    after = await lab.on(first, "curl -sS http://169.254.42.42/conf >/dev/null; cut -d. -f1 /proc/uptime")
    assert int(after) >= int(before.split()[1]), "the server ran on"
    await lab.driver.server_reboot(first)
    await lab.reachable(first)

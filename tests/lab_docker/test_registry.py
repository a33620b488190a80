# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry: real clients log in, push and pull; strangers only pull what is public."""

from __future__ import annotations

import asyncio

import pytest
from fake_cloud import PULL_KEY, SECRET_KEY

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def docker(config, *arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *("docker", "--config", str(config), *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, output.decode()


async def make_image(name: str) -> None:
    process = await asyncio.create_subprocess_shell(
        f"tar -c -C /etc hostname | docker import - {name}", stdout=asyncio.subprocess.DEVNULL
    )
    assert await process.wait() == 0


async def test_login_push_pull_and_strangers(lab, tmp_path):
    registry = lab.driver.info()["registry"]
    known, puller, stranger = tmp_path / "known", tmp_path / "puller", tmp_path / "stranger"
    for name in ("hidden", "open"):
        lab.cloud.put("registry_namespace", {"id": name, "name": name})
    lab.cloud.public_namespaces.add("open")
    status, output = await docker(known, "login", registry, "-u", "nologin", "-p", "wrong")
    assert status != 0, output
    status, output = await docker(known, "login", registry, "-u", "nologin", "-p", SECRET_KEY)
    assert status == 0, output
    status, output = await docker(puller, "login", registry, "-u", "nologin", "-p", PULL_KEY)
    assert status == 0, output
    for namespace in ("hidden", "open", "missing"):
        image = f"{registry}/{namespace}/thing:1"
        await make_image(image)
        status, output = await docker(known, "push", image)
        assert (status == 0) == (namespace != "missing"), output
        for other in (puller, stranger):
            assert (await docker(other, "push", image))[0] != 0
        await docker(known, "rmi", image)
    for _ in range(30):
        if len(lab.cloud.pushes) == 2:
            break
        await asyncio.sleep(0.1)
    assert lab.cloud.pushes == [("hidden", "thing", "1"), ("open", "thing", "1")]
    assert (await docker(stranger, "pull", f"{registry}/hidden/thing:1"))[0] != 0
    for config, namespace in ((known, "hidden"), (puller, "hidden"), (stranger, "open")):
        status, output = await docker(config, "pull", f"{registry}/{namespace}/thing:1")
        assert status == 0, output
        await docker(config, "rmi", f"{registry}/{namespace}/thing:1")
    await lab.driver.namespace_delete({"name": "open"})
    assert (await docker(stranger, "pull", f"{registry}/open/thing:1"))[0] != 0


async def test_a_server_trusts_the_registry_without_being_told(lab, first):
    registry = lab.driver.info()["registry"]
    assert await lab.on(first, f"curl -sS -o /dev/null -w '%{{http_code}}' https://{registry}/v2/") == "401"

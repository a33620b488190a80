# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance v1: actions of servers, and their states."""

from __future__ import annotations

from datetime import UTC, datetime

from ensemble_lab import errors
from ensemble_lab.api import block
from ensemble_lab.api.instance import SERVICE, find, task, touch
from ensemble_lab.api.instance_disks import let_go, mark_written
from ensemble_lab.api.instance_images import new_image
from ensemble_lab.api.instance_ips import KIND as IP
from ensemble_lab.api.instance_ips import addresses_of, detach
from ensemble_lab.api.instance_servers import KIND, apply_dynamic_ip, check_unprotected, forget
from ensemble_lab.api.instance_snapshots import new_snapshot
from ensemble_lab.api.instance_views import server_view
from ensemble_lab.cloud import Cloud
from ensemble_lab.drivers.base import DriverError
from ensemble_lab.jobs import job
from ensemble_lab.store import Object
from ensemble_lab.web.service import Call, Reply

# action -> (state meanwhile, its detail)
_ON_THE_WAY = {
    "poweron": ("starting", "allocating node"),
    "poweroff": ("stopping", "stopping"),
    "stop_in_place": ("stopping", "stopping in place"),
    "reboot": ("stopping", "rebooting"),
    "terminate": ("stopping", "terminating"),
}


@SERVICE.get("/servers/{server}/action")
def list_actions(call: Call) -> Object:
    return {"actions": server_view(call.cloud, find(call, KIND, call["server"]))["allowed_actions"]}


@SERVICE.post("/servers/{server}/action")
def act(call: Call) -> Reply:
    server = find(call, KIND, call["server"])
    call.need("action")
    action = call.body["action"]
    if action not in (*_ON_THE_WAY, "backup"):
        raise errors.constraint("action", f"{action} is not an action")
    if action not in server_view(call.cloud, server)["allowed_actions"]:
        raise errors.constraint("action", f"{action} is not possible: the server is {server['state']}")
    path = f"/servers/{server['id']}"
    if action == "backup":
        image = _backup(call, server)
        return _accepted(call, path, f"/images/{image['id']}")
    if action == "terminate":
        check_unprotected(server)
    if action == "poweron" and server["commercial_type"] in call.cloud.out_of_stock:
        raise errors.out_of_stock(server["commercial_type"])
    before = server["state"]
    server["state"], server["state_detail"] = _ON_THE_WAY[action]
    if action == "terminate":
        for ip in addresses_of(call.cloud, server):
            if not ip["dynamic"]:
                detach(call.cloud, ip)
    touch(server)
    call.cloud.store.put(KIND, server)
    call.cloud.jobs.start(
        server_act, [server["id"], *server["volumes"].values()], server_id=server["id"], action=action, before=before
    )
    return _accepted(call, path, path)


def _accepted(call: Call, path: str, result: str) -> Reply:
    """202 with a task that nobody can poll."""
    shown = task(call, f"{path}/action", result)
    root = call.url.partition("/servers/")[0]
    return Reply(202, {"task": shown}, {"Location": f"{root}/tasks/{shown['id']}"})


@job
async def server_act(cloud: Cloud, server_id: str, action: str, before: str) -> None:
    """Do it, and write the final state; a failure leads back to where the server was, with the reason as detail."""
    server = cloud.store.get(KIND, server_id)
    if server is None:
        return
    try:
        await _ACTIONS[action](cloud, server, before)
    except DriverError as problem:
        server["state"], server["state_detail"] = ("stopped" if action == "poweron" else before), str(problem)
        apply_dynamic_ip(cloud, server)
        raise
    finally:
        if cloud.store.get(KIND, server_id):
            touch(server)
            cloud.store.put(KIND, server)


def _set(cloud: Cloud, server: Object, state: str, detail: str) -> None:
    server["state"], server["state_detail"] = state, detail
    touch(server)
    cloud.store.put(KIND, server)
    cloud.store.commit()


def _place(cloud: Cloud, server: Object) -> Object:
    """A hypervisor, another one than those of the server's placement group."""
    taken = {
        other["location"]["hypervisor_id"]
        for other in cloud.store.iterate(KIND)
        if server["placement_group"] and other["placement_group"] == server["placement_group"] and other["location"]
    }
    free = [str(number) for number in range(1, 500) if str(number) not in taken]
    hypervisor = free[cloud.random_int(len(free))]
    return {
        "zone_id": server["zone"],
        "platform_id": "14",
        "cluster_id": "54",
        "hypervisor_id": hypervisor,
        "node_id": str(cloud.random_int(64)),
    }


async def _poweron(cloud: Cloud, server: Object, before: str) -> None:
    server["location"] = server["location"] or _place(cloud, server)
    mark_written(cloud, server)
    apply_dynamic_ip(cloud, server)
    cloud.store.put(KIND, server)
    cloud.store.commit()
    await cloud.driver.server_poweron({**server_view(cloud, server), "state": before})
    if server["state_detail"] != "booted":
        _set(cloud, server, "running", "booting kernel")


async def _poweroff(cloud: Cloud, server: Object, before: str) -> None:
    await cloud.driver.server_poweroff({**server_view(cloud, server), "state": before})
    _stopped(cloud, server)


def _stopped(cloud: Cloud, server: Object) -> None:
    server["location"] = None
    _set(cloud, server, "stopped", "")
    apply_dynamic_ip(cloud, server)
    _attach_pending(cloud, server)


async def _stop_in_place(cloud: Cloud, server: Object, before: str) -> None:
    await cloud.driver.server_stop_in_place(server_view(cloud, server))
    _set(cloud, server, "stopped in place", "")


async def _reboot(cloud: Cloud, server: Object, before: str) -> None:
    await cloud.driver.server_reboot(server_view(cloud, server))
    if server["state_detail"] != "booted":
        _set(cloud, server, "running", "booting kernel")


async def _terminate(cloud: Cloud, server: Object, before: str) -> None:
    """The machine and its local disks go; block volumes and reserved addresses stay."""
    await cloud.driver.server_delete(server_view(cloud, server), terminate=True)
    local = [volume for ident in server["volumes"].values() if (volume := cloud.store.get("instance_volume", ident))]
    forget(cloud, server)
    for ident in server["volumes"].values():
        let_go(cloud, ident)
    for volume in local:
        cloud.store.delete("instance_volume", volume["id"])
        await cloud.driver.volume_delete(volume)


_ACTIONS = {
    "poweron": _poweron,
    "poweroff": _poweroff,
    "stop_in_place": _stop_in_place,
    "reboot": _reboot,
    "terminate": _terminate,
}


def _attach_pending(cloud: Cloud, server: Object) -> None:
    for ip in addresses_of(cloud, server):
        if ip["state"] == "pending":
            ip["state"] = "attached"
            cloud.store.put(IP, ip)


def guest_reported(cloud: Cloud, server_id: str, event: str) -> None:
    """``booted`` or ``powered-off``, told by the guest through the driver."""
    server = cloud.store.get(KIND, server_id)
    if server is None:
        return
    if event == "booted" and server["state"] in ("starting", "running"):
        _set(cloud, server, "running", "booted")
        _attach_pending(cloud, server)
    elif event == "powered-off" and server["state"] == "running":
        _stopped(cloud, server)


def _backup(call: Call, server: Object) -> Object:
    """An image of the server with snapshots of its disks, in one call."""
    now = datetime.now(UTC)
    name = call.body.get("name") or f"image_{server['name']}_{now:%Y-%m-%d_%H-%M}"
    chosen = {ident for ident in call.body.get("volumes") or {} if ident in server["volumes"].values()}
    owned_by = {"organization": server["organization"], "project": server["project"]}
    snapshots: dict[str, str] = {}
    for index, ident in sorted(server["volumes"].items(), key=lambda item: int(item[0])):
        if chosen and ident not in chosen:
            continue
        local = call.cloud.store.get("instance_volume", ident)
        if local and local["volume_type"] == "scratch":
            continue
        snapshot_name = f"{name}_snap_{index}"
        if local:
            snapshot = new_snapshot(call, local, snapshot_name, owned_by)
        else:
            snapshot = block.new_block_snapshot(call, block.find_volume(call, ident), snapshot_name, server["project"])
        snapshots[index] = snapshot["id"]
    if "0" not in snapshots:
        raise errors.constraint("volumes", "the root volume is not among them")
    extra = {index: {"id": ident} for index, ident in snapshots.items() if index != "0"}
    return new_image(call, name, snapshots["0"], extra, owned_by, arch=server["arch"], from_server=server["id"])

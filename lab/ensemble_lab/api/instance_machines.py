# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines follow their servers: what changed on the object is told to the driver."""

from __future__ import annotations

from ensemble_lab.api.instance_views import server_seen
from ensemble_lab.cloud import Cloud
from ensemble_lab.jobs import job
from ensemble_lab.store import Object


def start_update(cloud: Cloud, server: Object) -> None:
    """Have the machine follow its server, in the background."""
    cloud.jobs.start(server_update, [server["id"]], server_id=server["id"])


@job
async def server_update(cloud: Cloud, server_id: str) -> None:
    server = server_seen(cloud, server_id)
    if server:
        await cloud.driver.server_update(server)

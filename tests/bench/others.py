# SPDX-License-Identifier: GPL-3.0-or-later
"""The clients that people use today, unmodified, led to a null lab."""

from __future__ import annotations

import os
import site
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.scaleway_proxy import scaleway_proxy

from .cloud import ACCESS_KEY, Cloud
from .commands import ROOT

COLLECTIONS = [ROOT / "collections", Path.home() / ".ansible" / "collections", Path("/usr/share/ansible/collections")]


def installed(collection: str) -> bool:
    """Whether Ansible finds a collection on this machine."""
    places = [*COLLECTIONS, *map(Path, site.getsitepackages())]
    return any((place / "ansible_collections" / collection.replace(".", "/")).is_dir() for place in places)


def environment_of_scaleway(cloud: Cloud) -> dict[str, str]:
    """scaleway.scaleway declares options for the account, and reads the environment."""
    account = {
        "SCW_ACCESS_KEY": ACCESS_KEY,
        "SCW_SECRET_KEY": cloud.account["secret_key"],
        "SCW_API_URL": cloud.lab.url,
        "SCW_DEFAULT_PROJECT_ID": cloud.account["project_id"],
        "SCW_DEFAULT_ORGANIZATION_ID": cloud.account["organization_id"],
    }
    return {**account, "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(map(str, COLLECTIONS))}


@contextmanager
def environment_of_community(cloud: Cloud) -> Iterator[dict[str, str]]:
    """community.general knows no API but https://api.scaleway.com: a proxy leads it to the lab."""
    with scaleway_proxy(cloud.tls_port) as proxy:
        yield {"HTTPS_PROXY": proxy.url, "SSL_CERT_FILE": str(cloud.authority)}

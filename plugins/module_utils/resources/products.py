# SPDX-License-Identifier: GPL-3.0-or-later
"""Scaleway's products in a zone: server types, and marketplace images that boot on them."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any

from ..client import Client
from ..errors import ApiError, Invalid, is_missing

LABEL = re.compile(r"^[a-z][a-z0-9_]*$")
GIGABYTE = 1000000000


def server_types(client: Client) -> dict[str, dict[str, Any]]:
    """All server types of the zone by name, as the API describes them; asked for once."""
    zone = client.settings.zone

    def ask() -> dict[str, dict[str, Any]]:
        path, query = f"/instance/v1/zones/{zone}/products/servers", {"per_page": 100}
        first = client.send("GET", path, query={**query, "page": 1})["servers"]
        types, page = dict(first), 2
        while len(first) == 100:
            first = client.send("GET", path, query={**query, "page": page})["servers"]
            types.update(first)
            page += 1
        return types

    return client.once(("server types", zone), ask)


def server_type(client: Client, name: str) -> dict[str, Any]:
    """One server type; :class:`Invalid` with the nearest names when Scaleway has none of this name."""
    types = server_types(client)
    if name in types:
        return types[name]
    near = get_close_matches(name.upper(), types, n=3, cutoff=0.5) or sorted(types)[:5]
    raise Invalid(f"There is no server type {name!r} in {client.settings.zone}. Did you mean {', '.join(near)}?")


def check_volumes(client: Client, type_name: str, volumes: dict[str, dict[str, Any]]) -> None:
    """Whether the local disks asked for fit into the type."""
    kind = server_type(client, type_name)
    local = sum(each.get("size") or 0 for each in volumes.values() if each and each.get("volume_type") == "l_ssd")
    most = (kind.get("volumes_constraint") or {}).get("max_size") or 0
    if local > most:
        has = f"at most {most // GIGABYTE} GB of local disk" if most else "no local disk (use volume_type sbs_volume)"
        raise Invalid(f"Local volumes of {local / GIGABYTE:g} GB do not fit into a {type_name}: it has {has}.")


def marketplace_image(client: Client, label: str, type_name: str, local: bool) -> dict[str, Any] | None:
    """The marketplace's image of a label for a server type and kind of root volume; None for an unknown label."""
    zone = client.settings.zone
    kind = "instance_local" if local else "instance_sbs"

    def ask() -> Any:
        try:
            return client.list("/marketplace/v2/local-images", "local_images", image_label=label, zone=zone, type=kind)
        except ApiError as error:
            if is_missing(error):
                return None
            raise

    found = client.once(("marketplace", label, zone, kind), ask)
    if found is None:
        return None
    for image in found:
        if type_name in image.get("compatible_commercial_types", []):
            return image
    raise Invalid(f"The marketplace image {label} ({kind}) does not run on {type_name} in {zone}.")

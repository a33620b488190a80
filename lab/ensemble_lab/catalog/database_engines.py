# SPDX-License-Identifier: GPL-3.0-or-later
"""Engines, settings and node types of managed databases, as database-engines showed them in August 2026."""

from __future__ import annotations

import json
import re
import uuid
from functools import cache
from importlib.resources import files
from typing import Any

_SETTING = (
    "name",
    "default_value",
    "hot_configurable",
    "description",
    "property_type",
    "unit",
    "string_constraint",
    "int_min",
    "int_max",
    "float_min",
    "float_max",
)

# version, first release, end of life, whether new instances may have it, its newest minor version
_POSTGRESQL = """
17   2024-09-26 2029-11-08 yes 17.9
16   2023-09-14 2028-11-09 yes 16.13
15   2022-10-13 2027-11-11 yes 15.10
14   2021-09-30 2026-11-12 yes 14.21
13   2020-09-24 2025-11-13 no  13.23
12   2019-10-03 2024-11-14 no  12.22
11   2018-10-18 2023-11-09 no  11.22
10   2017-10-05 2022-11-10 no  10.23
9.6  2016-09-29 2021-11-11 no  9.6.24
"""
_ROWS = {row[0]: row for line in _POSTGRESQL.strip().splitlines() if (row := line.split())}

# From which major version to which others the cloud offers to go.
_UPGRADES = {"PostgreSQL-14": ["15"], "PostgreSQL-16": ["17"]}

# name, vCPUs, memory GB, GB of its local disk (0: block volumes only), GB a block volume may have
_NODE_TYPES = """
db-dev-s        2   2    5 10000
db-dev-m        3   4   25 10000
db-dev-l        4   8   75 10000
db-dev-xl       4  12  100 10000
db-play2-pico   1   2    0 10000
db-play2-nano   2   4    0 10000
db-play2-micro  4   8    0 10000
db-pro2-xxs     2   8    0 10000
db-pro2-xs      4  16    0 10000
db-pro2-s       8  32    0 10000
db-pro2-m      16  64    0 10000
db-pro2-l      32 128    0 10000
db-gp-xs        4  16  150 10000
db-gp-s         8  32  300 10000
db-gp-m        16  64  600 10000
db-gp-l        32 128  600 10000
db-gp-xl       48 256  600 10000
"""
GB = 10**9
VOLUME_CLASSES = {"lssd": "lssd", "bssd": "bssd", "sbs_5k": "sbs", "sbs_15k": "sbs"}


@cache
def _settings() -> list[dict[str, Any]]:
    return json.loads((files(__package__) / "database_settings.json").read_text())  # type: ignore[no-any-return]


def _settings_of(version: str, init: bool = False) -> list[dict[str, Any]]:
    rows = [row for row in _settings() if version in row["of"].split() and bool(row.get("init")) == init]
    return [{name: row.get(name) for name in _SETTING} for row in rows]


def _version(name: str, version: str, released: str, end: str, disabled: bool) -> dict[str, Any]:
    of = name if name.startswith("MySQL") else version
    return {
        "name": name,
        "version": version,
        "release_date": f"{released}T00:00:00Z",
        "end_of_life": f"{end}T00:00:00Z",
        "available_settings": _settings_of(of),
        "available_init_settings": _settings_of(of, init=True),
        "disabled": disabled,
        "beta": False,
    }


@cache
def _engines() -> dict[str, list[dict[str, Any]]]:
    return {
        "MySQL": [_version("MySQL-8", "8", "2018-04-08", "2028-04-01", disabled=False)],
        "PostgreSQL": [
            _version(f"PostgreSQL-{version}", version, released, end, disabled=offered == "no")
            for version, released, end, offered, _minor in _ROWS.values()
        ],
    }


def engines(region: str) -> list[dict[str, Any]]:
    logos = "https://s3.nl-ams.scw.cloud/scw-rdb-logos"
    return [
        {"name": name, "logo_url": f"{logos}/{name.lower()}.svg", "versions": versions, "region": region}
        for name, versions in _engines().items()
    ]


def version_of(engine: str) -> dict[str, Any] | None:
    """The version that an engine's name such as ``PostgreSQL-15`` means."""
    versions = (version for versions in _engines().values() for version in versions)
    return next((version for version in versions if version["name"] == engine), None)


def upgrades_of(engine: str) -> list[dict[str, str]]:
    found = []
    for version in _UPGRADES.get(engine, []):
        minor = _ROWS[version][4]
        ident = str(uuid.uuid5(uuid.NAMESPACE_URL, f"rdb/{minor}"))
        found.append({"id": ident, "name": f"PostgreSQL-{version}", "version": version, "minor_version": minor})
    return found


@cache
def node_types() -> dict[str, tuple[int, int, int, int]]:
    """Name -> vCPUs, bytes of memory, bytes of its local disk, most bytes of a block volume."""
    rows = (line.split() for line in _NODE_TYPES.strip().splitlines())
    return {
        name: (int(cpus), int(memory) * GB, int(local) * GB, int(block) * GB)
        for name, cpus, memory, local, block in rows
    }


def first_settings(engine: str, node_type: str) -> list[dict[str, str]]:
    """What a new instance is set to, by the size of its node."""
    cpus, memory, _local, _block = node_types()[node_type]
    gigabytes = memory // GB
    if not engine.startswith("PostgreSQL"):
        return [{"name": "innodb_buffer_pool_size", "value": str(gigabytes // 2 or 1)}]
    values = {
        "effective_cache_size": 1300 if gigabytes == 2 else gigabytes * 675,
        "maintenance_work_mem": gigabytes * 75,
        "max_connections": min(50 + gigabytes * 25, 500),
        "max_parallel_workers": cpus // 2 if gigabytes > 2 else 0,
        "max_parallel_workers_per_gather": cpus // 4,
        "work_mem": gigabytes * 2,
    }
    return [{"name": name, "value": str(value)} for name, value in values.items()]


def wrong_setting(engine: str, name: str, value: str) -> str | None:
    """Why an engine would not take a setting; None where it would."""
    version = version_of(engine)
    setting = next((one for one in (version or {}).get("available_settings", []) if one["name"] == name), None)
    if setting is None:
        return f"{engine} has no setting {name}"
    kind = setting["property_type"]
    if kind in ("INT", "FLOAT"):
        return _wrong_number(setting, value, kind.lower())
    if kind == "BOOLEAN" and value.lower() not in ("true", "false", "on", "off", "1", "0"):
        return f"{value} is neither true nor false"
    if setting["string_constraint"] and not re.search(setting["string_constraint"], value):
        return f"{value} is not one of the allowed values"
    return None


def _wrong_number(setting: dict[str, Any], value: str, kind: str) -> str | None:
    least, most = setting[f"{kind}_min"], setting[f"{kind}_max"]
    try:
        number = float(value) if kind == "float" else int(value)
    except ValueError:
        return f"{value} is not a number"
    if (least is not None and number < least) or (most is not None and number > most):
        return f"{value} is not between {least} and {most}"
    return None

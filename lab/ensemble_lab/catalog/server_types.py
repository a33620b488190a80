# SPDX-License-Identifier: GPL-3.0-or-later
"""Server types with their size, price and zones, as products/servers showed them in August 2026.

The lower part of the table (ENT1, GPU, ARM and retired families) is from general knowledge: names are right, figures
are roughly right. They are here because clients meet them when they page through the list.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from ensemble_lab.settings import ZONES

# Letters of the last column: where a type is sold (par, ams, waw, mil by number).
_ZONES = {
    "A": "p1 p2 a1",
    "B": "p1 p2 a1 a2",
    "C": "p1 p2 a1 a2 m1",
    "D": "p1 p2 a1 a2 w1 w2",
    "E": "p1 p2 p3 a1 a2 w1 w2",
    "F": "p1 p2 a1 a2 a3 w1 w2 w3",
    "G": "p1 p2 p3 a1 a2 a3 w1 w2 w3",
    "H": "p1 p2 p3 a1 a2 a3 w1 w2 w3 m1",
    "M": "p1 p2 p3 a1 a2 a3 w2 w3",
    "N": "p1 p2 a1 a2",
    "P": "p1 p2 a1",
    "Q": "p1 p2",
    "R": "p1",
    "S": "p1 a1 w2",
    "T": "p1 p2 a1 w2",
    "U": "p2 a1 w2",
    "X": "p1 p2 a1 a2 w2",
    "V": "p1 a1",
    "W": "p1 p2",
}
_PLACES = {"p": "fr-par", "a": "nl-ams", "w": "pl-waw", "m": "it-mil"}

# name, architecture, vCPUs, RAM GiB, EUR/h, Mbit/s to the internet (/ inside), block bytes/s, local disk GB,
# scratch GB x volumes, file systems, zones
_TABLE = """
BASIC2-A12C-24G      arm  12   24    0.1578       1200      320Mi    0       -   0 A
BASIC2-A12C-48G      arm  12   48    0.1807       1200      320Mi    0       -   0 A
BASIC2-A16C-32G      arm  16   32    0.2067       1600      480Mi    0       -   0 A
BASIC2-A16C-64G      arm  16   64    0.2756       1600      480Mi    0       -   0 A
BASIC2-A2C-4G        arm   2    4     0.023        200       80Mi    0       -   0 A
BASIC2-A2C-8G        arm   2    8    0.0345        200       80Mi    0       -   0 A
BASIC2-A4C-16G       arm   4   16    0.0689        400      120Mi    0       -   0 A
BASIC2-A4C-8G        arm   4    8    0.0517        400      120Mi    0       -   0 A
BASIC2-A6C-12G       arm   6   12    0.0789        600      180Mi    0       -   0 A
BASIC2-A6C-24G       arm   6   24    0.0903        600      180Mi    0       -   0 A
BASIC2-A8C-16G       arm   8   16    0.1034        800      240Mi    0       -   0 A
BASIC2-A8C-32G       arm   8   32    0.1378        800      240Mi    0       -   0 A
BASIC3-X12C-24G      x86  12   24    0.2711       2250      750Mi    0       -   4 B
BASIC3-X12C-48G      x86  12   48    0.3104       2250      750Mi    0       -   4 B
BASIC3-X16C-32G      x86  16   32  0.355247       3000     1000Mi    0       -   4 C
BASIC3-X16C-64G      x86  16   64  0.473285       3000     1000Mi    0       -   8 C
BASIC3-X2C-4G        x86   2    4  0.039449        350      125Mi    0       -   1 C
BASIC3-X2C-8G        x86   2    8  0.059225        350      125Mi    0       -   1 C
BASIC3-X4C-16G       x86   4   16   0.11845        700      250Mi    0       -   2 C
BASIC3-X4C-8G        x86   4    8  0.079001        700      250Mi    0       -   1 C
BASIC3-X6C-12G       x86   6   12    0.1356       1050      375Mi    0       -   2 B
BASIC3-X6C-24G       x86   6   24    0.1553       1050      375Mi    0       -   2 B
BASIC3-X8C-16G       x86   8   16  0.177675       1500      500Mi    0       -   2 C
BASIC3-X8C-32G       x86   8   32  0.236797       1500      500Mi    0       -   4 C
DEV1-L               x86   4    8   0.04284        400      200Mi   80       -   0 D
DEV1-M               x86   3    4  0.020196        300      150Mi   40       -   0 D
DEV1-S               x86   2    2  0.008976        200      100Mi   20       -   0 D
DEV1-XL              x86   4   12  0.065076        500      250Mi  120       -   0 D
GP1-L                x86  32  128   0.77418       5000     1024Mi  600       -   0 D
GP1-M                x86  16   64   0.38352       1500      800Mi  600       -   0 E
GP1-S                x86   8   32   0.19074        800      500Mi  300       -   0 E
GP1-XL               x86  48  256   1.67382      10000     2048Mi  600       -   0 D
GP1-XS               x86   4   16   0.09282        500      300Mi  150       -   0 E
PLAY2-MICRO          x86   4    8   0.05508        400      160Mi    0       -   0 F
PLAY2-NANO           x86   2    4   0.02754        200       80Mi    0       -   0 F
PLAY2-PICO           x86   1    2   0.01428        100       40Mi    0       -   0 F
POP2-12C-48G         x86  12   48     0.435       2400     2400Mi    0       -   3 G
POP2-16C-64G         x86  16   64      0.59       3200     3200Mi    0       -   4 H
POP2-16C-64G-WIN     x86  16   64    1.4567       3200     3200Mi    0       -   0 W
POP2-24C-96G         x86  24   96     0.885       4800     3200Mi    0       -   6 G
POP2-2C-8G           x86   2    8    0.0735        400      400Mi    0       -   1 H
POP2-2C-8G-WIN       x86   2    8    0.1823        400      400Mi    0       -   0 W
POP2-32C-128G        x86  32  128      1.18       6400     5632Mi    0       -   8 H
POP2-32C-128G-WIN    x86  32  128    2.9133       6400     5632Mi    0       -   0 W
POP2-48C-192G        x86  48  192      1.77       9600     5632Mi    0       -  12 H
POP2-4C-16G          x86   4   16     0.147        800      800Mi    0       -   1 H
POP2-4C-16G-WIN      x86   4   16    0.3637        800      800Mi    0       -   0 W
POP2-64C-256G        x86  64  256      2.35      12800     5632Mi    0       -  16 H
POP2-6C-24G          x86   6   24     0.225       1200     1200Mi    0       -   1 G
POP2-8C-32G          x86   8   32      0.29       1600     1600Mi    0       -   2 H
POP2-8C-32G-WIN      x86   8   32    0.7233       1600     1600Mi    0       -   0 W
POP2-HC-12C-24G      x86  12   24    0.3192       2400     2400Mi    0       -   3 G
POP2-HC-16C-32G      x86  16   32    0.4256       3200     3200Mi    0       -   4 H
POP2-HC-24C-48G      x86  24   48    0.6384       4800     3200Mi    0       -   6 G
POP2-HC-2C-4G        x86   2    4    0.0532        400      400Mi    0       -   1 H
POP2-HC-32C-64G      x86  32   64    0.8512       6400     5632Mi    0       -   8 H
POP2-HC-48C-96G      x86  48   96      1.27       9600     5632Mi    0       -  12 H
POP2-HC-4C-8G        x86   4    8    0.1064        800      800Mi    0       -   1 H
POP2-HC-64C-128G     x86  64  128    1.7024      12800     5632Mi    0       -  16 H
POP2-HC-6C-12G       x86   6   12    0.1596       1200     1200Mi    0       -   1 G
POP2-HC-8C-16G       x86   8   16    0.2128       1600     1600Mi    0       -   2 H
POP2-HM-12C-96G      x86  12   96     0.618       2400     2400Mi    0       -   3 M
POP2-HM-16C-128G     x86  16  128     0.824       3200     3200Mi    0       -   4 M
POP2-HM-24C-192G     x86  24  192     1.236       4800     3200Mi    0       -   6 M
POP2-HM-2C-16G       x86   2   16     0.103        400      400Mi    0       -   2 M
POP2-HM-32C-256G     x86  32  256     1.648       6400     5632Mi    0       -   8 M
POP2-HM-48C-384G     x86  48  384      2.47       9600     5632Mi    0       -  12 M
POP2-HM-4C-32G       x86   4   32     0.206        800      800Mi    0       -   1 M
POP2-HM-64C-512G     x86  64  512     3.296      12800     5632Mi    0       -  16 M
POP2-HM-6C-48G       x86   6   48     0.309       1200     1200Mi    0       -   1 M
POP2-HM-8C-64G       x86   8   64     0.412       1600     1600Mi    0       -   2 M
POP2-HN-10           x86   4    8    0.7264      10000      800Mi    0       -   1 H
POP2-HN-3            x86   2    4    0.2554       3000      400Mi    0       -   1 H
POP2-HN-5            x86   4    8    0.4524       5000      800Mi    0       -   1 H
PRO2-L               x86  32  128   0.89454       6000     2000Mi    0       -   0 G
PRO2-M               x86  16   64   0.44676       3000     1000Mi    0       -   0 G
PRO2-S               x86   8   32   0.22338       1500      500Mi    0       -   0 G
PRO2-XS              x86   4   16    0.1122        700      250Mi    0       -   0 G
PRO2-XXS             x86   2    8    0.0561        350      125Mi    0       -   0 G
STANDARD3-X12C-48G   x86  12   48    0.4626       4000      477Mi    0   240x2   4 B
STANDARD3-X16C-64G   x86  16   64     0.649       4000      477Mi    0   320x4   4 C
STANDARD3-X24C-96G   x86  24   96    0.9411       6000      715Mi    0   480x4   6 B
STANDARD3-X2C-8G     x86   2    8    0.0809   500/4000      477Mi    0    40x1   1 C
STANDARD3-X32C-128G  x86  32  128     1.298       8000      954Mi    0   640x4   8 C
STANDARD3-X48C-192G  x86  48  192     1.947      16000     1907Mi    0   960x8   8 C
STANDARD3-X4C-16G    x86   4   16    0.1617  1000/4000      477Mi    0    80x2   2 C
STANDARD3-X64C-256G  x86  64  256     2.585      16000     1907Mi    0  1280x8   8 C
STANDARD3-X6C-24G    x86   6   24    0.2425  1500/4000      477Mi    0   120x2   3 B
STANDARD3-X8C-32G    x86   8   32     0.319  2000/4000      477Mi    0   160x2   4 C
STARDUST1-S          x86   1    1    0.0006        100       50Mi   10       -   0 S
ENT1-XXS             x86   2    8    0.0735        400      100Mi    0       -   0 N
ENT1-XS              x86   4   16     0.147        800      100Mi    0       -   0 N
ENT1-S               x86   8   32      0.29       1600      100Mi    0       -   0 N
ENT1-M               x86  16   64      0.59       3200      100Mi    0       -   0 N
ENT1-L               x86  32  128      1.18       6400      100Mi    0       -   0 N
ENT1-XL              x86  64  256      2.35      12800      100Mi    0       -   0 N
ENT1-2XL             x86  96  384      3.53      19200      100Mi    0       -   0 N
COPARM1-2C-8G        arm   2    8    0.0426        200      100Mi    0       -   0 N
COPARM1-4C-16G       arm   4   16    0.0857        400      100Mi    0       -   0 N
COPARM1-8C-32G       arm   8   32    0.1724        800      100Mi    0       -   0 N
COPARM1-16C-64G      arm  16   64    0.3454       1600      100Mi    0       -   0 N
COPARM1-32C-128G     arm  32  128    0.6935       3200      100Mi    0       -   0 N
B300-SXM-8-288G      x86 224 3840      60.0      20000      100Mi    0       -   0 P
GPU-3070-S           x86   8   16      0.98       2500      100Mi    0       -   0 Q
H100-1-80G           x86  24  240      2.73      10000      100Mi    0  3000x1   0 T
H100-2-80G           x86  48  480      5.46      10000      100Mi    0  6000x1   0 T
H100-SXM-2-80G       x86  32  240     6.018      20000      100Mi    0  3200x1   0 N
H100-SXM-4-80G       x86  64  480     11.61      20000      100Mi    0  6400x1   0 N
H100-SXM-8-80G       x86 128  960    23.028      20000      100Mi    0 12800x1   0 N
L4-1-24G             x86   8   48      0.75       2500      100Mi    0       -   0 X
L4-2-24G             x86  16   96       1.5       2500      100Mi    0       -   0 X
L4-4-24G             x86  32  192       3.0       2500      100Mi    0       -   0 X
L4-8-24G             x86  64  384       6.0       2500      100Mi    0       -   0 X
L40S-1-48G           x86   8   96       1.4       2500      100Mi    0  1600x1   0 U
L40S-2-48G           x86  16  192       2.8       2500      100Mi    0  3200x1   0 U
L40S-4-48G           x86  32  384       5.6       2500      100Mi    0  6400x1   0 U
L40S-8-48G           x86  64  768      11.2       2500      100Mi    0 12800x1   0 U
RENDER-S             x86  10   42    1.2426       1000      100Mi  400       -   0 Q
START1-XS            x86   1    1    0.0062        100      100Mi   25       -   0 V
START1-S             x86   2    2    0.0123        200      100Mi   50       -   0 V
START1-M             x86   4    4    0.0247        400      100Mi  100       -   0 V
START1-L             x86   8    8    0.0494        800      100Mi  200       -   0 V
VC1S                 x86   2    2   0.00625        200      100Mi   50       -   0 R
VC1M                 x86   4    4      0.01        200      100Mi  100       -   0 R
VC1L                 x86   6    8    0.0206        200      100Mi  200       -   0 R
X64-15GB             x86   6   15    0.0412        500      100Mi  200       -   0 R
X64-30GB             x86   8   30    0.0824        500      100Mi  400       -   0 R
X64-60GB             x86  10   60    0.1648        500      100Mi  700       -   0 R
X64-120GB            x86  12  120    0.3296        500      100Mi 1000       -   0 R
STANDARD2-A2C-8G     arm   2    8    0.0578        400      100Mi    0       -   0 A
STANDARD2-A4C-16G    arm   4   16    0.1156        800      100Mi    0       -   0 A
STANDARD2-A6C-24G    arm   6   24    0.1734       1200      100Mi    0       -   0 A
STANDARD2-A8C-32G    arm   8   32    0.2312       1600      100Mi    0       -   0 A
STANDARD2-A12C-48G   arm  12   48    0.3468       2400      100Mi    0       -   0 A
STANDARD2-A16C-64G   arm  16   64    0.4624       3200      100Mi    0       -   0 A
STANDARD2-A24C-96G   arm  24   96    0.6936       4800      100Mi    0       -   0 A
STANDARD2-A32C-128G  arm  32  128    0.9248       6400      100Mi    0       -   0 A
STANDARD2-A48C-192G  arm  48  192    1.3872       9600      100Mi    0       -   0 A
STANDARD2-A64C-256G  arm  64  256    1.8496      12800      100Mi    0       -   0 A
"""

_RETIRED = ("ENT1-", "START1-", "VC1", "X64-")
_GPUS = ("B300-", "GPU-", "H100-", "L4-", "L40S-", "RENDER-")
# The catalogue's monthly price is 730 hours, but for these.
_MONTHLY = {"POP2-24C-96G": 643.05, "POP2-6C-24G": 160.965, "STANDARD3-X6C-24G": 177.185}
_DEAR_ZONE, _DEAR_FACTOR = "fr-par-3", 1.5
_DEAR_PRICES = {"POP2-6C-24G": (0.3308, 241.44755), "POP2-HM-12C-96G": (0.926, 676.71)}


def _bytes_per_second(text: str) -> int:
    return int(text[:-2]) * 2**20 if text.endswith("Mi") else int(text)


def _price(name: str, hourly: float, zone: str) -> tuple[float, float]:
    """(EUR an hour, EUR a month)."""
    if zone == _DEAR_ZONE:
        hourly = round(hourly * _DEAR_FACTOR, 6)
        return _DEAR_PRICES.get(name, (hourly, round(hourly * 730, 6)))
    return hourly, _MONTHLY.get(name, round(hourly * 730, 6))


def _entry(fields: list[str], zone: str) -> dict[str, Any]:
    name, arch, cpus, ram, price, net, block, local, scratch, file_systems, _ = fields
    outside, _, inside = net.partition("/")
    scratch_size, _, scratch_count = scratch.partition("x")
    hourly, monthly = _price(name, float(price), zone)
    internet, internal = int(outside) * 10**6, int(inside or outside) * 10**6
    gpus = int(next((part for part in name.split("-") if part.isdigit()), "1")) if name.startswith(_GPUS) else 0
    return {
        "alt_names": [],
        "arch": "arm64" if arch == "arm" else "x86_64",
        "ncpus": int(cpus),
        "ram": int(ram) * 2**30,
        "gpu": gpus,
        "gpu_info": None,
        "mig_profile": None,
        "volumes_constraint": {"min_size": 0, "max_size": int(local) * 10**9},
        "per_volume_constraint": {
            "l_ssd": {"min_size": 10**9, "max_size": 800 * 10**9} if local != "0" else {"min_size": 0, "max_size": 0}
        },
        "scratch_storage_max_size": int(scratch_size) * 10**9 if scratch_count else 0,
        "scratch_storage_max_volumes_count": int(scratch_count or 0),
        "monthly_price": monthly,
        "hourly_price": hourly,
        "capabilities": {
            "boot_types": ["local", "rescue"],
            "placement_groups": True,
            "block_storage": True,
            "hot_snapshots_local_volume": local != "0",
            "private_network": 8,
            "max_file_systems": int(file_systems),
        },
        "network": {
            "ipv6_support": True,
            "sum_internal_bandwidth": internal,
            "sum_internet_bandwidth": internet,
            "interfaces": [{"internal_bandwidth": internal, "internet_bandwidth": internet}],
        },
        "block_bandwidth": _bytes_per_second(block),
        "end_of_service": name.startswith(_RETIRED),
    }


def _sold_in(letter: str) -> set[str]:
    return {f"{_PLACES[place[0]]}-{place[1]}" for place in _ZONES[letter].split()}


@cache
def server_types(zone: str) -> dict[str, dict[str, Any]]:
    """The types of a zone by name, sorted, each as products/servers shows it."""
    if zone not in ZONES:
        return {}
    rows = (line.split() for line in _TABLE.strip().splitlines())
    return {fields[0]: _entry(fields, zone) for fields in sorted(rows) if zone in _sold_in(fields[-1])}


@cache
def type_names(arch: str, local: bool) -> list[str]:
    """Names of all types that can boot an image of an architecture, from a local disk or from block storage."""
    every = {name: entry for zone in ZONES for name, entry in server_types(zone).items()}
    return [
        name
        for name, entry in sorted(every.items())
        if entry["arch"] == arch
        and not name.endswith("-WIN")
        and (not local or entry["volumes_constraint"]["max_size"] > 0)
    ]


@cache
def windows_type_names() -> list[str]:
    return [name for name in server_types("fr-par-1") if name.endswith("-WIN")]

# SPDX-License-Identifier: GPL-3.0-or-later
"""A thousand servers and a thousand records. Run with ``-s`` to see the figures."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from .conftest import Lab

COUNT = 1000
RECORDS = "/domain/v2beta1/dns-zones/example.test/records"


def cpu_seconds(lab: Lab) -> float:
    """What the lab's process has used so far: unlike the clock, it does not depend on who else is at work here."""
    assert lab.process
    fields = Path(f"/proc/{lab.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(lab: Lab) -> float:
    """Resident, in MB."""
    assert lab.process
    status = Path(f"/proc/{lab.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def test_a_thousand_servers_and_records(make_lab: Callable[..., Lab]) -> None:
    lab = make_lab("--speed", "0")
    used, begin = cpu_seconds(lab), time.monotonic()
    body = {"commercial_type": "DEV1-L", "image": "debian_trixie", "dynamic_ip_required": False, "tags": ["t"]}

    def create(numbers: range) -> None:
        session = requests.Session()
        session.headers.update(lab.http.headers)
        for number in numbers:
            url = f"{lab.url}/instance/v1/zones/fr-par-1/servers"
            assert session.post(url, json={**body, "name": f"h-{number}"}, timeout=30).status_code == 201

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(create, [range(start, COUNT, 4) for start in range(4)]))
    used, took = cpu_seconds(lab) - used, time.monotonic() - begin
    records = [{"name": f"h-{n}", "type": "A", "data": f"10.0.{n // 250}.{n % 250}", "ttl": 60} for n in range(COUNT)]
    lab.patch(RECORDS, {"changes": [{"add": {"records": records}}], "return_all_records": False})
    pages: dict[str, Any] = {
        "servers": lambda: lab.get("servers?per_page=100&page=5"),
        "servers by name": lambda: lab.get("servers?name=h-99"),
        "block volumes": lambda: lab.get("/block/v1/zones/fr-par-1/volumes?page_size=100&page=5"),
        "records": lambda: lab.get(f"{RECORDS}?page_size=100&page=5"),
        "all records": lambda: lab.get(f"{RECORDS}?page_size=1000"),
    }
    times = {name: _cpu_seconds_each(lab, call) for name, call in pages.items()}
    figures = ", ".join(f"{name} {seconds * 1000:.1f} ms" for name, seconds in times.items())
    print(
        f"\ncreate: {COUNT / took:.0f}/s, {COUNT / used:.0f} per CPU second; CPU time: {figures}; {memory(lab):.0f} MB"
    )
    assert COUNT / used > 100
    assert max(times.values()) < 0.05
    assert memory(lab) < 300


def _cpu_seconds_each(lab: Lab, call: Callable[[], Any], count: int = 15) -> float:
    """The lab's own time for one call, whatever else the machine does."""
    used = cpu_seconds(lab)
    for _ in range(count):
        call()
    return (cpu_seconds(lab) - used) / count

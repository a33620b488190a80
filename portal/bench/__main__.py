"""`python -m bench`: the two hot API requests with 1,000 servers known, beside Node doing the same, on one core each.

Rounds alternate between the two, so that a busy machine harms both; the best round of each counts.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import uvloop

from ensemble_portal.names import words

from .load import Result, load

HERE = Path(__file__).resolve().parent
SUPPORT = HERE.parents[1] / "tests" / "portal"
REQUESTS = {
    "POST /api/v1/rooms": (b"POST /api/v1/rooms HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\n\r\n", 64),
    "GET /api/v1/servers": (b"GET /api/v1/servers HTTP/1.1\r\nHost: bench\r\n\r\n", 16),
}


@dataclass(frozen=True, slots=True)
class Party:
    """A server under load."""

    port: int
    process: subprocess.Popen[bytes]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(stack: ExitStack, command: list[str], port: int, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a server on the first core and wait until it listens."""
    process = subprocess.Popen(["taskset", "-c", "0", *command], env=os.environ | environ)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.1)
    raise SystemExit(f"{command[0]} did not start")


def memory(process: subprocess.Popen[bytes]) -> float:
    """The most memory that the process has held, in MB."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1000
    return float("nan")


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    """The processor time that the process has used."""
    user, system = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--servers", type=int, default=1000)
    arguments = parser.parse_args()
    for tool in ("node", "taskset"):
        if shutil.which(tool) is None:
            raise SystemExit(f"the bench needs {tool}")
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with ExitStack() as stack:
        parties = start_all(stack, arguments.servers)
        print(
            f"{arguments.servers} servers known; each party on one core, the load on another ({os.cpu_count()} cores, "
            f"load average {os.getloadavg()[0]:.1f}); the portal on {python()};\n"
            f"best of {arguments.rounds} rounds of {arguments.seconds:g} s"
        )
        lines = [compare(title, parties, arguments) for title in REQUESTS]
        peak = {name: memory(party.process) for name, party in parties.items()}
        print("\nmemory at most: " + ", ".join(f"{name} {size:.0f} MB" for name, size in peak.items()))
        passed = all(lines) and peak["portal"] < 120
        print("all lines met" if passed else "NOT all lines met (ratio >= 1.0, p99 < 10 ms, memory < 120 MB)")
    return 0 if passed else 1


def start_all(stack: ExitStack, servers: int) -> dict[str, Party]:
    """The portal behind a stand-in for Prometheus, and Node with the same list and words."""
    sys.path.insert(0, str(SUPPORT))
    from fake_prometheus import FakePrometheus, FakeServer

    fake = FakePrometheus([FakeServer(f"h-{n}", cpu=0.1 + n % 70 / 100) for n in range(1, servers + 1)])
    stack.callback(fake.close)
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    ports = {"portal": free_port(), "node": free_port()}
    settings = {
        "ENSEMBLE_PROMETHEUS_URL": fake.url,
        "ENSEMBLE_LISTEN": f"127.0.0.1:{ports['portal']}",
        "ENSEMBLE_ROOMS_PER_MINUTE": "0",
        "ENSEMBLE_LOG_LEVEL": "error",
        "PYTHONPATH": os.pathsep.join([str(HERE.parent), sysconfig.get_paths()["purelib"]]),
    }
    portal = start(stack, [python(), "-m", "ensemble_portal"], ports["portal"], settings)
    data = Path(folder) / "data.json"
    known = json.loads(fetch(ports["portal"], "/api/v1/servers"))["servers"]
    data.write_text(json.dumps({"servers": known, "words": words("en")}))
    node = start(stack, ["node", str(HERE / "node_reference.js"), str(ports["node"]), str(data)], ports["node"], {})
    return {"portal": Party(ports["portal"], portal), "node": Party(ports["node"], node)}


def python() -> str:
    """The distribution's own Python where it is of the same version: an optimised build, as in the container."""
    version = ["/usr/bin/python3", "-c", "import sys; print(sys.version_info[:2])"]
    try:
        same = subprocess.run(version, capture_output=True, text=True).stdout.strip() == str(sys.version_info[:2])
    except OSError:
        same = False
    return "/usr/bin/python3" if same else sys.executable


def compare(title: str, parties: dict[str, Party], arguments: argparse.Namespace) -> bool:
    """Measure one request on both parties in turn, print the figures, and tell whether the lines are met."""
    request, connections = REQUESTS[title]
    rates: dict[str, list[float]] = {name: [] for name in parties}
    costs: dict[str, list[float]] = {name: [] for name in parties}
    failed = dict.fromkeys(parties, 0)
    for _ in range(arguments.rounds):
        for name, party in parties.items():
            before = cpu_seconds(party.process)
            result = uvloop.run(load(party.port, request, arguments.seconds, connections))
            costs[name].append((cpu_seconds(party.process) - before) / result.answered)
            rates[name].append(result.rate)
            failed[name] += result.failed
    late: dict[str, list[Result]] = {name: [] for name in parties}
    for _ in range(arguments.rounds):
        for name, party in parties.items():
            half = max(rates[name]) / 2
            late[name].append(uvloop.run(load(party.port, request, arguments.seconds, connections, half)))
            failed[name] += late[name][-1].failed
    print(f"\n{title}")
    for name in parties:
        calm = min(late[name], key=lambda result: result.percentile(0.99))
        print(
            f"  {name:<7}{max(rates[name]):>8.0f} requests/s, {min(costs[name]) * 1e6:6.1f} us of processor each;"
            f" at half that rate median {calm.percentile(0.5) * 1e3:.2f} ms, p99 {calm.percentile(0.99) * 1e3:.2f} ms;"
            f" {failed[name]} failed"
        )
    ratio = max(rates["portal"]) / max(rates["node"])
    print(
        f"  portal / node: {ratio:.2f} in requests/s, {min(costs['node']) / min(costs['portal']):.2f} in processor time"
    )
    p99 = min(result.percentile(0.99) for result in late["portal"])
    return ratio >= 1 and p99 < 0.010 and failed["portal"] == 0


def fetch(port: int, path: str) -> bytes:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path)
    return connection.getresponse().read()


if __name__ == "__main__":
    sys.exit(main())

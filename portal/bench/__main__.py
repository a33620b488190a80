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
import tempfile
import time
from contextlib import ExitStack
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


def best(results: list[Result]) -> Result:
    return max(results, key=lambda result: result.rate)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--servers", type=int, default=1000)
    arguments = parser.parse_args()
    for tool in ("node", "taskset"):
        if shutil.which(tool) is None:
            raise SystemExit(f"the bench needs {tool}")
    sys.path.insert(0, str(SUPPORT))
    from fake_prometheus import FakePrometheus, FakeServer

    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    fake = FakePrometheus([FakeServer(f"h-{n}", cpu=0.1 + n % 70 / 100) for n in range(1, arguments.servers + 1)])
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        ports = {"portal": free_port(), "node": free_port()}
        settings = {
            "ENSEMBLE_PROMETHEUS_URL": fake.url,
            "ENSEMBLE_LISTEN": f"127.0.0.1:{ports['portal']}",
            "ENSEMBLE_ROOMS_PER_MINUTE": "0",
            "ENSEMBLE_LOG_LEVEL": "error",
            "PYTHONPATH": str(HERE.parent),
        }
        portal = start(stack, [sys.executable, "-m", "ensemble_portal"], ports["portal"], settings)
        data = Path(folder) / "data.json"
        servers = json.loads(fetch(ports["portal"], "/api/v1/servers"))["servers"]
        data.write_text(json.dumps({"servers": servers, "words": words("en")}))
        node = start(stack, ["node", str(HERE / "node_reference.js"), str(ports["node"]), str(data)], ports["node"], {})
        print(f"{len(servers)} servers; each server on one core, the load on another; {os.cpu_count()} cores here")
        passed = True
        for title, (request, connections) in REQUESTS.items():
            full = {name: best(run) for name, run in rounds(ports, request, connections, arguments).items()}
            ratio = full["portal"].rate / full["node"].rate
            print(f"\n{title}")
            for name, result in full.items():
                half = uvloop.run(load(ports[name], request, arguments.seconds * 2, connections, result.rate / 2))
                print(
                    f"  {name:<7}{result.rate:>9.0f} requests/s at most; at half of that: "
                    f"median {half.percentile(0.5) * 1000:6.2f} ms, p99 {half.percentile(0.99) * 1000:6.2f} ms; "
                    f"{result.failed + half.failed} failed"
                )
                if name == "portal":
                    passed &= half.percentile(0.99) < 0.010 and result.failed + half.failed == 0
            print(f"  portal / node: {ratio:.2f}")
            passed &= ratio >= 1
        print(f"\nmemory at most: portal {memory(portal):.0f} MB, node {memory(node):.0f} MB")
        passed &= memory(portal) < 120
        print("all lines met" if passed else "NOT all lines met (ratio >= 1.0, p99 < 10 ms, memory < 120 MB)")
    fake.close()
    return 0 if passed else 1


def rounds(
    ports: dict[str, int], request: bytes, connections: int, arguments: argparse.Namespace
) -> dict[str, list[Result]]:
    results: dict[str, list[Result]] = {name: [] for name in ports}
    for _ in range(arguments.rounds):
        for name, port in ports.items():
            results[name].append(uvloop.run(load(port, request, arguments.seconds, connections)))
    return results


def fetch(port: int, path: str) -> bytes:
    from http.client import HTTPConnection

    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path)
    return connection.getresponse().read()


if __name__ == "__main__":
    sys.exit(main())

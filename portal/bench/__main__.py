"""`python -m bench`: the two hot API requests with 1,000 servers known, beside Node doing the same, on one core each.

Rounds alternate between the two, so that what else runs on the machine harms both alike: the median of the rounds
counts, and the median of the ratios of neighbouring rounds. The bench asks for the best priority that it can get.
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
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

import uvloop

from ensemble_portal.names import words

from .load import load

HERE = Path(__file__).resolve().parent
SUPPORT = HERE.parents[1] / "tests" / "portal"
REQUESTS = {
    "POST /api/v1/rooms": (b"POST /api/v1/rooms HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\n\r\n", 64),
    "GET /api/v1/servers": (b"GET /api/v1/servers HTTP/1.1\r\nHost: bench\r\n\r\n", 16),
}
SLOWEST = 0.010  # seconds
MOST_MEMORY = 120  # MB


@dataclass(frozen=True, slots=True)
class Party:
    """A server under load."""

    port: int
    process: subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True)
class Round:
    """What one party did in one round: requests/s, processor seconds per request, latencies in seconds."""

    rate: float
    cost: float
    middle: float
    p99: float
    failed: int


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
    """The processor time that the threads of the process have used."""
    threads = Path(f"/proc/{process.pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def take_priority(stack: ExitStack) -> None:
    """Go before what else runs on this machine, as far as we may; session groups have a priority of their own."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -20)
    with suppress(OSError):
        group = Path("/proc/self/autogroup")
        group.write_text("-20")
        stack.callback(group.write_text, "0")


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of one round")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--servers", type=int, default=1000)
    arguments = parser.parse_args()
    for tool in ("node", "taskset"):
        if shutil.which(tool) is None:
            raise SystemExit(f"the bench needs {tool}")
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with ExitStack() as stack:
        take_priority(stack)
        parties = start_all(stack, arguments.servers)
        print(
            f"{arguments.servers} servers known; each party on one core, the load on another ({os.cpu_count()} cores, "
            f"load average {os.getloadavg()[0]:.1f}); the portal on {python()};\n"
            f"medians of {arguments.rounds} rounds of {arguments.seconds:g} s"
        )
        met = [compare(title, parties, arguments.rounds, arguments.seconds) for title in REQUESTS]
        peak = {name: memory(party.process) for name, party in parties.items()}
    print("\nmemory at most: " + ", ".join(f"{name} {size:.0f} MB" for name, size in peak.items()))
    passed = all(met) and peak["portal"] < MOST_MEMORY
    print(f"{'all' if passed else 'NOT all'} met: at least as fast as Node, p99 < 10 ms, memory < 120 MB")
    return 0 if passed else 1


def start_all(stack: ExitStack, servers: int) -> dict[str, Party]:
    """The portal behind a stand-in for Prometheus, and Node with the same list and words."""
    sys.path.insert(0, str(SUPPORT))
    from fake_prometheus import FakePrometheus, FakeServer

    fake = FakePrometheus([FakeServer(f"h-{n}", cpu=0.1 + n % 70 / 100) for n in range(1, servers + 1)])
    fake.answer = partial(bytes, fake.answer())  # made once: the load shares this process and must not wait for it
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


def compare(title: str, parties: dict[str, Party], rounds: int, seconds: float) -> bool:
    """Measure one request on both parties in turn, print the figures, and tell whether the lines are met."""
    request, connections = REQUESTS[title]

    def measure(rates: dict[str, float | None]) -> dict[str, list[Round]]:
        measured: dict[str, list[Round]] = {name: [] for name in parties}
        for _ in range(rounds):
            for name, party in parties.items():
                before = cpu_seconds(party.process)
                result = uvloop.run(load(party.port, request, seconds, connections, rates[name]))
                cost = (cpu_seconds(party.process) - before) / result.answered
                measured[name].append(
                    Round(result.rate, cost, result.percentile(0.5), result.percentile(0.99), result.failed)
                )
        return measured

    full = measure(dict.fromkeys(parties))
    half = measure({name: median(one.rate for one in full[name]) / 2 for name in parties})
    print(f"\n{title}")
    for name in parties:
        print(
            f"  {name:<7}{median(one.rate for one in full[name]):>8.0f} requests/s,"
            f" {median(one.cost for one in full[name]) * 1e6:6.1f} us of processor each; at half that rate"
            f" median {median(one.middle for one in half[name]) * 1e3:.2f} ms,"
            f" p99 {median(one.p99 for one in half[name]) * 1e3:.2f} ms"
            f" (worst round {max(one.p99 for one in half[name]) * 1e3:.2f} ms);"
            f" {sum(one.failed for one in full[name] + half[name])} failed"
        )
    pairs = list(zip(full["portal"], full["node"], strict=True))
    faster = median(portal.rate / node.rate for portal, node in pairs)
    cheaper = median(node.cost / portal.cost for portal, node in pairs)
    print(f"  portal to node: {faster:.2f} in requests/s, {cheaper:.2f} in requests per processor time")
    failed = sum(one.failed for one in full["portal"] + half["portal"])
    return faster >= 1 and median(one.p99 for one in half["portal"]) < SLOWEST and not failed


def fetch(port: int, path: str) -> bytes:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path)
    return connection.getresponse().read()


if __name__ == "__main__":
    sys.exit(main())

"""Query Prometheus for the Jitsi servers: one query, one answer, one Reading per server."""

from __future__ import annotations

import asyncio
import math
import re
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

ROOMS = "ensemble_portal_rooms_assigned_total"
PLAIN_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
PROBE = "probe"
LARGEST_RESULT = 256 * 1024 * 1024
PROBED = "answers_by_name"
PROBE_GAUGES = (PROBED, "certificate_ends", "probe_seconds")
GAUGES = {
    "nginx_up": "nginx_up",
    "jitsi_jvb_healthy": "jvb_healthy",
    "jitsi_jvb_stress": "stress",
    "jitsi_jvb_current_endpoints": "endpoints",
    "jitsi_jvb_drain_mode": "drain_mode",
    "jitsi_jvb_graceful_shutdown": "graceful_shutdown",
    "jitsi_jicofo_participants_current": "participants",
    "jitsi_jicofo_conferences": "conferences",
    "probe_success": PROBED,
    "probe_ssl_earliest_cert_expiry": "certificate_ends",
    "probe_duration_seconds": "probe_seconds",
}


UNREADABLE = (KeyError, TypeError, IndexError, ValueError, AttributeError)


class PrometheusError(Exception):
    """Prometheus did not answer, or its answer is not usable."""


@dataclass(slots=True)
class Reading:
    """One server as one poll saw it. A measure that is missing is None, never zero."""

    server: str
    host: str = ""
    zone: str = ""
    server_type: str = ""
    fleet_state: str = ""
    up: dict[str, bool] = field(default_factory=dict)
    age: float | None = None
    cpu: float | None = None
    egress: float | None = None
    gauges: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """All servers by name, and how many rooms each portal has given out on each: (portal, server) -> count.

    `skipped` tells of the series that could not be read, one line each.
    """

    readings: dict[str, Reading]
    rooms: dict[tuple[str, str], float]
    skipped: list[str] = field(default_factory=list)


def fleet_query(window: float) -> str:
    """The one PromQL query that tells everything; rates are taken over `window` seconds."""
    names = "|".join(["up", *GAUGES])
    rate = f"{{role='jitsi',%s}}[{max(1, round(window))}s]"
    idle = "rate(node_cpu_seconds_total" + rate % "mode='idle'" + ")"
    sent = "rate(node_network_transmit_bytes_total" + rate % "device!~'lo|docker.*|br-.*|veth.*'" + ")"
    derived = {
        "age": "max by (server) (time() - timestamp(up{role='jitsi',job='node'}))",
        "cpu": f"1 - avg by (server) ({idle})",
        "egress": f"8 * sum by (server) ({sent})",
    }
    parts = [f"{{__name__=~'{names}',role='jitsi'}}", ROOMS]
    parts += [f"label_replace({expression}, 'measure', '{name}', '', '')" for name, expression in derived.items()]
    return " or ".join(parts)


def read_result(body: bytes) -> Result:
    """Reads the JSON of /api/v1/query. Series that cannot be read are skipped: one odd target must not hide all others.

    Raises:
        PrometheusError: the answer has another shape, or nothing in it can be read.
    """
    try:
        result = orjson.loads(body)
        if result["status"] != "success":
            raise PrometheusError(f"Prometheus refused the query: {result.get('error', 'no reason given')}")
        series = result["data"]["result"]
        if result["data"]["resultType"] != "vector":
            raise PrometheusError("Prometheus answered with something other than a vector")
        found = Result({}, {})
        for one in series:
            _read_series(found, one)
    except (*UNREADABLE, orjson.JSONDecodeError) as error:
        raise PrometheusError(f"Prometheus gave an answer that cannot be read: {error!r}") from error
    if found.skipped and len(found.skipped) == len(series):
        raise PrometheusError(f"Prometheus gave nothing that can be read: {found.skipped[0]}")
    plain = {name: reading for name, reading in found.readings.items() if _is_plain(reading)}
    return Result(plain, found.rooms, found.skipped)


def _read_series(found: Result, one: Any) -> None:
    """Notes one series; what it says counts as a whole or not at all."""
    try:
        labels, value = one["metric"], float(one["value"][1])
        if labels.get("__name__") == ROOMS:
            if math.isfinite(value):
                found.rooms[labels["portal"], labels["assigned_server"]] = value
        elif (server := labels.get("server")) and math.isfinite(value):
            reading = found.readings.get(server) or Reading(server)
            _note(reading, labels, value)
            found.readings[server] = reading
    except UNREADABLE as error:
        found.skipped.append(f"{error!r} in {one!r:.200}")


def _is_plain(reading: Reading) -> bool:
    """Whether server and host are names that can stand in an address as they are."""
    return all(isinstance(name, str) and PLAIN_NAME.fullmatch(name) for name in (reading.server, reading.host))


def _note(reading: Reading, labels: dict[str, str], value: float) -> None:
    metric = labels.get("__name__", "")
    if metric == "up":
        job = labels.get("job", "")
        if job == PROBE:  # this tells of the prober, not of the server
            return
        reading.up[job] = reading.up.get(job, True) and value == 1
        if job == "node" or not reading.host:
            reading.host = labels.get("host", "")
            reading.zone = labels.get("zone", "")
            reading.server_type = labels.get("server_type", "")
            reading.fleet_state = labels.get("fleet_state", "")
    elif metric:
        reading.gauges[GAUGES[metric]] = value
    else:
        setattr(reading, {"age": "age", "cpu": "cpu", "egress": "egress"}[labels["measure"]], value)


class Prometheus:
    """Asks one Prometheus server. Redirects are not followed: they would take the credentials elsewhere."""

    def __init__(self, url: str, timeout: float, window: float) -> None:
        address = httpx.URL(url)
        self.host = address.netloc.decode()
        self._url = address.copy_with(userinfo=b"", raw_path=address.raw_path.rstrip(b"/") + b"/api/v1/query")
        self._timeout = timeout
        self._client = httpx.AsyncClient(
            auth=(address.username, address.password) if address.userinfo else None,
            headers={"User-Agent": "ensemble-portal", "Accept-Encoding": "identity"},
            limits=httpx.Limits(max_keepalive_connections=0),
            timeout=None,
            trust_env=False,
        )
        self._query = {"query": fleet_query(window), "timeout": f"{timeout:g}s"}

    async def ask(self) -> Result:
        """All Jitsi servers that Prometheus knows now. Raises PrometheusError.

        One deadline holds for finding the address, connecting, waiting and reading together.
        """
        try:
            async with asyncio.timeout(self._timeout):
                body = await self._fetch()
        except TimeoutError as error:
            raise PrometheusError(f"Prometheus gave no whole answer within {self._timeout:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise PrometheusError(f"Prometheus does not answer: {error or type(error).__name__}") from error
        return await asyncio.to_thread(read_result, body)

    async def _fetch(self) -> bytes:
        async with self._client.stream("POST", self._url, data=self._query) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > LARGEST_RESULT:
                    raise PrometheusError(f"Prometheus answered with more than {LARGEST_RESULT} bytes")
            if response.status_code != 200:
                text = body[:300].decode(errors="replace").strip()
                raise PrometheusError(f"Prometheus answered {response.status_code}: {text}")
            return bytes(body)

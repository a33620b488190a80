"""The OpenAPI document tells the truth: schemathesis tries every operation against a running portal."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
import schemathesis
from ensemble_portal.integrations.keys import SCOPES
from fake_prometheus import FakePrometheus, FakeServer
from hypothesis import HealthCheck, Phase, given, settings
from portal_support import PORTAL, PortalProcess, StartPortal
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

WATCH = "watchServers"
KEY = "the-key-of-schemathesis"


@pytest.fixture(scope="module")
def portal(start_portal_once: StartPortal) -> Iterator[PortalProcess]:
    fake = FakePrometheus([FakeServer("h-1"), FakeServer("h-2", cpu=None), FakeServer("h-3", fleet_state="cordoned")])
    digest, scopes = hashlib.sha256(KEY.encode()).hexdigest(), " ".join(SCOPES)
    yield start_portal_once(fake.url, api_keys=f"tester={digest} {scopes} 999999/min")
    fake.close()


CONTRACT = schemathesis.openapi.from_path(PORTAL / "ensemble_portal" / "openapi.json")
OPERATIONS = {
    f"{operation.method.upper()} {operation.path}": operation
    for operation in (result.ok() for result in CONTRACT.get_all_operations())
    if operation.definition.raw["operationId"] != WATCH
}


CASES = [(title, GenerationMode.POSITIVE) for title in OPERATIONS] + [("POST /api/v1/rooms", GenerationMode.NEGATIVE)]


@pytest.mark.parametrize(("title", "mode"), CASES)
def test_every_operation_does_what_the_document_says(title: str, mode: GenerationMode, portal: PortalProcess) -> None:
    """Which names Jitsi keeps for itself no schema can say: the document says 422, and that is allowed here."""

    @given(case=OPERATIONS[title].as_strategy(generation_mode=mode))
    @settings(max_examples=60, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    def try_it(case: schemathesis.Case) -> None:
        if case.operation.definition.raw.get("security") == [{"key": []}]:
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {KEY}"}
        case.call_and_validate(base_url=portal.url, excluded_checks=[positive_data_acceptance])

    try_it()


def test_the_stream_of_events(portal: PortalProcess) -> None:
    with portal.client.stream("GET", "/api/v1/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        text = ""
        for chunk in answer.iter_text():
            text += chunk
            if text.count("event: changes") >= 2:
                break
    assert '"server":"h-1","state":"ready"' in text


def test_everything_that_is_served_below_api_is_in_the_document(portal: PortalProcess) -> None:
    from ensemble_portal import api, feed
    from ensemble_portal.integrations import reservations

    routes = [*api.ROUTES, *reservations.ROUTES, *feed.ROUTES]
    served = {route.path.replace(":path", "") for route in routes if route.path.startswith("/api/")}
    assert served == set(portal.client.get("/api/v1/openapi.json").json()["paths"])

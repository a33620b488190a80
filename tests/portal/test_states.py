"""Every error and every state of the status page in a real Chromium: no accessibility violation, light and dark."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from string import Formatter
from typing import Any, TypeVar

import pytest
from ensemble_portal import notices, pages
from ensemble_portal.app import make_app
from ensemble_portal.errors import RETRY_AFTER, STATUS, PortalError
from ensemble_portal.portal import Portal
from ensemble_portal.texts import TEXTS
from fake_prometheus import FakePrometheus, FakeServer
from playwright.sync_api import Browser, Page
from portal_support import PortalProcess, StartPortal, settings, wait_until
from starlette.requests import Request
from test_browser import axe, browser, violations  # noqa: F401

T = TypeVar("T")


def apart(work: Coroutine[Any, Any, T]) -> T:
    """What comes of `work`, in a thread: Playwright has a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@pytest.fixture(scope="module")
def prometheus() -> FakePrometheus:
    servers = [FakeServer(f"h-{number}", cpu=number / 20) for number in range(1, 19)]
    servers[3].up["jvb"], servers[4].cpu, servers[5].fleet_state = 0, 0.97, "draining"
    return FakePrometheus(servers)


@pytest.fixture(scope="module")
def portal(
    prometheus: FakePrometheus, start_portal_once: StartPortal, tmp_path_factory: pytest.TempPathFactory
) -> PortalProcess:
    store = f"sqlite:{tmp_path_factory.mktemp('register') / 'claims.db'}"
    for step in ("open", "close"):
        told = notices.Step(time.time(), "Maintenance of the network", "maintenance", step, "All went well.")
        apart(notices.exchange(store, told))
    apart(notices.exchange(store, notices.Step(time.time(), "No sound", "incident", "open", "We look.")))
    portal = start_portal_once(prometheus.url, store=store, contact="help@example.test")
    wait_until(lambda: "No sound" in portal.client.get("/status").text)
    return portal


@pytest.fixture
def page(browser: Browser) -> Page:  # noqa: F811
    return browser.new_page(locale="en-GB", viewport={"width": 360, "height": 800}, reduced_motion="reduce")


def check(page: Page, axe: str) -> None:  # noqa: F811
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert violations(page, axe) == [], (page.title(), scheme)


def shown(kind: str) -> bytes:
    """The page of an error, with all that such a page may hold."""
    app = make_app(Portal(settings(contact="help@example.test")))
    scope = {"type": "http", "method": "POST", "path": "/start", "query_string": b"", "headers": [], "app": app}
    headers = RETRY_AFTER if STATUS[kind] in {429, 503} else {}
    told = Formatter().parse(TEXTS["en"][f"error.{kind}.detail"])
    facts: dict[str, Any] = {name: 12 for _, name, _, _ in told if name}
    if kind == "room-unreachable":
        facts["url"] = "https://h-1.test/x"
    error = PortalError(kind, headers, **facts)
    return bytes(apart(pages.error_page(Request(scope), error)).body)


def test_every_error_is_a_page_for_everybody(page: Page, axe: str, portal: PortalProcess) -> None:  # noqa: F811
    for kind in STATUS:
        address = f"{portal.url}/error/{kind}"
        html = shown(kind)
        page.route(address, lambda route, *_, html=html: route.fulfill(body=html, content_type="text/html"))
        page.goto(address)
        check(page, axe)


@pytest.mark.parametrize("path", ["/status", "/status?q=h-1", "/status?q=nobody", "/room/nobody-opened-it"])
def test_every_state_of_the_pages(page: Page, axe: str, portal: PortalProcess, path: str) -> None:  # noqa: F811
    page.goto(portal.url + path)
    check(page, axe)


def test_a_form_that_was_refused(page: Page, axe: str, portal: PortalProcess) -> None:  # noqa: F811
    page.goto(portal.url)
    page.locator("#name").fill("static")
    page.get_by_role("button", name="Enter").click()
    page.locator("#name[aria-invalid=true]").wait_for()
    check(page, axe)


def test_a_portal_that_knows_nothing(page: Page, axe: str, start_portal: StartPortal, tmp_path: Path) -> None:  # noqa: F811
    portal = start_portal("http://127.0.0.1:9")
    for path in ("/", "/status"):
        page.goto(portal.url + path)
        check(page, axe)

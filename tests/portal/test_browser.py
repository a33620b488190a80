"""The pages in a real Chromium: accessibility (axe-core), no third party, no script needed, size, phones."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fake_prometheus import FakePrometheus, FakeServer
from icalendar import Calendar
from playwright.sync_api import Browser, BrowserContext, Page, Response, sync_playwright
from portal_support import PortalProcess, StartPortal, wait_until

HERE = Path(__file__).resolve().parent
CHROMIUM = "/usr/bin/chromium"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LARGEST_FIRST_LOAD = 50_000
PAGES = {
    "home": "/",
    "home in French": "/?lang=fr",
    "room": "/room/brave-otter-canal-vivid-lemon-42",
    "guessable room": "/room/standup",
    "closed door": "/équipe nord",
    "status": "/status",
    "API": "/api",
    "status in French": "/status?lang=fr",
    "not found": "/no/where",
}


@pytest.fixture(scope="module")
def prometheus() -> Iterator[FakePrometheus]:
    servers = [FakeServer(f"h-{number}", cpu=number / 10) for number in range(1, 8)]
    servers[1].fleet_state, servers[2].fleet_state = "draining", "cordoned"
    servers[3].up["jvb"], servers[4].cpu = 0, None
    fake = FakePrometheus(servers)
    yield fake
    fake.close()


@pytest.fixture(scope="module")
def portal(prometheus: FakePrometheus, start_portal_once: StartPortal) -> PortalProcess:
    portal = start_portal_once(prometheus.url)
    for name in ("brave-otter-canal-vivid-lemon-42", "standup"):
        portal.client.post("/api/v1/rooms", json={"name": name}).raise_for_status()
    return portal


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.fail("Chromium is not installed (Debian: chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    script = HERE / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        folder = tmp_path_factory.mktemp("npm")
        shutil.copy(HERE / "package.json", folder)
        command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--prefix", str(folder)]
        subprocess.run(command, check=True, capture_output=True, timeout=180)
        with suppress(OSError):  # kept for the next time; another test process may have been faster
            (folder / "node_modules").rename(HERE / "node_modules")
        if not script.exists():
            script = folder / "node_modules" / "axe-core" / "axe.min.js"
    return script.read_text()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="en-GB")
    yield context
    context.close()


def violations(page: Page, axe: str) -> list[str]:
    """What axe-core finds, one line each."""
    page.evaluate(axe)  # not a script element: the page's policy would refuse that
    found = page.evaluate("tags => axe.run(document, {runOnly: tags})", AXE_TAGS)
    return [f"{one['id']}: {node['html']}" for one in found["violations"] for node in one["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES.values(), ids=list(PAGES))
def test_no_accessibility_violation(browser: Browser, portal: PortalProcess, axe: str, path: str, scheme: str) -> None:
    for width in (360, 1440):
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
        page = context.new_page()
        page.goto(portal.url + path)
        assert violations(page, axe) == []
        context.close()


def test_axe_would_find_something(context: BrowserContext, axe: str) -> None:
    page = context.new_page()
    page.set_content("<html><body><img src='x.png'><a href='/'></a></body></html>")
    assert any(line.startswith("image-alt") for line in violations(page, axe))


@pytest.mark.parametrize("path", PAGES.values(), ids=list(PAGES))
def test_small_private_and_without_errors(context: BrowserContext, portal: PortalProcess, path: str) -> None:
    page = context.new_page()
    answers: list[Response] = []
    complaints: list[str] = []
    page.on("response", lambda answer: answers.append(answer))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(portal.url + path, wait_until="load")
    page.wait_for_timeout(200)
    own = urlsplit(portal.url).netloc
    assert {urlsplit(answer.url).netloc for answer in answers} == {own}
    files = [answer for answer in answers if "/api/v1/events" not in answer.url]
    sizes = {answer.url: sum(answer.request.sizes().values()) for answer in files}
    assert sum(sizes.values()) < LARGEST_FIRST_LOAD, sizes
    assert [line for line in complaints if "404" not in line] == []
    assert context.cookies() == []
    assert page.evaluate("document.fonts.check('16px Display')")


@pytest.mark.parametrize("path", PAGES.values(), ids=list(PAGES))
def test_no_sideways_scrolling_on_a_phone(context: BrowserContext, portal: PortalProcess, path: str) -> None:
    page = context.new_page()
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(portal.url + path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def leads_to(page: Page) -> list[str]:
    """Stops the browser at the meeting servers, which do not exist here; returns where it wanted to go."""
    destinations: list[str] = []

    def stop(route) -> None:
        destinations.append(route.request.url)
        route.fulfill(status=200, content_type="text/html", body="<h1>Jitsi</h1>")

    page.route("https://*.ensemble.test/**", stop)
    return destinations


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without"])
def test_one_click_leads_to_a_room(browser: Browser, portal: PortalProcess, script: bool) -> None:
    context = browser.new_context(java_script_enabled=script)
    page = context.new_page()
    destinations = leads_to(page)
    page.goto(portal.url)
    page.get_by_role("button", name="Start a meeting").click()
    page.get_by_role("heading", name="Jitsi").wait_for()
    assert destinations[0].startswith("https://h-1.ensemble.test/")
    context.close()


def test_a_link_to_share_first(context: BrowserContext, portal: PortalProcess) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    destinations = leads_to(page)
    page.goto(portal.url + "/?lang=fr")
    page.get_by_role("button", name="Obtenir d’abord un lien").click()
    page.get_by_role("heading", name="Votre salle est prête").wait_for()
    link = page.locator(".room-link").inner_text()
    page.get_by_role("button", name="Copier le lien").click()
    page.get_by_role("button", name="Copié").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == link
    assert page.locator("svg.qr").is_visible()
    assert link.startswith(portal.url)
    page.get_by_label("Date de la réunion").fill("2026-12-24T18:00")
    with page.expect_download() as download:
        page.get_by_role("button", name="agenda").click()
    (event,) = Calendar.from_ical(Path(download.value.path()).read_bytes()).events
    assert event["LOCATION"] == link
    offset = page.evaluate("-new Date('2026-12-24T18:00').getTimezoneOffset()")
    assert event.start == datetime(2026, 12, 24, 18, tzinfo=timezone(timedelta(minutes=offset)))
    page.get_by_role("link", name="Entrer dans la salle").click()
    page.get_by_role("heading", name="Jitsi").wait_for()
    assert destinations == [link.replace(portal.url, "https://h-1.ensemble.test")]


def test_a_link_is_copied_where_there_is_no_clipboard(context: BrowserContext, portal: PortalProcess) -> None:
    """As over HTTP; and where the browser refuses, the button says what to do."""
    page = context.new_page()
    page.add_init_script("delete Navigator.prototype.clipboard")
    page.goto(portal.url + "/room/brave-otter-canal-vivid-lemon-42")
    page.evaluate(
        "document.execCommand = (what) => { window.copied = getSelection().toString(); return what === 'copy' }"
    )
    page.get_by_role("button", name="Copy the link").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("window.copied") == f"{portal.url}/brave-otter-canal-vivid-lemon-42"
    page.reload()
    page.evaluate("document.execCommand = () => false")
    page.get_by_role("button", name="Copy the link").click()
    page.get_by_role("button", name="Select the link").wait_for()


def test_recent_rooms_stay_in_the_browser_until_forgotten(
    context: BrowserContext, portal: PortalProcess, axe: str
) -> None:
    portal.client.post("/api/v1/rooms", json={"name": "Équipe Nord"}).raise_for_status()
    page = context.new_page()
    page.goto(portal.url)
    assert not page.get_by_role("heading", name="Your recent rooms").is_visible()
    for path in ("brave-otter-canal-vivid-lemon-42", "équipe nord"):
        page.goto(f"{portal.url}/room/{path}")
    assert page.title().startswith("Your room is ready: équipe nord")
    page.goto(portal.url)
    links = page.locator("[data-recent] a")
    assert links.all_inner_texts() == ["équipe nord", "brave-otter-canal-vivid-lemon-42"]
    assert violations(page, axe) == []
    page.get_by_role("button", name="Forget them").click()
    page.reload()
    assert links.count() == 0


def test_a_closed_door_opens_by_one_click_also_in_a_frame(context: BrowserContext, portal: PortalProcess) -> None:
    page = context.new_page()
    page.goto(portal.url + "/api/v1/openapi.json")  # a page without a policy of its own
    page.set_content(f'<iframe src="{portal.url}/framed-room"></iframe>')
    inside = page.frame_locator("iframe")
    with page.expect_request("https://h-1.ensemble.test/framed-room"):
        inside.get_by_role("button", name="Open the room").click()
    assert portal.client.get("/framed-room").headers["location"] == "https://h-1.ensemble.test/framed-room"


def test_a_room_by_name_and_a_name_that_is_refused(context: BrowserContext, portal: PortalProcess, axe: str) -> None:
    page = context.new_page()
    destinations = leads_to(page)
    page.goto(portal.url)
    page.get_by_label("Join or open a room by its name or link").fill("static")
    page.get_by_role("button", name="Enter").click()
    assert (
        "reserved" in page.get_by_role("alert").inner_text() or "themselves" in page.get_by_role("alert").inner_text()
    )
    assert page.get_by_label("Join or open a room by its name or link").input_value() == "static"
    assert violations(page, axe) == []
    page.get_by_label("Join or open a room by its name or link").fill("Team Standup")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Jitsi").wait_for()
    assert destinations == ["https://h-1.ensemble.test/team%20standup"]


def test_the_keyboard_alone_is_enough(context: BrowserContext, portal: PortalProcess) -> None:
    page = context.new_page()
    destinations = leads_to(page)
    page.goto(portal.url)
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim() || document.activeElement.id"))
    assert reached[0] == "Skip to content"
    assert reached[3:7] == ["Start a meeting", "Get a link to share first", "name", "Enter"]
    for _ in range(3):
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Jitsi").wait_for()
    assert len(destinations) == 1


def test_the_switch_of_language_stays_on_the_page(context: BrowserContext, portal: PortalProcess) -> None:
    page = context.new_page()
    page.goto(portal.url + "/status")
    page.get_by_role("link", name="Français").click()
    page.get_by_role("heading", name="État des serveurs").wait_for()
    page.get_by_role("link", name="Ensemble").click()
    page.get_by_role("heading", name="Se voir, ensemble.").wait_for()


def test_the_status_page_follows_the_fleet_until_paused(
    context: BrowserContext, portal: PortalProcess, prometheus: FakePrometheus
) -> None:
    """Who has the focus keeps it: only what differs is touched."""
    page = context.new_page()
    page.goto(portal.url + "/status")
    row = page.get_by_role("row", name="h-1 ")
    row.wait_for()
    page.get_by_role("region", name="All servers", exact=True).focus()
    prometheus.servers[0].cpu = 0.77
    row.filter(has_text="77%").wait_for(timeout=15000)
    assert page.evaluate("document.activeElement.getAttribute('role')") == "region"
    page.get_by_role("button", name="Pause live updates").click()
    seen = prometheus.queries
    prometheus.servers[0].cpu = 0.1
    while prometheus.queries < seen + 6:
        page.wait_for_timeout(100)
    assert row.filter(has_text="77%").is_visible()
    page.get_by_role("button", name="Resume live updates").click()
    row.filter(has_text="10%").wait_for(timeout=15000)


def test_the_status_page_without_javascript_shows_it_all(browser: Browser, portal: PortalProcess) -> None:
    context = browser.new_context(java_script_enabled=False, locale="fr-FR")
    page = context.new_page()
    page.goto(portal.url + "/status")
    rows = [row.inner_text() for row in page.get_by_role("row").all()[1:]]
    assert [row.split()[0] for row in rows] == ["h-4", "h-5", "h-6", "h-7", "h-2", "h-3", "h-1"], "the worst first"
    assert "pas de réponse de\u202f: jvb" in rows[0]
    assert "Serveurs en difficulté\u202f: 2 sur 7." in page.get_by_role("main").inner_text()
    assert not page.get_by_role("button").is_visible()
    for line in page.locator("svg.chart path.average, svg.chart path.peak").all():
        assert line.bounding_box()["width"] > 200
    context.close()


def test_a_large_fleet_fits_into_the_first_load(browser: Browser, axe: str, start_portal: StartPortal) -> None:
    fake = FakePrometheus([FakeServer(f"h-{number}", cpu=number % 100 / 100) for number in range(1, 1001)])
    portal = start_portal(fake.url, poll_interval="1", stale_after="4")  # then most may vanish
    context = browser.new_context(viewport={"width": 360, "height": 800}, java_script_enabled=False)
    page = context.new_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(portal.url + "/status", wait_until="load")
    assert page.locator(".map i").count() == 1000
    assert page.get_by_role("region", name="All servers", exact=True).get_by_role("row").count() == 51
    page.get_by_label("Find servers").fill("h-99")
    page.get_by_role("button", name="Search").click()
    assert page.get_by_text("11 of 11 servers").is_visible()
    answers = [answer for answer in answers if "?q=" not in answer.url]
    assert sum(sum(answer.request.sizes().values()) for answer in answers) < LARGEST_FIRST_LOAD
    context.close()
    smaller = FakePrometheus(fake.servers[:40])  # axe takes long over a thousand rows
    portal = start_portal(smaller.url, poll_interval="1")
    context = browser.new_context(viewport={"width": 360, "height": 800})
    page = context.new_page()
    page.goto(portal.url + "/status")
    page.locator(".map").wait_for()
    assert violations(page, axe) == []
    context.close()
    smaller.close()
    fake.close()


def test_503_is_a_page_for_people_that_tries_again_by_itself(
    browser: Browser, axe: str, start_portal: StartPortal
) -> None:
    """What was typed is kept, through another language and until a server is there."""
    fake = FakePrometheus([FakeServer("h-1", fleet_state="draining")])
    portal = start_portal(fake.url, contact="help@example.test", poll_interval="0.6", grace_polls="1")
    context = browser.new_context(locale="fr-FR")
    page = context.new_page()
    destinations = leads_to(page)
    page.goto(portal.url)
    page.locator("#name").fill("équipe nord")
    page.get_by_role("button", name="Entrer").click()
    page.get_by_role("heading", name="Aucun serveur de réunion").wait_for()
    assert "0 sur 1 étaient prêts" in page.content()
    assert "help@example.test" in page.content()
    assert violations(page, axe) == []
    page.get_by_role("link", name="English").click()
    page.get_by_role("heading", name="Meet together.").wait_for()
    assert page.locator("#name").input_value() == "équipe nord"
    page.get_by_role("button", name="Enter").click()
    page.get_by_role("heading", name="No meeting server is free").wait_for()
    page.get_by_text("tries again by itself").wait_for()
    fake.servers[0].fleet_state = ""
    page.get_by_role("heading", name="Jitsi").wait_for(timeout=25_000)
    assert destinations == ["https://h-1.ensemble.test/%C3%A9quipe%20nord"]
    context.close()
    fake.close()


def test_who_does_not_want_to_wait_may_stop_and_try_by_hand(context: BrowserContext, start_portal: StartPortal) -> None:
    fake = FakePrometheus([])
    portal = start_portal(fake.url, poll_interval="0.6", grace_polls="1")
    page = context.new_page()
    page.goto(portal.url)
    page.get_by_role("button", name="Get a link to share first").click()
    page.get_by_role("button", name="Stop trying").click()
    assert not page.get_by_text("tries again by itself").is_visible()
    fake.servers = [FakeServer("h-1")]
    wait_until(lambda: portal.client.post("/api/v1/rooms").status_code == 201)
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("heading", name="Your room is ready").wait_for()
    fake.close()


def test_a_guessable_name_is_warned_of_while_it_is_typed(context: BrowserContext, portal: PortalProcess) -> None:
    page = context.new_page()
    page.goto(portal.url)
    note, field = page.get_by_text("easy to guess"), page.locator("#name")
    assert not note.is_visible()
    field.press_sequentially("standup")
    note.wait_for()
    field.fill("four calm otters at dawn 42")
    note.wait_for(state="hidden")
    page.goto(portal.url + "/room/standup")
    page.get_by_role("button", name="Get a name that nobody can guess").click()
    page.wait_for_url("**/room/*-*-*-*-*-*")
    assert not note.is_visible()


def test_the_pages_of_a_room_tell_its_servers_true_state(
    context: BrowserContext, axe: str, start_portal: StartPortal
) -> None:
    fake = FakePrometheus([FakeServer("h-1"), FakeServer("h-2", fleet_state="cordoned")])
    portal = start_portal(fake.url)
    portal.client.post("/standup")
    page = context.new_page()
    destinations = leads_to(page)
    fake.servers[0].up["jvb"] = 0
    wait_until(lambda: "unhealthy" in portal.client.get("/api/v1/servers").text)
    page.goto(portal.url + "/room/standup")
    page.get_by_role("heading", name="Your room has a link").wait_for()
    assert "no answer from: jvb" in page.get_by_role("main").inner_text()
    assert violations(page, axe) == []
    fake.servers[0].up = dict.fromkeys(fake.servers[0].up, 0)
    wait_until(lambda: portal.client.get("/standup").status_code == 503)
    page.goto(portal.url + "/standup")
    page.get_by_role("heading", name="This room cannot be entered now").wait_for()
    assert page.get_by_role("button", name="Try again").is_visible()
    assert violations(page, axe) == []
    page.get_by_role("link", name="Go there all the same").click()
    page.get_by_role("heading", name="Jitsi").wait_for()
    assert destinations == ["https://h-1.ensemble.test/standup"]
    fake.close()

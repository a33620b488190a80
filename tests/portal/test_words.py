"""Names of rooms, languages, clients, links, settings: the small parts."""

from __future__ import annotations

import json
import math
import re
import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from ensemble_portal import names, texts
from ensemble_portal.clients import Limiter, Proxies
from ensemble_portal.errors import STATUS, PortalError
from ensemble_portal.links import android_link, calendar, ios_link, next_hour
from ensemble_portal.preferences import accepts_gzip, preferred_language
from ensemble_portal.responses import room_body
from ensemble_portal.rooms import Room
from ensemble_portal.settings import Settings, SettingsError, table
from ensemble_portal.texts import LANGUAGES, TEXTS
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar
from portal_support import PORTAL
from portal_support import settings as portal_settings


@pytest.mark.parametrize("language", ["en", "fr"])
def test_made_up_names_are_readable_and_hold_60_bits(language: str) -> None:
    count = len(names.words(language))
    assert names.WORDS_IN_NAME * math.log2(count) + math.log2(90) >= 60
    seen = {names.made_up(language) for _ in range(2000)}
    assert len(seen) == 2000
    assert all(re.fullmatch(r"([a-z]+-){5}[1-9]\d", name) for name in seen)
    assert all(names.normalised(name) == name == names.path_of(name) for name in seen)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_made_up_names_are_kind(language: str) -> None:
    assert not {"suicide", "kill", "weapon", "tuer", "arme", "viande"} & set(names.words(language))


@pytest.mark.parametrize(
    ("typed", "room", "path"),
    [
        ("Team-Standup", "team-standup", "team-standup"),
        ("  Équipe   Nord ", "équipe nord", "%C3%A9quipe%20nord"),
        ("team%20standup", "team standup", "team%20standup"),
        ("ﬁn", "fin", "fin"),  # NFKC takes ligatures apart
        ("E\u0301quipe", "équipe", "%C3%A9quipe"),
        ("What's up? (now)", "whats up now", "whats%20up%20now"),
        ("a/b", "ab", "ab"),
        ("100%", "100", "100"),
        ("ROOM\u200b1", "room1", "room1"),
        ("рау-ораl".replace("l", ""), "pay-opa", "pay-opa"),  # Cyrillic, all of it
        ("Оса команда", "oca команда", "oca%20%D0%BA%D0%BE%D0%BC%D0%B0%D0%BD%D0%B4%D0%B0"),
        ("команда dev", "команда dev", "%D0%BA%D0%BE%D0%BC%D0%B0%D0%BD%D0%B4%D0%B0%20dev"),
        ("ro\u00ado\u034fm\ufe0f", "room", "room"),
        ("lıst", "list", "list"),
        ("会議room", "会議room", "%E4%BC%9A%E8%AD%B0room"),
    ],
)
def test_names_become_what_jitsi_makes_of_them(typed: str, room: str, path: str) -> None:
    assert names.normalised(typed) == room
    assert names.path_of(room) == path


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        ("", "name-empty"),
        (" ?!/ ", "name-empty"),
        ("--", "name-empty"),
        ("x" * 101, "name-too-long"),
        ("static", "name-reserved"),
        ("Config.js", "name-reserved"),
        ("libs", "name-reserved"),
        ("http-bind", "name-reserved"),
        ("xmpp-websocket", "name-reserved"),
        (".well-known", "name-reserved"),
        ("_api", "name-reserved"),
        ("%73tatic", "name-reserved"),
        ("pаypal", "name-mixed"),  # the second letter is Cyrillic
        ("stαndup", "name-mixed"),
        ("ѕtаtіс", "name-mixed"),
    ],
)
def test_names_that_are_refused(typed: str, kind: str) -> None:
    with pytest.raises(PortalError) as refusal:
        names.normalised(typed)
    assert refusal.value.kind == kind
    assert refusal.value.status == 422
    assert refusal.value.detail("fr")


@given(st.text(max_size=200))
def test_normalising_twice_changes_nothing(typed: str) -> None:
    try:
        room = names.normalised(typed)
    except PortalError:
        return
    assert names.normalised(room) == room
    assert re.fullmatch(r"[A-Za-z0-9%._~-]+", names.path_of(room))


typed_names = st.text(st.characters(exclude_categories=["Cs", "Co", "Cn"]), max_size=20)


@given(st.lists(typed_names, min_size=20, max_size=20))
@settings(max_examples=10, deadline=None)
def test_jitsi_reads_the_address_as_the_room_that_was_claimed(typed: list[str]) -> None:
    rooms = []
    for name in [*typed, "Équipe Nord", "ﬁn", "İ", "ΑΣ", "100% sûr", "a+b", "ß", "e\u0301"]:
        with suppress(PortalError):
            rooms.append(names.normalised(name))
    command = ["node", str(Path(__file__).with_name("jitsi_names.js"))]
    paths = json.dumps([names.path_of(room) for room in rooms])
    read = subprocess.run(command, input=paths, capture_output=True, text=True, check=True)
    assert json.loads(read.stdout) == rooms


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("fr", "fr"),
        ("fr-CA, en;q=0.8", "fr"),
        ("en;q=0.4, fr;q=0.5", "fr"),
        ("nl, pl", "en"),
        ("de, it", "de"),
        ("fr;q=0", "en"),
        ("fr;q=x", "en"),
        ("*", "en"),
    ],
)
def test_language_of_the_browser(header: str | None, language: str) -> None:
    assert preferred_language(header) == language


@pytest.mark.parametrize(
    ("header", "desired"),
    [(None, False), ("", False), ("gzip, br", True), ("br;q=1.0, GZIP;q=0.5", True), ("gzip;q=0", False), ("*", False)],
)
def test_compression_that_the_browser_takes(header: str | None, desired: bool) -> None:
    assert accepts_gzip(header) is desired


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.5", None, "203.0.113.5"),
        ("203.0.113.5", "198.51.100.1", "203.0.113.5"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("::ffff:10.0.0.1", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_the_client_behind_proxies(peer: str, forwarded: str | None, client: str) -> None:
    trusted = portal_settings(trusted_proxies="127.0.0.0/8,10.0.0.0/8").trusted_proxies
    assert Proxies(trusted).client(peer, forwarded) == client


def test_nobody_but_this_machine_is_trusted_unasked() -> None:
    proxies = Proxies(portal_settings().trusted_proxies)
    assert proxies.client("127.0.0.1", "198.51.100.1") == "198.51.100.1"
    for peer in ("10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "fd00::1"):
        assert proxies.client(peer, "198.51.100.1") == peer


def test_the_limit_per_client() -> None:
    limiter = Limiter(60)
    assert [limiter.wait("192.0.2.1", 0.0) for _ in range(60)] == [0.0] * 60
    assert limiter.wait("192.0.2.1", 0.0) == pytest.approx(1)
    assert limiter.wait("192.0.2.2", 0.0) == 0
    assert limiter.wait("192.0.2.1", 1.0) == 0
    assert limiter.wait("192.0.2.1", 1.0) > 0


def test_ipv6_clients_count_by_network() -> None:
    limiter = Limiter(1)
    assert limiter.wait("2001:db8::1", 0.0) == 0
    assert limiter.wait("2001:db8::2", 0.0) > 0
    assert limiter.wait("2001:db8:0:1::1", 0.0) == 0


def test_portals_share_what_a_client_may() -> None:
    limiter = Limiter(60)
    limiter.divide(3)
    assert [limiter.wait("192.0.2.1", 0.0) for _ in range(20)] == [0.0] * 20
    assert limiter.wait("192.0.2.1", 0.0) == pytest.approx(3)
    limiter.divide(1)
    assert limiter.wait("192.0.2.1", 1.0) == 0
    unlimited = Limiter(0)
    unlimited.divide(3)
    assert [unlimited.wait("192.0.2.1", 0.0) for _ in range(999)] == [0.0] * 999


def test_the_limiter_forgets() -> None:
    limiter = Limiter(60)
    for number in range(70000):
        limiter.wait(f"client-{number}", number / 1000)
    assert len(limiter._buckets) <= 65537


def test_links_of_the_apps() -> None:
    intent = "intent://h-1.test/room#Intent;scheme=org.jitsi.meet;package=org.jitsi.meet;end"
    assert android_link("h-1.test", "room") == intent
    assert ios_link("h-1.test", "room") == "org.jitsi.meet://h-1.test/room"


@given(st.text(max_size=60))
def test_every_room_is_told_as_json(typed: str) -> None:
    try:
        name = names.normalised(typed)
    except PortalError:
        return
    told = orjson.loads(room_body(Room(name, names.path_of(name), "h-1", "h-1.test"), "https://meet.test:8443"))
    assert told["room"] == name
    assert told["link"] == f"https://meet.test:8443/{names.path_of(name)}"
    assert told["url"] == f"https://h-1.test/{names.path_of(name)}"


def test_a_moment_without_a_zone_is_that_time_anywhere() -> None:
    text = calendar("https://portal.test/a", "a", "Meeting", datetime(2026, 12, 24, 23, 30), "portal.test")
    (event,) = Calendar.from_ical(text).events
    assert (event.start, event.end) == (datetime(2026, 12, 24, 23, 30), datetime(2026, 12, 25, 0, 30))


@pytest.mark.parametrize("summary", ["Réunion; " + "é" * 80, "a,b\\c", "x" * 74 + "é"])
def test_the_calendar_file(summary: str) -> None:
    start = next_hour(datetime(2026, 3, 1, 23, 20, tzinfo=UTC))
    text = calendar("https://h-1.test/a%20b", "a%20b", summary, start, "h-1.test")
    assert all(len(line) <= 75 for line in text.split(b"\r\n"))
    assert b"\n" not in text.replace(b"\r\n", b"")
    (event,) = Calendar.from_ical(text).events
    assert (event.start, event.end) == (start, datetime(2026, 3, 2, 1, 0, tzinfo=UTC))
    assert (event["SUMMARY"], event["LOCATION"], event["URL"]) == (summary, "https://h-1.test/a%20b", event["LOCATION"])
    assert not event.errors


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_the_same_things(language: str) -> None:
    """The same keys with the same fields; a text that equals the English one must be the same word in both."""
    fields = re.compile(r"{\w*}")
    assert TEXTS[language].keys() == TEXTS["en"].keys()
    for key, english in TEXTS["en"].items():
        assert sorted(fields.findall(TEXTS[language][key])) == sorted(fields.findall(english)), key
    for kind in STATUS:
        assert {f"error.{kind}.title", f"error.{kind}.detail"} <= TEXTS[language].keys()
    if language != "en":
        same = [key for key, english in TEXTS["en"].items() if TEXTS[language][key] == english]
        assert len(same) < 15, same


def test_numbers_as_each_language_writes_them() -> None:
    shown = [texts.number(12345, language) for language in LANGUAGES]
    assert shown == ["12,345", "12\u202f345", "12.345", "12.345", "12.345"]
    assert texts.percent(0.256, "en") == "26%"
    assert texts.percent(0.256, "de").split() == ["26", "%"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("POLL_INTERVAL", "31"),
        ("POLL_INTERVAL", "soon"),
        ("LISTEN", "8080"),
        ("PROMETHEUS_URL", "prometheus:9090"),
        ("PROMETHEUS_URL", "http://prometheus:99999"),
        ("PUBLIC_URL", "meet.example.org"),
        ("PUBLIC_URL", "https://meet.example.org/portal"),
        ("PUBLIC_URL", "https://me@meet.example.org"),
        ("PUBLIC_URL", 'https://meet."example.org'),
        ("STORE", "mysql://x"),
        ("STORE", "sqlite:/nowhere/claims.db"),
        ("STORE_CA", "/etc/ssl/ca.pem"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("EGRESS_CAPS", "DEV1-L"),
        ("EGRESS_CAPS", "DEV1-L=0"),
        ("PARTICIPANT_CAPS", "DEV1-L=100"),
        ("CORS_ORIGINS", "https://school.example/portal"),
        ("CORS_ORIGINS", "school.example"),
        ("ROOM_LOAD", "nan"),
        ("LOG_REQUESTS", "maybe"),
        ("STALE_AFTER", "5"),
        ("TYPO", "1"),
    ],
)
def test_settings_that_are_wrong(name: str, text: str) -> None:
    environ = {"ENSEMBLE_PROMETHEUS_URL": "http://p:9090", f"ENSEMBLE_{name}": text}
    with pytest.raises(SettingsError, match=name):
        Settings.from_environ(environ)


def test_settings_that_are_right() -> None:
    read = portal_settings(listen="[::1]:80", poll_interval="5s", claim_time="2h", egress_caps="A=1.5G,*=10M")
    assert read.listen == ("::1", 80)
    assert (read.poll_interval, read.claim_time) == (5, 7200)
    assert read.egress_caps == {"A": 1.5e9, "*": 1e7}


def test_origins_are_understood_as_browsers_send_them() -> None:
    read = portal_settings(cors_origins="https://School.example/, http://localhost:8080,https://a.example:443")
    assert read.cors_origins == ("https://school.example", "http://localhost:8080", "https://a.example")
    assert portal_settings(cors_origins="*").cors_origins == ("*",)


def test_the_readme_lists_every_setting() -> None:
    readme = (PORTAL / "README.md").read_text()
    for name, default, about in table():
        assert f"| `{name}` | {default} | {about} |" in readme

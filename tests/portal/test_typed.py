"""What people put into the field: names, links to our rooms, links to others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ensemble_portal import names
from ensemble_portal.errors import PortalError
from ensemble_portal.typed import Hosts, read
from fake_prometheus import FakePrometheus, FakeServer
from portal_support import PortalProcess, StartPortal

HOSTS = Hosts({"meet.test", "127.0.0.1:8080"}, {"h-1.meet.test": "h-1", "h-2.meet.test": "h-2"})


@pytest.mark.parametrize(
    ("typed", "name", "server"),
    [
        ("team standup", "team standup", None),
        (" 10:30/11 // Grande-salle.fr ", "10:30/11 // Grande-salle.fr", None),
        ("v1.2/notes", "v1.2/notes", None),
        ("https://meet.test/hello", "hello", None),
        ("http://127.0.0.1:8080/hello", "hello", None),
        ("HTTPS://Meet.TEST/Hello/?lang=fr#x", "Hello", None),
        ("meet.test/hello", "hello", None),
        ("https://meet.test/go/hello", "hello", None),
        ("https://meet.test/room/hello", "hello", None),
        ("https://meet.test/room/h-7/hello", "hello", None),
        ("https://meet.test/room/hello/calendar.ics", "hello", None),
        ("https://h-2.meet.test/%C3%A9quipe%20nord#config.startWithAudioMuted=true", "%C3%A9quipe%20nord", "h-2"),
        ("h-1.meet.test/hello", "hello", "h-1"),
        ("https://h-77.meet.test/hello", "hello", None),
        ("intent://h-1.meet.test/hello#Intent;scheme=org.jitsi.meet;package=org.jitsi.meet;end", "hello", "h-1"),
        ("org.jitsi.meet://h-1.meet.test/hello", "hello", "h-1"),
        ("Come at three: https://meet.test/hello. Bye", "hello", None),
    ],
)
def test_names_and_links_of_ours(typed: str, name: str, server: str | None) -> None:
    assert read(typed, HOSTS) == (name, server)


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        ("https://other.example/hello", "link-foreign"),
        ("other.example/hello", "link-foreign"),
        ("https://meet.test@other.example/hello", "link-foreign"),
        ("https://meet.test.other.example/hello", "link-foreign"),
        ("https://h-1.meet.test:444/hello", "link-foreign"),
        ("https://x-1.meet.test/hello", "link-foreign"),
        ("https://[::1/hello", "link-foreign"),
        ("https://meet.test/", "link-without-room"),
        ("https://meet.test/api/v1/rooms", "link-without-room"),
        ("https://h-1.meet.test/tenant/hello", "link-without-room"),
    ],
)
def test_other_links_are_refused_by_words(typed: str, kind: str) -> None:
    with pytest.raises(PortalError) as refusal:
        read(typed, HOSTS)
    assert (refusal.value.kind, refusal.value.status) == (kind, 422)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_guessable_names(language: str) -> None:
    guessable = ["standup", "team-standup", "weekly marketing meeting", "a" * 20, "2025", "salle de réunion"]
    assert [name for name in guessable if not names.is_guessable(name)] == []
    assert not any(names.is_guessable(names.made_up(language)) for _ in range(200))


@pytest.fixture
def portal(start_portal: StartPortal) -> Iterator[PortalProcess]:
    fake = FakePrometheus([FakeServer("h-1", cpu=0.1), FakeServer("h-2", cpu=0.5)])
    yield start_portal(fake.url)
    fake.close()


def test_a_pasted_link_leads_into_its_room(portal: PortalProcess) -> None:
    """On the server of the link: people who opened it there meet those who pasted it here."""

    def leads_to(text: str) -> str:
        return portal.client.post("/start", data={"name": text}).headers["location"]

    assert leads_to("https://h-2.ensemble.test/hello") == "https://h-2.ensemble.test/hello"
    assert leads_to("hello") == "https://h-2.ensemble.test/hello"
    assert leads_to("h-1.ensemble.test/hello") == "https://h-2.ensemble.test/hello", "where the room lives, counts"
    assert leads_to(f"{portal.url}/hello") == "https://h-2.ensemble.test/hello"
    assert portal.client.post("/api/v1/rooms", json={"name": f"{portal.url}/hello"}).json()["room"] == "hello"
    refusal = portal.client.post("/start", data={"name": "https://meet.jit.si/hello"})
    assert refusal.status_code == 422
    assert "meet.jit.si is not one of our servers" in refusal.text
    assert 'value="https://meet.jit.si/hello"' in refusal.text
    assert portal.client.get("/api/v1/rooms/httpsmeet.jit.sihello").status_code == 404

"""Incidents and maintenance: told once for all portals, on the status page, as JSON and as RSS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from ensemble_portal import notices
from ensemble_portal.notices import Refused, Step, gathered, judged
from fake_prometheus import FakePrometheus
from portal_support import PORTAL, StartPortal, wait_until

from tests.postgres import Postgres

TITLE = "Calls <drop> in zone 1"


def step(at: float, kind: str, title: str = TITLE, text: str = "") -> Step:
    return Step(at, title, "incident", kind, text)


def tell(store: str, *arguments: str) -> tuple[int, str]:
    """What an operator's playbook runs in the portal's container: its status and what it says."""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PORTAL), "ENSEMBLE_STORE": store}
    environ["ENSEMBLE_PROMETHEUS_URL"] = "http://127.0.0.1:9"
    command = [sys.executable, "-m", "ensemble_portal.notices", *arguments]
    done = subprocess.run(command, env=environ, capture_output=True, text=True)
    return done.returncode, done.stdout or done.stderr


def test_a_title_that_returns_is_another_notice() -> None:
    steps = [step(1, "open"), step(2, "open", "other"), step(3, "update"), step(4, "close"), step(5, "open")]
    assert [(one.title, one.opened_at, one.closed_at) for one in gathered(steps)] == [
        (TITLE, 5, None),
        ("other", 2, None),
        (TITLE, 1, 4),
    ]


def test_what_was_told_already_is_no_news_and_nonsense_is_refused() -> None:
    steps = [step(1, "open", text="We look.")]
    assert judged([], steps[0])
    assert not judged(steps, step(2, "open", text="We look."))
    for new in (step(2, "open", text="Again."), step(2, "update", "Cals drop", "x"), step(2, "close", "Cals drop")):
        with pytest.raises(Refused):
            judged(steps, new)
    steps.append(step(3, "close"))
    assert not judged(steps, step(4, "close"))
    with pytest.raises(Refused):
        judged(steps, step(4, "update", text="x"))


@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
def test_all_portals_tell_what_one_command_said(
    postgres: Postgres, prometheus: FakePrometheus, start_portal: StartPortal, tmp_path: Path, kind: str
) -> None:
    store = postgres.address if kind == "postgresql" else f"sqlite:{tmp_path / 'claims.db'}"
    opening = ("open", "--title", TITLE, "--text", "We look into it & more.")
    assert tell(store, *opening, "--check") == (0, '{"changed":true}\n')
    assert tell(store, *opening, "--write") == (0, '{"changed":true}\n')
    assert tell(store, *opening) == (0, '{"changed":false}\n')
    assert tell(store, "update", "--title", "another", "--text", "x")[0] == 2
    portal = start_portal(prometheus.url, store=store)
    wait_until(lambda: portal.client.get("/api/v1/notices").json()["notices"])
    page = portal.client.get("/status").text
    assert "There is an incident" in page
    assert "Calls &lt;drop&gt; in zone 1" in page
    assert "All is well." not in page
    assert tell(store, "close", "--title", TITLE, "--text", "It works again.") == (0, '{"changed":true}\n')
    later = start_portal(prometheus.url, store=store)
    wait_until(lambda: later.client.get("/api/v1/notices").json()["notices"])
    (notice,) = later.client.get("/api/v1/notices").json()["notices"]
    assert (notice["title"], notice["kind"]) == (TITLE, "incident")
    assert notice["closed_at"]
    assert [one["text"] for one in notice["updates"]] == ["We look into it & more.", "It works again."]
    feed = later.client.get("/status/notices.rss?lang=fr")
    assert feed.headers["content-type"].startswith("application/rss+xml")
    channel = ElementTree.fromstring(feed.content)[0]
    assert [item.findtext("title") for item in channel.iter("item")] == [f"{TITLE} (terminé)", TITLE]
    assert channel.findtext("link") == f"{later.url}/status"
    wait_until(lambda: "All is well." in later.client.get("/status").text)


@pytest.mark.parametrize(
    ("store", "arguments", "words"),
    [
        ("sqlite::memory:", ("open", "--title", "x", "--text", "y"), "in memory"),
        ("sqlite:{}", ("open", "--title", " ", "--text", "y"), "1 to 120"),
        ("sqlite:{}", ("open", "--title", "x"), "1 to 2000"),
        ("sqlite:{}", ("close", "--title", "x"), "is not open"),
    ],
)
def test_what_cannot_be_told_is_refused(tmp_path: Path, store: str, arguments: tuple[str, ...], words: str) -> None:
    status, said = tell(store.format(tmp_path / "claims.db"), *arguments)
    assert status == 2
    assert words in said
    assert "Traceback" not in said


async def test_old_notices_go_and_a_silent_database_changes_nothing(tmp_path: Path, monkeypatch) -> None:
    store = f"sqlite:{tmp_path / 'claims.db'}"
    shown = notices.Notices(store)
    await shown.read()
    assert shown.shown == []
    now = time.time()
    old = now - notices.SHOWN_FOR - 10
    for one in (step(old - 1, "open", "old"), step(old, "close", "old"), step(old, "open", "lasts"), step(now, "open")):
        await notices.exchange(store, one)
    await shown.read()
    assert [notice.title for notice in shown.shown] == [TITLE, "lasts"]
    monkeypatch.setattr(notices, "exchange", lambda store, authority: (_ for _ in ()).throw(OSError("away")))
    await shown.read()
    assert shown.has_incident
    assert json.dumps([notice.as_json() for notice in shown.shown])

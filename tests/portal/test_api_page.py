"""The API page's examples do what they say, as somebody who copies them sees it."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
import subprocess
import sys
import time

from ensemble_portal.integrations.keys import SCOPES
from ensemble_portal.integrations.webhooks import read_webhooks, signed
from ensemble_portal.texts import LANGUAGES, TEXTS
from fake_prometheus import FakePrometheus
from portal_support import PortalProcess, StartPortal

COMMANDS = {"Python": [sys.executable, "-"], "JavaScript": ["node", "--input-type=module", "-"], "curl": ["sh"]}
KEY = "the-key-of-the-example"


def examples(portal: PortalProcess) -> dict[str, str]:
    """Title -> code, as a browser shows them."""
    found = re.findall(r"<h3 id=\"[^\"]+\">(.*?)</h3>.*?<code>(.*?)</code>", portal.client.get("/api").text, re.DOTALL)
    return {html.unescape(title): html.unescape(code) for title, code in found}


def run(command: list[str], code: str, **environ: str) -> str:
    ran = subprocess.run(
        command, input=code, capture_output=True, text=True, timeout=30, env={**os.environ, **environ}, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_examples_run_as_they_stand(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    portal = start_portal(prometheus.url, api_keys=f"example={digest} rooms:delete")
    assert 'href="/api?lang=fr"' in portal.client.get("/?lang=fr").text
    found = examples(portal)
    for language, command in COMMANDS.items():
        printed = run(command, found.pop(language))
        told = json.loads(printed)["link"] if language == "curl" else printed.strip()
        assert told == f"{portal.url}/team%20standup"
    assert portal.client.get("/team%20standup").status_code == 302
    run(["sh"], found.pop(TEXTS["en"]["api_delete"]), PORTAL_KEY=KEY)
    assert portal.client.get("/api/v1/rooms/team%20standup").status_code == 404
    receiver: dict = {}
    exec(found.pop(TEXTS["en"]["api_signature"]), receiver)
    assert not found
    secret = "whsec_" + base64.b64encode(b"the secret of the receiver's own").decode()
    (webhook,) = read_webhooks(f"https://crm.example/hook {secret}")
    headers = signed(webhook, "evt_1", int(time.time()), b"{}")
    assert receiver["is_genuine"](secret, headers, b"{}")
    assert not receiver["is_genuine"](secret, headers, b"{ }")
    assert not receiver["is_genuine"](secret, signed(webhook, "evt_1", int(time.time()) - 900, b"{}"), b"{}")
    assert portal.client.post("/api/v1/rooms", json={"name": "API"}).status_code == 422, "no room takes its address"


def test_the_page_tells_all_scopes_in_all_languages(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    portal = start_portal(prometheus.url)
    for language in LANGUAGES:
        page = html.unescape(portal.client.get(f"/api?lang={language}").text)
        for scope in SCOPES:
            assert (
                f"<code>{scope}</code></dt><dd>{TEXTS[language]['api_scope_' + scope.replace(':', '_')]}</dd>" in page
            )
        assert f"{portal.url}/api/v1/reservations/SERVER" in page

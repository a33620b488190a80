"""The API page's examples do what they say, as somebody who copies them sees it."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys

from fake_prometheus import FakePrometheus
from portal_support import StartPortal

COMMANDS = {"Python": [sys.executable, "-"], "JavaScript": ["node", "--input-type=module", "-"], "curl": ["sh"]}


def test_the_examples_run_as_they_stand(prometheus: FakePrometheus, start_portal: StartPortal) -> None:
    portal = start_portal(prometheus.url)
    assert 'href="/api?lang=fr"' in portal.client.get("/?lang=fr").text
    found = re.findall(r'<h3 id="(\w+)">.*?<code>(.*?)</code>', portal.client.get("/api").text, re.DOTALL)
    assert [language for language, _ in found] == list(COMMANDS)
    for language, code in found:
        run = subprocess.run(COMMANDS[language], input=html.unescape(code), capture_output=True, text=True, timeout=30)
        assert run.returncode == 0, run.stderr
        told = json.loads(run.stdout)["link"] if language == "curl" else run.stdout.strip()
        assert told == f"{portal.url}/team%20standup"
    assert portal.client.get("/team%20standup").status_code == 302
    assert portal.client.post("/api/v1/rooms", json={"name": "API"}).status_code == 422, "no room takes its address"

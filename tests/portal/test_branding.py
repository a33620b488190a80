"""What an organisation makes its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ensemble_portal import colors
from ensemble_portal.app import make_app
from ensemble_portal.branding import contact_link
from ensemble_portal.portal import Portal
from ensemble_portal.settings import Settings, SettingsError
from hypothesis import given
from hypothesis import strategies as st
from portal_support import settings
from starlette.testclient import TestClient

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><circle r="5"/></svg>'
BALANCED = {"X-Forwarded-For": "198.51.100.7"}
rgb = st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)


def client(**changes: str) -> TestClient:
    return TestClient(make_app(Portal(settings(**changes))))


def test_nothing_is_branded_by_default() -> None:
    page = client().get("/").text
    assert "/brand/" not in page
    assert client().get("/brand/logo").status_code == client().get("/brand/style.css").status_code == 404


def test_an_organisation_in_its_own_look(tmp_path: Path) -> None:
    logo = tmp_path / "logo.svg"
    logo.write_text(SVG)
    links = "Legal notice=https://example.org/legal, Privacy=/privacy"
    branded = client(
        site_name="Example <School>", logo=str(logo), color="#C0FFEE", links=links, contact="help@example.org"
    )
    page = branded.get("/").text
    assert "Example &lt;School&gt;" in page
    assert '<a href="https://example.org/legal">Legal notice</a>' in page
    assert '<a href="/privacy">Privacy</a>' in page
    assert '<a href="mailto:help@example.org">Contact</a>' in page
    shown, style = (re.search(rf'"(/brand/{name}\?v=\w+)"', page) for name in ("logo", r"style\.css"))
    assert shown
    assert style
    answer = branded.get(shown[1])
    assert answer.text == SVG
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "--green:#" in branded.get(style[1]).text
    assert '<a href="mailto:help@example.org">' in branded.get("/nothing/here").text


@pytest.mark.parametrize(
    ("contact", "link"),
    [
        ("https://example.org/help", "https://example.org/help"),
        ("ops@example.org", "mailto:ops@example.org"),
        ("room 101, extension 5", ""),
        ("javascript:alert(1)", ""),
        ("//evil.example", ""),
    ],
)
def test_a_contact_leads_somewhere_or_is_words(contact: str, link: str) -> None:
    assert contact_link(contact) == link


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("COLOR", "teal"),
        ("COLOR", "#12345"),
        ("LOGO", "/nowhere/logo.svg"),
        ("LOGO", "/etc/hostname"),
        ("LINKS", "Legal notice"),
        ("LINKS", "Legal=javascript:alert(1)"),
        ("LINKS", "Legal=//evil.example"),
        ("FRAME_ANCESTORS", "*"),
        ("FRAME_ANCESTORS", "https://a.example; script-src *"),
        ("STATUS_PAGE", "hidden"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_environ({"ENSEMBLE_PROMETHEUS_URL": "http://p:9090", f"ENSEMBLE_{name}": text})


def test_who_may_show_the_pages_in_a_frame() -> None:
    assert "frame-ancestors 'none'" in client().get("/").headers["content-security-policy"]
    allowed = client(frame_ancestors="https://intranet.example.org, 'self'").get("/")
    assert "frame-ancestors https://intranet.example.org 'self'" in allowed.headers["content-security-policy"]


def test_a_private_status_is_for_operators_only() -> None:
    """Visitors come through the balancer; operators ask the portal itself."""
    private = client(status_page="private")
    for path in ("/status", "/api/v1/servers", "/api/v1/events"):
        assert private.get(path, headers=BALANCED).status_code == 404, path
    assert private.get("/status").status_code == 200
    assert private.get("/api/v1/servers").status_code == 503, "no news yet, but asked"
    assert "/status" not in private.get("/", headers=BALANCED).text
    assert "/status" in client().get("/", headers=BALANCED).text


@given(rgb)
def test_any_colour_can_be_read_in_both_schemes(color: str) -> None:
    for paper in (colors.LIGHT_PAPER, colors.DARK_PAPER):
        plain, strong, text = colors.shades(color, paper)
        assert colors.contrast(plain, paper) >= colors.READABLE
        assert colors.contrast(strong, paper) >= colors.READABLE
        assert min(colors.contrast(text, plain), colors.contrast(text, strong)) >= colors.READABLE


def test_contrast_as_others_compute_it() -> None:
    assert colors.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colors.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert colors.parse("ABC") == "#aabbcc"

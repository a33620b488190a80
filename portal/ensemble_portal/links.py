"""Other ways into a room than its web address: the mobile apps, another page, a QR code, a calendar entry."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import segno


def lasting_link(base: str, path: str) -> str:
    """The portal's own address of a room: it holds wherever the room lives, now or later."""
    return f"{base}/{path}"


def room_page(path: str) -> str:
    return f"/room/{path}"


def android_link(host: str, path: str) -> str:
    """Opens the room in the Jitsi Meet app of an Android phone (the apps follow no redirect)."""
    return f"intent://{host}/{path}#Intent;scheme=org.jitsi.meet;package=org.jitsi.meet;end"


def ios_link(host: str, path: str) -> str:
    return f"org.jitsi.meet://{host}/{path}"


def embed_script(host: str) -> str:
    """The script that shows a room of `host` inside another page (Jitsi's IFrame API)."""
    return f"https://{host}/external_api.js"


@lru_cache(maxsize=256)
def qr_svg(url: str, title: str) -> str:
    """An inline SVG of the QR code of `url`, drawn in the text's colour on white."""
    out = io.BytesIO()
    segno.make(url, error="m", micro=False).save(
        out,
        kind="svg",
        scale=4,
        border=3,
        xmldecl=False,
        svgns=True,
        title=title,
        svgclass="qr",
        lineclass=None,
        omitsize=True,
        dark="#14231f",
        light="#ffffff",
    )
    return out.getvalue().decode()


def calendar(url: str, room: str, summary: str, start: datetime, uid_domain: str) -> bytes:
    """An iCalendar file (RFC 5545) with one hour in the room from `start` on: without a zone, at that time anywhere."""
    begin, end = (_stamp(moment) for moment in (start, start + timedelta(hours=1)))
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Ensemble//portal//EN",
        "BEGIN:VEVENT",
        f"UID:{_escaped(room)}-{begin}@{uid_domain}",
        f"DTSTAMP:{_stamp(datetime.now(UTC))}",
        f"DTSTART:{begin}",
        f"DTEND:{end}",
        f"SUMMARY:{_escaped(summary)}",
        f"LOCATION:{_escaped(url)}",
        f"URL:{url}",
        f"DESCRIPTION:{_escaped(url)}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(_folded(line) for line in lines).encode()


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}" if moment.tzinfo else f"{moment:%Y%m%dT%H%M%S}"


def next_hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def _folded(line: str) -> str:
    """Lines of at most 75 bytes, as the standard wants them."""
    out, size = "", 0
    for letter in line:
        width = len(letter.encode())
        if size + width > 74:
            out, size = out + "\r\n ", 1
        out, size = out + letter, size + width
    return out + "\r\n"

"""The notices as JSON and as RSS."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from xml.etree import ElementTree

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .api import base_of, portal_of
from .rendering import language_of
from .texts import TEXTS

CACHED = {"Cache-Control": "max-age=30"}


async def notices(request: Request) -> Response:
    document = {"notices": [notice.as_json() for notice in portal_of(request).notices.shown]}
    return Response(orjson.dumps(document), media_type="application/json", headers=CACHED)


async def rss(request: Request) -> Response:
    """Serve one item per step of each notice, newest first."""
    portal, page = portal_of(request), f"{base_of(request)}/status"
    language = language_of(request)
    root = ElementTree.Element("rss", version="2.0")
    channel = ElementTree.SubElement(root, "channel")
    title = f"{portal.settings.site_name}: {TEXTS[language]['notices_title']}"
    for name, text in (("title", title), ("link", page), ("description", title), ("language", language)):
        ElementTree.SubElement(channel, name).text = text
    told = [(step, notice) for notice in portal.notices.shown for step in notice.steps]
    for step, notice in sorted(told, key=lambda one: -one[0].at):
        item = ElementTree.SubElement(channel, "item")
        over = f" ({TEXTS[language]['notice_closed']})" if step.step == "close" else ""
        ElementTree.SubElement(item, "title").text = notice.title + over
        ElementTree.SubElement(item, "link").text = f"{page}#{notice.id}"
        ElementTree.SubElement(item, "description").text = step.text
        ElementTree.SubElement(item, "pubDate").text = format_datetime(datetime.fromtimestamp(step.at, UTC))
        ElementTree.SubElement(item, "guid", isPermaLink="false").text = f"{notice.id}-{step.at}"
    body = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return Response(body, headers={**CACHED, "Content-Type": "application/rss+xml; charset=utf-8"})


ROUTES = [Route("/api/v1/notices", notices), Route("/status/notices.rss", rss)]

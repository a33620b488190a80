# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters and pages of lists: one way for instance v1, another for all other APIs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, urlencode

from ensemble_lab import errors
from ensemble_lab.store import Object
from ensemble_lab.web.service import Call, Reply


def _number(call: Call, name: str, default: int, most: int) -> int:
    text = call.asked(name)
    if text is None:
        return default
    if not text.isdigit():
        raise errors.constraint(name, f"{text} is not a number")
    return max(1, min(int(text), most))


def instance_page(call: Call, items: list[Any], default: int = 50) -> tuple[list[Any], dict[str, str]]:
    """One page (``page``, ``per_page``) and its headers: the Link is relative to the zone."""
    items = call.visible(items)
    per_page, page = _number(call, "per_page", default, 100), _number(call, "page", 1, 10**9)
    last = (len(items) + per_page - 1) // per_page
    rest = urlencode([pair for pair in call.query if pair[0] not in ("page", "per_page")], safe=",", quote_via=quote)

    def link(number: int, relation: str) -> str:
        return f'<{call.path}?page={number}&per_page={per_page}&{rest}>; rel="{relation}"'

    links = [link(1, "first"), link(page - 1, "previous")] if page > 1 else []
    links += [link(page + 1, "next")] if page < last else []
    links.append(link(last, "last"))
    start = (page - 1) * per_page
    return items[start : start + per_page], {"X-Total-Count": str(len(items)), "Link": ",".join(links)}


def instance_list(call: Call, key: str, items: list[Object], view: Callable[[Object], Any], default: int = 50) -> Reply:
    """``{"<key>": [...]}`` with headers."""
    page, headers = instance_page(call, items, default)
    return Reply(200, {key: [view(item) for item in page]}, headers)


def plain_list(
    call: Call,
    key: str,
    items: list[Object],
    view: Callable[[Object], Any] = lambda item: item,
    order: str = "created_at_asc",
    most: int = 100,
) -> Object:
    """``{"<key>": [...], "total_count": n}``, sorted by ``order_by`` and paged by ``page`` and ``page_size``."""
    items = call.visible(items)
    size, page = _number(call, "page_size", 20, most), _number(call, "page", 1, 10**9)
    field, _, direction = (call.asked("order_by") or order).rpartition("_")
    if field != "created_at":
        items = sorted(items, key=lambda item: str(item.get(field, "")))
    if direction == "desc":
        items = items[::-1]
    start = (page - 1) * size
    return {key: [view(item) for item in items[start : start + size]], "total_count": len(items)}


def token_list(
    call: Call, key: str, items: list[Object], view: Callable[[Object], Any], order: str = "created_at_asc"
) -> Object:
    """The same for instance v2alpha1, which names the next page by a token (in the lab: its number)."""
    size, page = _number(call, "page_size", 20, 100), _number(call, "page_token", 1, 10**9)
    call.query = [(name, value) for name, value in call.query if name != "page"] + [("page", str(page))]
    shown = plain_list(call, key, items, view, order)
    return shown | ({"next_page_token": str(page + 1)} if page * size < len(items) else {})


def having_tags(items: Iterable[Object], tags: Iterable[str]) -> list[Object]:
    """Those that carry all of the tags."""
    desired = set(tags)
    return [item for item in items if desired <= set(item["tags"])] if desired else list(items)


def equal(call: Call, items: Iterable[Object], *names: str) -> list[Object]:
    """Those whose fields equal the query parameters of the same names (where given; ``unknown_...`` means any)."""
    found = list(items)
    for name in names:
        value = call.asked(name)
        if value is not None and not value.startswith("unknown"):
            found = [item for item in found if _text(item.get(name)) == value]
    return found


def containing(call: Call, items: Iterable[Object], name: str = "name") -> list[Object]:
    """Those whose field contains the query parameter: the API's name filters find substrings."""
    value = call.asked(name)
    return list(items) if value is None else [item for item in items if value in str(item.get(name) or "")]


def _text(value: Any) -> str:
    return {True: "true", False: "false"}.get(value, "") if isinstance(value, bool) else str(value)

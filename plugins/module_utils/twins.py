# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolve two objects of one name that two runs created at the same time: the older one stays.

Names are not unique in most of Scaleway's APIs, so every run looks again after it created something. Dates order the
twins: whoever made the younger one created it after the elder was there, so it sees it, removes its own, and goes on
with the elder. Where dates are equal or absent the ids decide, and whoever made the elder cannot know whether its peer
looked before or after: it waits until the peer is gone, and yields to one that stays.
"""

from __future__ import annotations

import builtins
import calendar
import itertools
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

from .errors import ApiError, Invalid
from .plan import Object
from .retry import delays

JUST_NOW = 60.0
"""Seconds during which a twin may still be taken away by the run that made it."""
REFUSALS = (400, 409, 412)
"""How an API answers that has such an object already."""


def born(twin: Object) -> str:
    """When it was created, in a form that sorts; "" where the API does not tell."""
    text = str(twin.get("creation_date") or twin.get("created_at") or "")
    found = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.](\d+))?", text)
    return f"{found.group(1)}.{(found.group(2) or '').ljust(9, '0')}" if found else ""


def age_order(twin: Object) -> tuple[str, str]:
    """Sort key: oldest first."""
    return born(twin), str(twin.get("id") or twin.get("name") or "")


def is_recent(twin: Object, now: float | None = None) -> bool:
    """Whether its maker may still be about to take it away."""
    date = born(twin)
    if not date:
        return True
    moment = calendar.timegm(time.strptime(date[:19], "%Y-%m-%dT%H:%M:%S"))
    return abs((time.time() if now is None else now) - moment) < JUST_NOW


class WithoutTwins:
    """The part of a resource that finds it by name, and sees to it that there is only one."""

    client: Any
    warnings: builtins.list[str]

    def namesakes(self) -> builtins.list[Object]:
        """All objects that a task with these arguments may mean; more than one are twins."""
        raise NotImplementedError

    def own_first(self, candidates: builtins.list[Object]) -> builtins.list[Object]:
        raise NotImplementedError

    def discard(self, made: Object, elder: Object) -> None:
        """Remove what was made in vain, before it was used, and nothing that the elder needs."""
        raise NotImplementedError

    def eldest_first(self) -> builtins.list[Object]:
        return sorted(self.own_first(self.namesakes()), key=age_order)

    def sole(self) -> Object | None:
        """The one object of the name. Twins that were made just now are given time to become one.

        Raises:
            Invalid: there are several, and nobody is about to take one away.
        """
        pauses = patience()
        while True:
            found = self.eldest_first()
            if len(found) <= 1:
                return found[0] if found else None
            pause = next(pauses, None) if all(is_recent(each) for each in found[1:]) else None
            if pause is None:
                raise Invalid(
                    f"There are {len(found)} of {self} ({', '.join(each['id'] for each in found)}, oldest first): "
                    "give the id of the intended one, or remove the others."
                )
            self.client.pause(pause)

    def make(self, create: Callable[[], Object]) -> tuple[Object, bool]:
        """Return the created object and True, or a peer's older object and False."""
        try:
            made = create()
        except ApiError as refusal:
            elder = next(iter(self.eldest_first()), None) if refusal.status in REFUSALS else None
            if elder is None:
                raise
            return elder, False
        return self.keep_eldest(made)

    def keep_eldest(self, made: Object) -> tuple[Object, bool]:
        """What was just made and True, or the elder that a peer made and False; then what was made is gone again."""
        elder = self._elder_of(made)
        if elder is None:
            return made, True
        self.discard(made, elder)
        self.warnings.append(f"{self} was created twice at once: {made['id']} is removed, {elder['id']} stays.")
        return elder, False

    def _elder_of(self, made: Object) -> Object | None:
        """Return the object that replaces the one just created, or None."""
        pauses = patience()
        while True:
            twins = self.eldest_first()
            mine = next((each for each in twins if each.get("id") == made.get("id")), made)
            others = [each for each in twins if each is not mine]
            if not others or (age_order(mine) < age_order(others[0]) and born(mine) != born(others[0])):
                return None
            pause = next(pauses, None) if age_order(mine) < age_order(others[0]) else None
            if pause is None:
                return others[0]
            self.client.pause(pause)


def patience() -> Iterator[float]:
    """Yield pauses of about ten seconds in total."""
    return itertools.islice(delays(0.3, 2, 60, spread=0.2), 9)

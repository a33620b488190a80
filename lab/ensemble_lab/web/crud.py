# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints that many kinds of objects share: list, create, read, change and delete.

A kind gives its names and the functions that differ. An endpoint with a way of its own stays a handler of its file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ensemble_lab.store import Object
from ensemble_lab.web.lists import plain_list
from ensemble_lab.web.service import NO_CONTENT, Call, Handler, Service

View = Callable[[Call, Object], Object]


def _as_it_is(_call: Call, obj: Object) -> Object:
    return obj


@dataclass(frozen=True, kw_only=True)
class Crud:
    """The endpoints of one kind of objects. Those whose function is missing are not served."""

    path: str
    """Of the collection, such as ``/routes``."""
    item: str
    """Name of an object's id among the parts of a path."""
    find: Callable[[Call, str], Object]
    """An object by its id, or 404."""
    view: View = _as_it_is
    key: str = ""
    """Of the list in its answer."""
    choose: Callable[[Call], list[Object]] | None = None
    """What the filters of a list leave."""
    summary: View | None = None
    """An object in a list, where that differs from `view`."""
    page: Callable[..., Object] = plain_list
    create: Callable[[Call], Object] | None = None
    change: Callable[[Call, Object], Object] | None = None
    change_method: str = "PATCH"
    delete: Callable[[Call, Object], Object | None] | None = None
    """What it returns is answered."""

    def serve(self, service: Service) -> None:
        one = f"{self.path}/{{{self.item}}}"
        endpoints: list[tuple[str, str, Handler, object]] = [
            ("GET", self.path, self._list, self.choose),
            ("POST", self.path, self._create, self.create),
            ("GET", one, self._get, self.find),
            (self.change_method, one, self._change, self.change),
            ("DELETE", one, self._delete, self.delete),
        ]
        for method, path, handler, function in endpoints:
            if function is not None:
                service.route(method, path)(handler)

    def _found(self, call: Call) -> Object:
        return self.find(call, call[self.item])

    def _list(self, call: Call) -> Object:
        assert self.choose
        show = self.summary or self.view
        return self.page(call, self.key, self.choose(call), lambda obj: show(call, obj))

    def _create(self, call: Call) -> Object:
        assert self.create
        return self.view(call, self.create(call))

    def _get(self, call: Call) -> Object:
        return self.view(call, self._found(call))

    def _change(self, call: Call) -> Object:
        assert self.change
        return self.view(call, self.change(call, self._found(call)))

    def _delete(self, call: Call) -> object:
        assert self.delete
        told = self.delete(call, self._found(call))
        return NO_CONTENT if told is None else told

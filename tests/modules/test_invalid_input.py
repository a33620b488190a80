# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever an option is given, a module ends with an answer or with a message, never with a traceback."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from ansible.module_utils import basic
from modules_lifecycles import LIFECYCLES
from modules_support import MODULES, Lab, Runner
from test_lifecycles import prepare

INVALID = {
    "str": ["", "x y", "../..", "a" * 300],
    "int": [-1, 0, 10**13, "many"],
    "float": [-1, 0, "long"],
    "bool": ["perhaps"],
    "list": [[], ["x y"], [""], "x,y", {"a": 1}],
    "dict": [{}, {"x": "y"}, {"0": "y"}, {"0": {"x": 1}}, "x", ["y"]],
    "raw": ["", "x y", {"a": 1}, ["a"], 3, True],
    "path": ["/nowhere/at/all"],
}
OF_THE_ACCOUNT = ("api_url", "secret_key", "api_retry_time", "api_timeout", "api_proxy")
"""What is wrong with these is told by tests of their own; here the lab must be reached."""


class Caught(BaseException):
    """The argument spec of a module, before it does anything."""


def options(module: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    def stop(_self: Any, argument_spec: dict[str, Any], **_more: Any) -> None:
        raise Caught(argument_spec)

    with monkeypatch.context() as patch:
        patch.setattr(basic.AnsibleModule, "__init__", stop)
        with pytest.raises(Caught) as caught:
            importlib.import_module(f"{MODULES}.scaleway_{module}").main()
    spec = caught.value.args[0]
    return {name: option for name, option in spec.items() if name not in OF_THE_ACCOUNT}


@pytest.mark.parametrize("name", sorted({lifecycle.module: name for name, lifecycle in LIFECYCLES.items()}.values()))
def test_invalid_input(name: str, lab: Lab, run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    lifecycle = LIFECYCLES[name]
    prepare(run, lifecycle.before)
    run.ok(lifecycle.module, **lifecycle.begin)
    for option, spec in options(lifecycle.module, monkeypatch).items():
        for value in INVALID[spec.get("type", "str")]:
            answer = run(lifecycle.module, check=True, **{**lifecycle.begin, option: value})
            assert answer.get("msg", "") or not answer.get("failed"), f"{option}: {value!r}"
            assert "Traceback" not in answer.get("msg", ""), f"{option}: {value!r}"

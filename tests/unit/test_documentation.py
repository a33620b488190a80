# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation that is true: examples use options that exist, groups and tables know every module."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
MODULES = {path.stem: path for path in sorted((ROOT / "plugins/modules").glob("*.py"))}
FRAGMENTS = ROOT / "plugins/doc_fragments/scaleway.py"


def texts(path: Path) -> dict[str, str]:
    """The module-level (or class-level) strings in capitals."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            found[node.targets[0].id] = node.value.value  # type: ignore[attr-defined]
    return found


def options(module: str) -> dict[str, Any]:
    documentation = yaml.safe_load(texts(MODULES[module])["DOCUMENTATION"])
    known = dict(documentation.get("options", {}))
    for name in documentation["extends_documentation_fragment"]:
        part = name.removeprefix("ensemble.jitsi.scaleway").strip(".").upper() or "DOCUMENTATION"
        known.update(yaml.safe_load(texts(FRAGMENTS)[part]).get("options", {}))
    return known


@pytest.mark.parametrize("module", MODULES)
def test_three_examples_that_the_module_would_take(module: str) -> None:
    tasks = yaml.safe_load(texts(MODULES[module])["EXAMPLES"])
    used = [task[f"ensemble.jitsi.{module}"] for task in tasks if f"ensemble.jitsi.{module}" in task]
    assert len(used) >= 3 or (len(tasks) >= 3 and used)
    for task in tasks:
        assert task["name"]
        for action, arguments in task.items():
            if action.startswith("ensemble.jitsi."):
                known = options(action.removeprefix("ensemble.jitsi."))
                assert set(arguments) <= set(known), f"{action}: {set(arguments) - set(known)}"
                for name, value in arguments.items():
                    choices = known[name].get("choices")
                    assert not choices or value in choices, f"{action}: {name} is {value}"


@pytest.mark.parametrize("module", MODULES)
def test_results_have_samples(module: str) -> None:
    for result in yaml.safe_load(texts(MODULES[module])["RETURN"]).values():
        assert "sample" in result or "contains" in result
        assert result["description"]


def test_the_action_group_has_every_module() -> None:
    group = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]["scaleway"]
    assert group == sorted(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_modules_say_what_they_support(module: str) -> None:
    fragments = yaml.safe_load(texts(MODULES[module])["DOCUMENTATION"])["extends_documentation_fragment"]
    told = "info" if module.endswith("_info") else "attributes"
    assert f"ensemble.jitsi.scaleway.{told}" in fragments

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
PLUGINS = sorted(path for kind in ("filter", "inventory", "lookup") for path in (ROOT / "plugins" / kind).glob("*.py"))
FRAGMENTS = ROOT / "plugins/doc_fragments"


def texts(path: Path) -> dict[str, str]:
    """The module-level (or class-level) strings in capitals."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            found[node.targets[0].id] = node.value.value  # type: ignore[attr-defined]
    return found


def fragments(documentation: dict[str, Any]) -> list[dict[str, Any]]:
    """What the documentation takes from the collection's own fragments."""
    found = []
    for name in documentation.get("extends_documentation_fragment", []):
        file, _, part = name.removeprefix("ensemble.jitsi.").partition(".")
        found.append(yaml.safe_load(texts(FRAGMENTS / f"{file}.py")[part.upper() or "DOCUMENTATION"]))
    return found


def options(module: str) -> dict[str, Any]:
    documentation = yaml.safe_load(texts(MODULES[module])["DOCUMENTATION"])
    known = dict(documentation.get("options", {}))
    for part in fragments(documentation):
        known.update(part.get("options", {}))
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
                given = arguments or {}
                assert set(given) <= set(known), f"{action}: {set(given) - set(known)}"
                for name, value in given.items():
                    choices = known[name].get("choices")
                    assert not choices or value in choices, f"{action}: {name} is {value}"


@pytest.mark.parametrize("module", MODULES)
def test_results_have_samples(module: str) -> None:
    for result in yaml.safe_load(texts(MODULES[module])["RETURN"]).values():
        assert "sample" in result or "contains" in result
        assert result["description"]


def test_the_action_group_has_every_module_of_the_cloud() -> None:
    group = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]["scaleway"]
    assert group == sorted(name for name in MODULES if name.startswith("scaleway_"))


@pytest.mark.parametrize("module", MODULES)
def test_modules_say_what_they_support(module: str) -> None:
    documentation = yaml.safe_load(texts(MODULES[module])["DOCUMENTATION"])
    if not module.startswith("scaleway_"):
        assert {"check_mode", "diff_mode"} <= set(documentation["attributes"])
        return
    told = "info" if module.endswith("_info") else "attributes"
    assert f"ensemble.jitsi.scaleway.{told}" in documentation["extends_documentation_fragment"]


@pytest.mark.parametrize("module", MODULES)
def test_modules_say_what_to_see_and_know_beside(module: str) -> None:
    documentation = yaml.safe_load(texts(MODULES[module])["DOCUMENTATION"])
    for other in documentation["seealso"]:
        kind, name = ("module", other["module"]) if "module" in other else (other["plugin_type"], other["plugin"])
        if name.startswith("ensemble.jitsi."):
            folder = "modules" if kind == "module" else kind
            assert (ROOT / f"plugins/{folder}/{name.removeprefix('ensemble.jitsi.')}.py").exists(), name
    assert any("notes" in part for part in [documentation, *fragments(documentation)])


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.parent.name + "/" + path.stem)
def test_plugins_have_three_examples_and_a_sample(plugin: Path) -> None:
    found = texts(plugin)
    documents = list(yaml.safe_load_all(found["EXAMPLES"]))
    assert sum(len(document) if isinstance(document, list) else 1 for document in documents) >= 3
    for result in yaml.safe_load(found.get("RETURN", "{}")).values():
        assert "sample" in result

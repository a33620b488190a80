# SPDX-License-Identifier: GPL-3.0-or-later
"""No import circles, neither at the top of files nor inside functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "plugins": ROOT / "plugins",
    "ensemble_lab": ROOT / "lab/ensemble_lab",
    "ensemble_portal": ROOT / "portal/ensemble_portal",
}


def modules(package: str, folder: Path) -> dict[str, Path]:
    """All modules of a package by their dotted names."""
    found = {}
    for path in folder.rglob("*.py"):
        parts = path.relative_to(folder).with_suffix("").parts
        found[".".join([package, *(part for part in parts if part != "__init__")])] = path
    return found


def imports(name: str, path: Path, known: dict[str, Path]) -> Iterator[str]:
    """The modules of the same package that one imports, wherever in its file."""
    parents = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = parents[: len(parents) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            targets = [f"{source}.{alias.name}" for alias in node.names] + [source]
        else:
            continue
        yield from (target for target in targets if target in known and target != name)


def graph(package: str) -> dict[str, set[str]]:
    known = modules(package, PACKAGES[package])
    return {name: set(imports(name, path, known)) for name, path in known.items()}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_import_circle(package: str) -> None:
    edges = graph(package)
    assert sum(map(len, edges.values())) > 30
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_rooms_know_only_what_they_may() -> None:
    """Product and lab meet over HTTP, SSH and DNS only; descriptions know the engine, never a module or a fleet."""
    for package, folder in PACKAGES.items():
        for path in folder.rglob("*.py"):
            lines = [line.split() for line in path.read_text().splitlines() if line.startswith(("import ", "from "))]
            names = {line[1].split(".")[0] for line in lines}
            assert not (names & {"ensemble_lab", "ensemble_portal"}) - {package}, path
    plugins = graph("plugins")
    for name, used in plugins.items():
        if ".module_utils.resources." in name:
            assert not [each for each in used if ".modules." in each or ".fleet" in each], name
        if ".module_utils." in name:
            assert not [each for each in used if ".modules." in each or ".plugin_utils" in each], name

# SPDX-License-Identifier: GPL-3.0-or-later
"""Guides that are true: commands, files, variables and alerts that they name exist."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.splitter import parse_kv
from test_documentation import options

ROOT = Path(__file__).parents[2]
GUIDES = [ROOT / "README.md", *sorted(path for path in ROOT.glob("docs/**/*.md") if "build" not in path.parts)]
OURS = "ensemble.jitsi."
OF_ONE_RUN = {"remove", "ansible_connection", "ansible_python_interpreter"}
OF_ONE_RUN |= {"journal_last", "journal_run", "journal_server"}
OF_ONE_RUN |= {"incident_state", "incident_title", "incident_text", "incident_kind"}
PREFIXES = "ensemble|jitsi|api|portal|prometheus|certificate|database|acme|lb"
guides = pytest.mark.parametrize("guide", GUIDES, ids=lambda path: str(path.relative_to(ROOT)))


def variables() -> set[str]:
    """What an operator may set: the platform's defaults, what the playbooks check, and every role's options."""
    known = set(yaml.safe_load((ROOT / "roles/platform/defaults/main.yml").read_text()))
    known |= set(yaml.safe_load((ROOT / "playbooks/vars/platform_spec.yml").read_text()))
    for specs in ROOT.glob("roles/*/meta/argument_specs.yml"):
        known |= set(yaml.safe_load(specs.read_text())["argument_specs"]["main"]["options"])
    return known


def blocks(guide: Path, language: str) -> list[str]:
    """The code blocks of a language, without their indentation."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", guide.read_text(), re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


def commands(guide: Path) -> list[list[str]]:
    """The words of every command that is shown after a prompt."""
    lines = "\n".join(blocks(guide, "console")).replace("\\\n", " ").splitlines()
    return [shlex.split(line.removeprefix("$ "), comments=True) for line in lines if line.startswith("$ ")]


def values(words: list[str], option: str) -> list[str]:
    """The arguments of an option that may be given several times."""
    return [value for given, value in pairwise(words) if given == option]


def set_by(words: list[str]) -> set[str]:
    return {name for text in values(words, "-e") for name in parse_kv(text)}


@guides
def test_commands_can_be_run(guide: Path) -> None:
    for words in commands(guide):
        if words[0] not in ("ansible", "ansible-playbook"):
            continue
        shown = " ".join(words)
        assert all((ROOT / path).is_dir() or path == "my-inventory" for path in values(words, "-i")), shown
        assert values(words, "-i"), f"against which platform? {shown}"
        assert set_by(words) <= variables() | OF_ONE_RUN, shown
        if words[0] == "ansible-playbook":
            installed = [word.removeprefix(OURS) for word in words if word.startswith(OURS)]
            books = [word for word in words if word.endswith(".yml")] + [f"playbooks/{name}.yml" for name in installed]
            assert books, shown
            assert all((ROOT / book).is_file() for book in books), shown


@guides
def test_modules_are_given_options_that_they_have(guide: Path) -> None:
    for words in commands(guide):
        for module in values(words, "-m") if words[0] == "ansible" else []:
            namespace, name = module.rsplit(".", 1)
            assert namespace in ("ensemble.jitsi", "ansible.builtin", "ansible.posix"), module
            if namespace == "ensemble.jitsi":
                arguments: dict[str, Any] = {}
                for text in values(words, "-a"):
                    arguments |= yaml.safe_load(text) if text.startswith("{") else parse_kv(text)
                assert set(arguments) <= set(options(name)), " ".join(words)


@guides
def test_make_has_the_targets(guide: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"(?:^|`)make ([a-z-]+)", guide.read_text(), re.MULTILINE)
    assert set(named) <= targets


@guides
def test_variables_exist(guide: Path) -> None:
    text = guide.read_text()
    named = set(re.findall(rf"`((?:{PREFIXES})_[a-z0-9_]+)", text)) | set(re.findall(r"-e ([a-z_]+)=", text))
    for block in blocks(guide, "yaml"):
        settings = yaml.safe_load(block)
        named |= {name for name in settings if "." not in name}
    assert named <= variables() | OF_ONE_RUN, named - variables() - OF_ONE_RUN


@guides
def test_settings_of_the_portal_exist(guide: Path) -> None:
    named = set(re.findall(r"ENSEMBLE_[A-Z_]+", guide.read_text()))
    known = set(re.findall(r"ENSEMBLE_[A-Z_]+", (ROOT / "portal/README.md").read_text()))
    assert named <= known


def test_every_alert_says_what_to_do() -> None:
    page = (ROOT / "docs/operations/monitoring.md").read_text()
    told = re.findall(r"^\| `([A-Z][A-Za-z]+)` \|", page, re.MULTILINE)
    rules = yaml.safe_load((ROOT / "roles/prometheus/files/ensemble.rules.yml").read_text())
    alerts = [rule["alert"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule]
    assert sorted(told) == sorted(alerts)


def test_every_operation_is_in_the_list() -> None:
    index = (ROOT / "docs/operations/index.md").read_text()
    pages = {path.stem for path in (ROOT / "docs/operations").glob("*.md")} - {"index"}
    assert set(re.findall(r"^\| .* \| \[.*\]\((.*)\.md\) \|", index, re.MULTILINE)) == pages


def test_the_local_scaleway_tells_all_of_its_apis() -> None:
    page = (ROOT / "docs/local-scaleway.md").read_text()
    served = {
        path
        for source in (ROOT / "lab/ensemble_lab/api").glob("*.py")
        for service in re.findall(r"\bService\(([^)]*)", source.read_text())
        for path in re.findall(r'"(/[a-z-]+/v\w+)', service)
    }
    assert set(re.findall(r"`(/[a-z-]+/v\w+)`", page)) == served

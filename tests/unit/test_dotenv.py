# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment files: what is written is what the boot program and the real Compose read."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ensemble.jitsi.plugins.module_utils import dotenv
from hypothesis import given
from hypothesis import strategies as st

from tests.compose import read_back

TRICKY = [
    "", " ", "a b", " outer ", "it's", 'say "hi"', "''", '"', "a$b", "${HOME}", "$$", "\\", "a\\", "\\n", "a\nb", "\r",
    "\t",
    "#no comment", "a #b", "=", "export X=1", "`id`", "$(id)", "é€😀", "a'b\"c$d\\e\nf", "x\\", "{{ x }}", "%",
    "a;b|c&d",
    '"quoted"', "'quoted'", "\\$x", "\\\\", "trailing\\\\", "multi\n\nline\n",
]  # fmt: skip
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,10}", fullmatch=True)
VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.dictionaries(NAMES, VALUES))
def test_what_was_written_is_read(environment: dict[str, str]) -> None:
    assert dotenv.parse(dotenv.write(environment)) == environment


@given(st.text("ab=\"'\\ \n#$", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        found = dotenv.parse(text)
        assert dotenv.parse(dotenv.write(found)) == found


def test_compose_reads_the_same(tmp_path: Path) -> None:
    draw = random.Random(5)
    values = TRICKY + ["".join(draw.choices("ab'\"\\$ {}#=\n\té;", k=draw.randint(1, 14))) for _ in range(400)]
    environment = {f"V{number}": value for number, value in enumerate(values)}
    assert read_back(dotenv.write(environment), list(environment), tmp_path) == environment


@pytest.mark.parametrize(
    "text",
    [
        "A=b\n", "A = b\n", "export A=b\n", "A='b'\n", 'A="b"\n', "A=b # comment\n", "# x\n\nA=b", "A=b\r\n",
        "A=x\nA=b\n",
        "  A=b  \n", "A='b' # c\n",
    ],
)  # fmt: skip
def test_files_written_by_hand(text: str, tmp_path: Path) -> None:
    """Read as Compose reads them."""
    assert dotenv.parse(text) == {"A": "b"}
    assert read_back(text, ["A"], tmp_path) == {"A": "b"}


@pytest.mark.parametrize("text", ["A", "A b=c", "1A=b", "=b", "A='b", 'A="b\n', "ok=1\nwhat is this\n"])
def test_files_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"line [12] is not NAME=value"):
        dotenv.parse(text)


@pytest.mark.parametrize("environment", [{"A B": 1}, {"1": 1}, {"": 1}, {"A": None}, {"A": []}, {"A": {}}, {"A": "\0"}])
def test_what_can_be_no_variable(environment: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"name of a variable|not a text|null character"):
        dotenv.write(environment)


def test_booleans_and_numbers() -> None:
    assert dotenv.write({"B": False, "A": True, "C": 3, "D": "x.y"}) == "A=true\nB=false\nC=3\nD=x.y\n"

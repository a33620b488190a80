"""Treat names that look alike as one room, or refuse them, so that nobody can imitate another room.

After Unicode's confusables (UTS 39), for the alphabets whose letters pass for Latin ones. A word of such letters only
is read as the Latin word that it looks like; a word that mixes alphabets is refused.
"""

from __future__ import annotations

import re
import unicodedata

ALPHABETS = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "COPTIC", "CHEROKEE"})
WITHIN_LATIN = str.maketrans("ıɩɪɡɑʋꞁ", "iiigavl")
AS_LATIN = str.maketrans(
    "аеорсухіјѕһԁԛԝѵӏονικρυχαγօոսհցզ",
    "aeopcyxijshdqwvlovikpuxayonuhgq",
)
INVISIBLE = re.compile(
    "[\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u2065-\\u206f\\u3164"
    "\\ufe00-\\ufe0f\\U000e0000-\\U000e0fff]"
)
WORD = re.compile(r"[^\W\d_]+")


def plain(name: str) -> str | None:
    """The name with look-alikes read as what they look like; None when a word mixes alphabets."""
    visible = INVISIBLE.sub("", name).translate(WITHIN_LATIN)
    mixed = False

    def read(word: re.Match[str]) -> str:
        nonlocal mixed
        alphabets = {unicodedata.name(letter, "").partition(" ")[0] for letter in word[0]} & ALPHABETS
        mixed = mixed or len(alphabets) > 1
        latin = word[0].translate(AS_LATIN)
        return latin if latin.isascii() else word[0]

    read_name = WORD.sub(read, visible)
    return None if mixed else read_name

"""Names of rooms: made-up ones that cannot be guessed, and given ones brought into the form that Jitsi uses."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import deque
from functools import cache
from importlib.resources import files
from urllib.parse import quote, unquote

from mnemonic import Mnemonic

from .problems import Problem

LANGUAGES = {"en": "english", "fr": "french"}
WORDS_IN_NAME = 5
FURTHER_WORDS = range(WORDS_IN_NAME - 1)
LONGEST = 100
EXCLUDED = re.compile(r"""[:?#\[\]@!$&'()*+,;=></"]""")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202f\u2060-\u2064\ufeff\\|^`{}%]")
RESERVED = frozenset(
    """
    static libs css images fonts lang sounds config.js interface_config.js external_api.js http-bind xmpp-websocket
    colibri-ws colibri-relay-ws _api _unlock about conference-request v1 etherpad .well-known transcripts robots.txt
    favicon.ico manifest.json pwa-worker.js service-worker.js login.html plugin.head.html title.html body.html
    base.html fonts.html logging_config.js all.css status healthz metrics index.html close.html autherror
    recommendedbrowsers oauth.html dialinfo.html close2.html close3.html share room-lock breakout analytics.js
    """.split()
)


_throws: deque[int] = deque()  # unpredictable numbers, fetched from the system a page at a time


@cache
def words(language: str) -> tuple[str, ...]:
    """The words that made-up names are built of: plain letters, nothing unfriendly."""
    unfriendly = files(__package__).joinpath(f"unfriendly.{language}.txt").read_text().split()
    plain = {_plain(word) for word in Mnemonic(LANGUAGES[language]).wordlist}
    return tuple(sorted(plain.difference(unfriendly)))


def made_up(language: str) -> str:
    """A new room name of about 61 bits: five words and a number, such as 'timber-orbit-canal-vivid-lemon-42'."""
    chosen = words(language)
    count = len(chosen)
    if len(_throws) <= WORDS_IN_NAME:
        _throws.extend(memoryview(os.urandom(4096)).cast("I"))
    throw = _throws.pop
    name = chosen[throw() * count >> 32]
    for _ in FURTHER_WORDS:
        name += "-" + chosen[throw() * count >> 32]
    return f"{name}-{throw() % 90 + 10}"


def normalised(name: str) -> str:
    """The room name as Jitsi will use it (decoded, NFKC, lower case, without the characters that it drops).

    Raises Problem when nothing is left, when it is too long, or when it is one of Jitsi's own paths.
    """
    try:
        decoded = unquote(name, errors="strict")
    except UnicodeDecodeError:
        decoded = name
    folded = unicodedata.normalize("NFKC", decoded).lower()
    room = " ".join(CONTROL.sub("", EXCLUDED.sub("", folded)).split())
    if not room or not any(character.isalnum() for character in room):
        raise Problem("name-empty")
    if len(room) > LONGEST:
        raise Problem("name-too-long", limit=LONGEST)
    if room in RESERVED or room.startswith((".", "_")):
        raise Problem("name-reserved", name=room)
    return room


def path_of(room: str) -> str:
    """The room's name as a URL path segment."""
    return quote(room, safe="-._~")


def _plain(word: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKD", word) if not unicodedata.combining(letter))

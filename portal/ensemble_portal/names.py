"""Names of rooms: made-up ones that cannot be guessed, and given ones brought into the form that Jitsi uses."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from urllib.parse import quote, unquote

from mnemonic import Mnemonic

from . import lookalikes
from .errors import PortalError
from .texts import DEFAULT

WORD_LISTS = {"en": "english", "fr": "french"}  # in other languages names are made of English words
WORDS_IN_NAME = 5
MADE_AT_ONCE = 64
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
    start readyz api
    """.split()
)


_ready: dict[str, list[str]] = {language: [] for language in WORD_LISTS}  # made-up names not given out yet


@cache
def words(language: str) -> tuple[str, ...]:
    """The words that made-up names are built of: plain letters, nothing unfriendly."""
    unfriendly = files(__package__).joinpath(f"unfriendly.{language}.txt").read_text().split()
    plain = {_plain(word) for word in Mnemonic(WORD_LISTS[language]).wordlist}
    return tuple(sorted(plain.difference(unfriendly)))


def made_up(language: str) -> str:
    """A new room name of about 61 bits: five words and a number, such as 'timber-orbit-canal-vivid-lemon-42'."""
    spoken = language if language in WORD_LISTS else DEFAULT
    ready = _ready[spoken]
    if not ready:
        ready.extend(_make(words(spoken), MADE_AT_ONCE))
    return ready.pop()


def _make(among: Sequence[str], count: int) -> Iterator[str]:
    """`count` names of the system's own randomness, fetched in one go. Of 2^32, the remainders are even enough."""
    dice = memoryview(os.urandom(4 * (WORDS_IN_NAME + 1) * count)).cast("I").tolist()
    size = len(among)
    for a, b, c, d, e, number in zip(*[iter(dice)] * (WORDS_IN_NAME + 1), strict=True):
        picked = f"{among[a % size]}-{among[b % size]}-{among[c % size]}-{among[d % size]}-{among[e % size]}"
        yield f"{picked}-{10 + number % 90}"


def normalised(name: str) -> str:
    """The room name as Jitsi will use it (decoded, NFKC, lower case, without the characters that it drops).

    Raises PortalError when nothing is left, when it is too long, or when it is one of Jitsi's own paths.
    """
    try:
        decoded = unquote(name, errors="strict")
    except UnicodeDecodeError:
        decoded = name
    folded = unicodedata.normalize("NFKC", decoded).lower()
    room = " ".join(CONTROL.sub("", EXCLUDED.sub("", folded)).split())
    read = lookalikes.plain(room)
    if read is None:
        raise PortalError("name-mixed")
    room = " ".join(unicodedata.normalize("NFKC", read).split())
    if not room or not any(character.isalnum() for character in room):
        raise PortalError("name-empty")
    if len(room) > LONGEST:
        raise PortalError("name-too-long", limit=LONGEST)
    if room in RESERVED or room.startswith((".", "_")):
        raise PortalError("name-reserved", name=room)
    return room


def is_guessable(room: str) -> bool:
    """Whether a stranger may come upon the name: it is short, or a few plain words."""
    letters = [letter for letter in room if letter.isalnum()]
    words = re.split(r"[\W_]+", room)
    return len(letters) < 16 or len(set(letters)) < 6 or (len(words) < 4 and not any(map(str.isdigit, letters)))


def path_of(room: str) -> str:
    """The room's name as a URL path segment."""
    return quote(room, safe="-._~")


def _plain(word: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKD", word) if not unicodedata.combining(letter))

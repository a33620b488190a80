"""Read the preferences of a browser: language and compression."""

from __future__ import annotations

from functools import lru_cache

from .texts import DEFAULT, LANGUAGES


@lru_cache(maxsize=1024)
def preferred_language(accept_language: str | None) -> str:
    """A language of the pages by an Accept-Language header; English when it says nothing usable."""
    best, best_weight = DEFAULT, 0.0
    for tag, weight in _weighed(accept_language):
        language = tag.partition("-")[0]
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


@lru_cache(maxsize=1024)
def accepts_gzip(accept_encoding: str | None) -> bool:
    return any(coding == "gzip" and weight > 0 for coding, weight in _weighed(accept_encoding))


def _weighed(header: str | None) -> list[tuple[str, float]]:
    """The choices that a header lists, in lower case, with their weights."""
    found = []
    for part in (header or "").split(","):
        choice, _, parameters = part.partition(";")
        found.append((choice.strip().lower(), _weight(parameters)))
    return found


def _weight(parameters: str) -> float:
    name, _, value = parameters.partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0

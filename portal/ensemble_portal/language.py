"""Which of the portal's languages a visitor reads best."""

from __future__ import annotations

from functools import lru_cache

LANGUAGES = ("en", "fr")


@lru_cache(maxsize=1024)
def preferred(accept_language: str | None) -> str:
    """'en' or 'fr' by an Accept-Language header; English when it says nothing usable."""
    best, best_weight = "en", 0.0
    for part in (accept_language or "").split(","):
        tag, _, rest = part.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        weight = _weight(rest)
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0

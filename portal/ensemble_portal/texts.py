"""Texts of the pages in each language (locale/*.po), and its number format."""

from __future__ import annotations

import re
from importlib.resources import files

from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

LANGUAGES = {"en": "English", "fr": "Français", "de": "Deutsch", "es": "Español", "it": "Italiano"}
"""Code -> own name, in the order in which the pages offer them. All are written from left to right."""
DEFAULT = "en"
THIN_SPACE = "\u202f"  # it does not break
SPACES_IN_FRENCH = re.compile(r" (?=[:;?!»%])|(?<=«) |(?<=[0-9}]) (?=(?:s|ms|min|pers)\b)")


def in_french(text: str) -> str:
    """Spaces before signs and units as French typography wants them."""
    return SPACES_IN_FRENCH.sub(THIN_SPACE, text)


def number(count: int, language: str) -> str:
    return format_decimal(count, locale=language)


def percent(share: float, language: str) -> str:
    return format_percent(share, locale=language)


def _catalogue(language: str) -> dict[str, str]:
    """The words of one language by their key."""
    with files(__package__).joinpath(f"locale/{language}.po").open("rb") as file:
        words = {str(message.id): str(message.string) for message in read_po(file) if message.id}
    return {key: in_french(text) for key, text in words.items()} if language == "fr" else words


TEXTS = {language: _catalogue(language) for language in LANGUAGES}

"""Strings from files, made fit to keep: any encoding, any rubbish, nothing raises."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any, Final

MAX_WORD: Final = 256
MAX_TEXT: Final = 8_000
# What cameras write where a person's words should be.
_CAMERA_WORDS: Final = (
    "olympus digital camera",
    "sony dsc",
    "minolta digital camera",
    "konica minolta digital camera",
    "kodak digital still camera",
    "samsung digital camera",
    "samsung camera pictures",
    "digital camera",
    "default",
    "untitled",
    "dcim\\",
    "screenshot",
    "exif_jpeg_picture",
    "jpeg_picture",
    "charset=ascii",
    "<digimax",
    "lead technologies",
)


def clean_text(value: Any, limit: int = MAX_TEXT) -> str | None:
    """A printable string of at most `limit` characters, or None for anything that holds no words."""
    if isinstance(value, bytes):
        value = _decoded(value)
    if isinstance(value, tuple | list) and value:
        return clean_text(bytes(value) if all(isinstance(n, int) and 0 <= n < 256 for n in value) else value[0], limit)
    if not isinstance(value, str):
        return None
    text = unicodedata.normalize("NFC", _repaired(value.partition("\0")[0]))
    text = "".join(
        character if character == "\n" or unicodedata.category(character)[0] != "C" or character in "\u200d" else " "
        for character in text[: limit * 2]
    )
    text = "\n".join(" ".join(line.split()) for line in text.splitlines()).strip()
    return text[:limit] or None


def clean_words(values: Iterable[Any], most: int = 256) -> tuple[str, ...]:
    """Short strings, each once (whatever its case), in their order, at most `most`."""
    words: dict[str, str] = {}
    for value in values:
        word = clean_text(value, MAX_WORD)
        if word and len(words) < most:
            words.setdefault(word.casefold(), word)
    return tuple(words.values())


def clean_caption(value: Any) -> str | None:
    """A person's words about the photo; None for the ones that cameras put there."""
    text = clean_text(value)
    return None if text is None or text.lower().startswith(_CAMERA_WORDS) else text


def _decoded(value: bytes) -> str:
    if value.startswith((b"\xff\xfe", b"\xfe\xff")):
        return value.decode("utf-16", "replace")
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("cp1252", "replace")


def _repaired(value: str) -> str:
    """UTF-8 that a reader took for Latin-1, as Pillow does with EXIF, read again; else as it is."""
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value

"""What a photo is worth by itself, and what it mainly shows: memories, featured photos and wallpapers rank by it.

Whether it may be shown at all is decided before (`photos_engine.curation`), what goes with what after
(`photos_engine.selection`).
"""

from __future__ import annotations

from collections.abc import Mapping

from photos_engine.types import AnalysedPhoto, Tag

_QUALITY, _MEMORABLE, _CHOSEN, _PEOPLE = 0.55, 0.25, 0.15, 0.05  # the parts of a photo's worth


def rate_looks(item: AnalysedPhoto) -> float:
    """How good a picture looks, 0 to 1: how it came out, and, where the model has an eye for that, how beautiful it is.

    By half each: a plain shot that came out well and a beautiful one that is a little soft are worth the same.
    """
    overall = item.quality.overall
    return overall if item.aesthetics is None else (overall + item.aesthetics) / 2


def rate_photo(item: AnalysedPhoto, tags: Mapping[str, Tag]) -> float:
    """How much a photo is worth showing, 0 to 1: its looks, what it shows, and what the person thought of it."""
    facts = item.photo.facts
    shows = max((p * tags[tag].memorable for tag, p in item.tags.items() if tag in tags), default=0.0)
    chosen = 1.0 if item.photo.is_favourite else max(0, facts.rating or 0) / 5
    people = 1.0 if facts.people else 0.0
    return _QUALITY * rate_looks(item) + _MEMORABLE * shows + _CHOSEN * chosen + _PEOPLE * people


def main_subject(item: AnalysedPhoto, tags: Mapping[str, Tag]) -> str | None:
    """What a photo mainly shows, as a category of the taxonomy; None where no tag says."""
    known = [(p * tags[tag].memorable, tags[tag].category) for tag, p in item.tags.items() if tag in tags]
    return max(known)[1] if known else None

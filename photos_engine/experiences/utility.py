"""What is in the library for its use: receipts, screenshots, documents; found, never hidden from search."""

from __future__ import annotations

from photos_engine.curation import assess_utility
from photos_engine.types import Snapshot, UtilityPhoto


def find_utility(snapshot: Snapshot) -> tuple[UtilityPhoto, ...]:
    """List the photos that serve a purpose and are no memories, surest first, each with its kind and reasons."""
    found = [
        UtilityPhoto(item.photo, verdict.kind, verdict.probability, verdict.reasons)
        for item in snapshot.photos
        if (verdict := assess_utility(item)).kind is not None
    ]
    return tuple(sorted(found, key=lambda utility: (-utility.probability, utility.photo.id)))
